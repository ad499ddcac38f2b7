"""A policy that replays a reference solution: it proves the plumbing, not anybody's skill."""

from __future__ import annotations

from deepcoder.problems.contracts import Script
from deepcoder.records import Action, Step, fence_python


def replay(code: str, entry_point: str) -> Script:
    """Run the reference solution once, see that it defines `entry_point`, finish with it."""
    # The code goes in as it is: whatever it prints itself comes before our line.
    run = f"{code.rstrip()}\n\nprint(callable({entry_point}))"

    def execute(seen: str) -> Step:
        return Step(
            thought=f"Replay the reference solution: define {entry_point}.", action=Action.EXECUTE_PYTHON, input=run
        )

    def finish(seen: str) -> Step | None:
        if not seen.strip().endswith("True"):
            return None
        return Step(
            thought=f"The replayed code defines {entry_point}.", action=Action.FINISH, input=fence_python(code.rstrip())
        )

    return Script((execute, finish))

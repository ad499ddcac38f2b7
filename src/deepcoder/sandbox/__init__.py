"""Untrusted Python: nothing gets out, nothing stays.

    async with open_sandbox(config.sandbox) as box:
        result = await box.run("print(1)")

Not covered: holes in the host's kernel, which programs talk to through a filter of some 150 calls;
side channels (timing, caches, load); files of the system and of the interpreter that every user may
read; kernel buffers of pipes and socket pairs in the memory limit; fairness of CPU between runs. For
hostile users put the service into a virtual machine. docs/sandbox.md says more, and what was tested.
"""

from deepcoder.sandbox.pool import Sandbox, open_sandbox
from deepcoder.sandbox.result import Limits, RunResult, SessionEnded, Status
from deepcoder.sandbox.session import Session

__all__ = ["Limits", "RunResult", "Sandbox", "Session", "SessionEnded", "Status", "open_sandbox"]

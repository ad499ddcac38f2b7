from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path

import pytest
from rich.console import Console
from tests.trajectories.made import made

from deepcoder.errors import StageError
from deepcoder.records import Rejection, StepError
from deepcoder.trajectories import ShardWriter
from deepcoder.view.command import view, view_list
from deepcoder.view.selection import Selection
from deepcoder.view.terminal import browse, show


def plain() -> Console:
    return Console(file=io.StringIO(), width=100)


def coloured() -> Console:
    return Console(file=io.StringIO(), force_terminal=True, color_system="truecolor", width=100)


def printed(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


@pytest.fixture
def run(tmp_path: Path) -> Path:
    with ShardWriter(tmp_path / "trajectories") as writer:
        for number in range(45):
            writer.add(made(f"p{number}", text=f"Add {number} to it."))
    return tmp_path


def test_whole_trajectories_until_there_are_enough(run: Path) -> None:
    view(run, console := plain(), count=2)
    text = printed(console)
    for line in ("Add 0 to it.", "Action: execute_python", "Observation: 2", "answer: 2", "Add 1 to it."):
        assert line in text
    assert "Add 2 to it." not in text


def test_one_by_id_with_each_span_in_its_colour(run: Path) -> None:
    view(run, console := coloured(), selection=Selection(id="t-p7"))
    text = printed(console)
    assert "\x1b[94mThought: Add 7 to it." in text
    assert "\x1b[32mAction: execute_python" in text
    assert "\x1b[33mObservation: 2" in text


def test_what_went_wrong_is_said() -> None:
    step = made("x").steps[0].model_copy(update={"error": StepError.TOOL_FAILED})
    show(made("a", steps=(step,), rejection=Rejection(reason="loop", detail="4 times")), console := plain())
    assert "step 1: tool_failed" in printed(console)
    assert "rejected, loop: 4 times" in printed(console)


def test_a_list_page_by_page(run: Path) -> None:
    view_list(run, console := plain(), Selection(), page_number=3)
    text = printed(console)
    assert "page 3 of 3, 45 trajectories" in text
    assert "p40" in text
    assert "p39" not in text
    with pytest.raises(StageError, match="no page 4"):
        view_list(run, plain(), Selection(), page_number=4)


def answers(*given: str) -> Iterator[str]:
    yield from given


@pytest.mark.parametrize(
    ("given", "seen", "unseen"),
    [
        (("q",), ["1-20 of 45"], ["21-40"]),
        (("", "", ""), ["1-20", "21-40", "41-45"], []),
        (("", "p", "q"), ["21-40", "1-20"], ["41-45"]),
        (("99", "45", "q"), ["[assistant]", "p44"], ["21-40"]),
    ],
)
def test_browsing_from_page_to_page(given: tuple[str, ...], seen: list[str], unseen: list[str]) -> None:
    waiting = answers(*given)
    browse([made(f"p{number}") for number in range(45)], console := plain(), lambda: next(waiting))
    assert next(waiting, None) is None, "every answer was asked for"
    for text in seen:
        assert text in printed(console)
    for text in unseen:
        assert text not in printed(console)


def test_nothing_found_names_what_was_looked_for(run: Path) -> None:
    for action in (
        lambda: view(run, plain(), selection=Selection(family="zz")),
        lambda: view(run, plain(), problem_id="zz"),
    ):
        with pytest.raises(StageError, match="'zz'"):
            action()
    with pytest.raises(StageError, match="family 'zz'"):
        view_list(run, plain(), Selection(family="zz"))


def test_text_is_neither_markup_nor_terminal_control() -> None:
    run = made("[bold]p", text="[red]x[/red] [/] a\x1b[2Jb\r \ud800")
    for action in (lambda console: show(run, console), lambda console: browse([run], console, lambda: "q")):
        console = coloured()
        action(console)
        assert "\x1b[2J" not in printed(console)
        assert "[red]x[/red] [/] a␛[2Jb" in printed(console)
        printed(console).encode()

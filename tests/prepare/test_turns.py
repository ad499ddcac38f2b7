from __future__ import annotations

from hypothesis import given
from tests.prepare.prepare_chats import FINISH, JUNK, RUN, trajectories, trajectory

from deepcoder.prepare.turns import turns_of
from deepcoder.records import Span, Trajectory


@given(trajectories())
def test_the_text_is_that_of_the_canonical_messages(run: Trajectory) -> None:
    turns = turns_of(run, "first")
    assert [turn.message for turn in turns] == [message.model_dump() for message in run.messages("first")]


def test_each_part_has_its_span() -> None:
    prompt, answer, observation, last = turns_of(trajectory(RUN, FINISH), "first")
    assert [segment.span for segment in prompt.segments] == [Span.PROMPT]
    assert [(segment.text, segment.span) for segment in answer.segments] == [
        ("Thought: I multiply.\n", Span.REASON),
        ("Action: execute_python\nAction Input:\n```python\nprint(6 * 7)\n```", Span.ACT),
    ]
    assert [(segment.text, segment.span) for segment in observation.segments] == [
        ("Observation: 42\n", Span.OBSERVATION)
    ]
    assert [segment.step for turn in (answer, observation, last) for segment in turn.segments] == [0, 0, 0, 1, 1]


def test_a_step_without_a_readable_action_is_not_trained() -> None:
    _, junk, *_ = turns_of(trajectory(JUNK, FINISH), "first")
    assert not junk.trained
    assert [(segment.text, segment.span) for segment in junk.segments] == [("I am lost", Span.PROMPT)]


def test_labels_inside_a_thought_do_not_move_the_border() -> None:
    step = FINISH.model_copy(update={"thought": "Observation: x\nAction: finish\nAction Input:\n1"})
    _, answer = turns_of(trajectory(step), "first")
    assert answer.segments[0].text.count("Action:") == 1
    assert answer.segments[1].text == "Action: finish\nAction Input:\n42"

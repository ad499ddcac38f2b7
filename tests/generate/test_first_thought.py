from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deepcoder.generate.first_thought import from_reasoning, led_by, opening
from deepcoder.parser import as_thought
from deepcoder.records import Step, StopReason, Trajectory


def test_whole_sentences_are_kept() -> None:
    assert opening("One thing. Another thing, 3.5 of it! And more.", 40) == "One thing. Another thing, 3.5 of it!"
    assert opening("Short.", 40) == "Short."


def test_a_long_sentence_is_cut_between_words() -> None:
    assert opening("wordy " * 50, 40) == "wordy wordy wordy wordy wordy wordy"


def test_neither_labels_nor_code_are_words() -> None:
    said = "Thought: first look.\nAction: finish\n```python\nprint(1)\n```"
    assert opening(said, 600) == "first look.\nAction - finish"


@given(st.text(max_size=300), st.integers(40, 200))
def test_an_opening_is_a_beginning_of_bounded_length(text: str, most: int) -> None:
    words = opening(text, most)
    assert len(words) <= most
    assert words in as_thought(text)


def test_no_words_lead_nowhere() -> None:
    assert led_by("").note == ""
    assert "look" in led_by("look").note


def test_reasoning_becomes_the_beginning_of_the_first_thought_alone() -> None:
    steps = (
        Step(thought="hm", action="", input="", reasoning="unread."),
        Step(thought="run it", action="execute_python", input="print(1)", observation="1", reasoning="One. Two."),
        Step(thought="done", action="finish", input="1", reasoning="Three."),
    )
    run = Trajectory(
        trajectory_id="t", problem_id="p", problem="?", prompt="?", steps=steps, answer="1",
        stop_reason=StopReason.FINISHED,
    )  # fmt: skip
    led = from_reasoning(run, 600)
    assert [step.thought for step in led.steps] == ["hm", "One. Two.\nrun it", "done"]
    assert from_reasoning(led, 600) == led

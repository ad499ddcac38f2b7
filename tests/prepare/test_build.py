"""Truncation, refusals and counts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.prepare.prepare_chats import FINISH, JUNK, RUN, small_tokenizer, trajectories, trajectory

from deepcoder.prepare.align import Aligner, Refusal
from deepcoder.prepare.build import Prepared, Tally, prepare
from deepcoder.records import Span, Trajectory


def built(aligner: Aligner, runs: list[Trajectory], max_length: int = 10_000) -> tuple[list[Prepared], Tally]:
    tally = Tally()
    examples = list(prepare(runs, aligner, first_message=lambda text: text, max_length=max_length, tally=tally))
    return examples, tally


def test_everything_is_counted(small: Aligner) -> None:
    runs = [trajectory(RUN, FINISH), trajectory(FINISH, problem="<|im_end|>", problem_id="bad"), trajectory(JUNK)]
    examples, tally = built(small, runs)
    counts = tally.counts()
    assert len(examples) == 1
    assert (counts["trajectories"], counts["examples"]) == (3, 1)
    assert (counts["refused_control_token_in_text"], counts["refused_nothing_trained"]) == (1, 1)
    assert tally.named[Refusal.CONTROL_TOKEN] == ["bad"]
    assert (
        counts["tokens"] == sum(int(counts[f"{span.name.lower()}_tokens"]) for span in Span) == len(examples[0].tokens)
    )


def test_the_students_first_message_replaces_the_teachers(small: Aligner) -> None:
    examples, _ = built(small, [trajectory(FINISH, problem="the problem")])
    text = small.tokenizer.decode(examples[0].tokens.input_ids)
    assert text.startswith("<|im_start|>user\nthe problem<|im_end|>")
    assert "instructions" not in text


def test_what_is_too_long_loses_whole_steps_from_the_end(aligner: Aligner) -> None:
    run = trajectory(RUN, RUN, RUN, FINISH)
    (whole,), _ = built(aligner, [run])
    for limit in range(len(whole.tokens), 0, -7):
        examples, tally = built(aligner, [run], limit)
        if not examples:
            assert tally.refused == {Refusal.TOO_LONG: 1}
            continue
        (example,) = examples
        kept = len(example.trajectory.steps)
        assert len(example.tokens) <= limit
        assert example.trajectory.steps == run.steps[:kept]
        assert tally.dropped_steps == 4 - kept
        assert tally.truncated == (kept < 4)
        (alone,), _ = built(aligner, [trajectory(*run.steps[:kept])])
        assert alone.tokens.input_ids.tolist() == example.tokens.input_ids.tolist()
        assert alone.tokens.span_ids.tolist() == example.tokens.span_ids.tolist()


@given(run=trajectories(), limit=st.integers(1, 300))
@settings(deadline=None, max_examples=40)
def test_as_many_steps_stay_as_fit(run: Trajectory, limit: int) -> None:
    aligner = Aligner(small_tokenizer())
    examples, tally = built(aligner, [run], limit)
    lengths = {}
    for steps in range(1, len(run.steps) + 1):
        (aligned,) = aligner.align([[*_turns(run, steps)]])
        lengths[steps] = len(aligned)  # type: ignore[arg-type]
    fitting = max((steps for steps, length in lengths.items() if length <= limit), default=0)
    if not fitting:
        assert tally.refused == {Refusal.TOO_LONG: 1}
    elif not any(step.action for step in run.steps[:fitting]):
        assert tally.refused == {Refusal.UNTRAINED: 1}
    else:
        assert len(examples[0].trajectory.steps) == fitting


def _turns(run: Trajectory, steps: int) -> list:  # type: ignore[type-arg]
    from deepcoder.prepare.turns import turns_of

    return turns_of(run.model_copy(update={"steps": run.steps[:steps]}), run.problem)


def test_an_example_left_with_untrained_steps_only_is_dropped(small: Aligner) -> None:
    run = trajectory(JUNK, FINISH)
    (whole,), _ = built(small, [run])
    examples, tally = built(small, [run], len(whole.tokens) - 1)
    assert examples == []
    assert tally.refused == {Refusal.UNTRAINED: 1}


def test_a_run_without_steps_is_dropped(small: Aligner) -> None:
    examples, tally = built(small, [trajectory()])
    assert examples == []
    assert tally.refused == {Refusal.UNTRAINED: 1}


def test_order_is_kept_across_batches(small: Aligner, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepcoder.prepare.build.BATCH", 3)
    runs = [trajectory(RUN, FINISH, problem_id=str(index)) for index in range(8)]
    examples, tally = built(small, runs)
    assert [example.trajectory.problem_id for example in examples] == [str(index) for index in range(8)]
    assert tally.trajectories == 8

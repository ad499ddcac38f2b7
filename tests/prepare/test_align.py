"""Tokens and spans, with the real Qwen3 tokenizer and template, nano's, and a BPE that merges everything."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from tests.prepare.prepare_chats import FINISH, JUNK, RUN, small_tokenizer, trajectories, trajectory
from tokenizers import processors

from deepcoder.prepare.align import Aligned, Aligner, Refusal, first_characters, untrimmed
from deepcoder.prepare.turns import turns_of
from deepcoder.records import Span, Step, Trajectory, render_action, render_observation, render_thought

ANY = settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])


def align(aligner: Aligner, run: Trajectory) -> Aligned:
    (result,) = aligner.align([turns_of(run, run.problem)])
    assert isinstance(result, Aligned), result
    return result


def texts(aligner: Aligner, tokens: Aligned, span: Span) -> list[str]:
    """The decoded text of each run of tokens of `span`."""
    at = np.flatnonzero(tokens.span_ids == span)
    runs = np.split(at, np.flatnonzero(np.diff(at) > 1) + 1)
    return [aligner.tokenizer.decode(tokens.input_ids[run]) for run in runs if len(run)]


def test_every_token_has_one_span_and_the_ids_are_the_templates(aligner: Aligner) -> None:
    run = trajectory(RUN, JUNK, FINISH)
    tokens = align(aligner, run)
    assert len(tokens.input_ids) == len(tokens.span_ids) == len(tokens.step_ids)
    messages = [message.model_dump() for message in run.messages(run.problem)]
    assert tokens.input_ids.tolist() == aligner.tokenizer.apply_chat_template(messages, return_dict=False)


def test_the_trained_text_is_thought_and_action_with_the_end_of_turn(aligner: Aligner, small: Aligner) -> None:
    tokens = align(aligner, trajectory(RUN, JUNK, FINISH))
    reason, act = texts(aligner, tokens, Span.REASON), texts(aligner, tokens, Span.ACT)
    for step, thought, action in zip((RUN, FINISH), reason, act, strict=True):
        assert thought + action == render_thought(step) + render_action(step) + "<|im_end|>"
        if aligner is not small:  # whose merges cross the border
            assert thought == render_thought(step)
    assert "".join(texts(aligner, tokens, Span.OBSERVATION)).count("Observation:") == 2


def test_the_end_of_turn_is_trained_and_what_follows_is_not(aligner: Aligner) -> None:
    tokens = align(aligner, trajectory(RUN, FINISH))
    end = aligner.tokenizer.convert_tokens_to_ids("<|im_end|>")
    spans = tokens.span_ids[tokens.input_ids == end].tolist()
    assert spans == [Span.PROMPT, Span.ACT, Span.PROMPT, Span.ACT]
    assert tokens.span_ids[-1] == Span.PROMPT


def test_steps_are_numbered_for_the_masking_of_failed_ones(aligner: Aligner) -> None:
    tokens = align(aligner, trajectory(RUN, JUNK, FINISH))
    trained = (tokens.span_ids == Span.REASON) | (tokens.span_ids == Span.ACT)
    assert set(tokens.step_ids[trained].tolist()) == {0, 2}
    assert tokens.step_ids[0] == -1


@given(run=trajectories())
@ANY
def test_any_text_is_aligned_or_refused_by_name(aligner: Aligner, run: Trajectory) -> None:
    (result,) = aligner.align([turns_of(run, run.problem)])
    rewritten = any(
        "</think>" in message.content or "\n" in message.content[:1] for message in run.messages(run.problem)
    )
    if result is Refusal.TEMPLATE:
        # only the stock template changes texts: think blocks, and line breaks before a last answer
        assert "</think>" in aligner.tokenizer.chat_template
        assert rewritten
        return
    assert isinstance(result, Aligned)
    control = set(aligner.special_ids.tolist())
    trained = (result.span_ids == Span.REASON) | (result.span_ids == Span.ACT)
    readable = [step for step in run.steps if step.action]
    ends = [i for i in np.flatnonzero(trained) if int(result.input_ids[i]) in control]
    assert len(ends) == len(readable)
    trained_text = aligner.tokenizer.decode(result.input_ids[trained])
    whole = "".join(render_thought(step) + render_action(step) + "<|im_end|>" for step in readable)
    normalizer = aligner.tokenizer.backend_tokenizer.normalizer
    assert trained_text == (normalizer.normalize_str(whole) if normalizer else whole)


@given(run=trajectories())
@ANY
def test_the_ids_of_a_steps_prompt_begin_the_ids_of_the_example(qwen: Aligner, run: Trajectory) -> None:
    tokens = align(qwen, run).input_ids.tolist()
    messages = [message.model_dump() for message in run.messages(run.problem)]
    for end in (index for index, message in enumerate(messages) if message["role"] == "assistant"):
        prompt = qwen.tokenizer.apply_chat_template(messages[:end], add_generation_prompt=True, return_dict=False)
        if run.steps[[m["role"] for m in messages[:end]].count("assistant")].action:
            assert tokens[: len(prompt)] == prompt


# --- tokens that straddle a border ------------------------------------------------------------------


def spans_of(text: str, border: int, offsets: list[tuple[int, int]]) -> list[int]:
    first = first_characters(text, np.array(offsets, np.int64))
    return [int(index >= border) for index in first]


def test_the_first_character_that_is_not_whitespace_decides() -> None:
    #       0123456789
    text = "a. \n Act  "
    assert spans_of(text, 4, [(0, 1), (1, 4), (4, 8), (8, 10)]) == [0, 0, 1, 1]
    assert spans_of(text, 5, [(0, 1), (1, 3), (3, 8), (8, 10)]) == [0, 0, 1, 1]
    assert spans_of(text, 4, [(0, 2), (2, 5), (5, 8), (8, 10)]) == [0, 0, 1, 1]  # " \n " is whitespace alone


@pytest.mark.parametrize(
    ("before", "after", "token", "span"),
    [
        ("It is done.", "\n\nAction", ".\n\n", "before"),  # a mark of the thought pulls the line breaks to it
        ("It is done. ", "Action", " Action", "after"),  # the action's word takes the thought's last space
        ("x \n", "\n\nAction", " \n\n\n", "before"),  # whitespace alone: where it begins
    ],
)
def test_qwen3_merges_across_a_border(qwen: Aligner, before: str, after: str, token: str, span: str) -> None:
    text = before + after
    encoding = qwen.encoder.encode(text)
    offsets = encoding.offsets
    (straddling,) = [i for i, (a, b) in enumerate(offsets) if a < len(before) < b]
    assert text[slice(*offsets[straddling])] == token
    first = first_characters(text, np.array(offsets))[straddling]
    assert (first < len(before)) == (span == "before")


def test_a_merge_of_template_and_prompt_in_a_whole_example(qwen: Aligner) -> None:
    tokens = align(qwen, trajectory(RUN, FINISH, problem="\n\nWhat?"))
    assert qwen.tokenizer.decode(tokens.input_ids[2:3]) == "\n\n\n"
    assert tokens.span_ids[2] == Span.PROMPT


def test_a_bpe_that_merges_across_the_border_of_reason_and_act(small: Aligner) -> None:
    tokens = align(small, trajectory(RUN, FINISH))
    decoded = [small.tokenizer.decode([index]) for index in tokens.input_ids]
    (straddling, *_) = [i for i, text in enumerate(decoded) if text.startswith("Thought: I multiply.\nAction:")]
    assert tokens.span_ids[straddling] == Span.REASON
    assert tokens.span_ids[straddling + 1] == Span.ACT


def test_a_bpe_that_takes_the_templates_line_break_into_the_observation(small: Aligner) -> None:
    text = "\nObs"
    encoding = small.encoder.encode(text)
    assert first_characters(text, np.array(encoding.offsets)).tolist()[-1] >= 1


def test_offsets_without_whitespace_are_put_right() -> None:
    trimmed = untrimmed(small_tokenizer().backend_tokenizer)
    trimmed = type(trimmed).from_str(trimmed.to_str())
    trimmed.post_processor = processors.ByteLevel(trim_offsets=True)
    text = "\n  é"
    assert trimmed.encode(text).offsets[1] == (2, 2)  # the first space, trimmed away
    assert untrimmed(trimmed).encode(text).offsets[1] == (1, 2)
    assert untrimmed(trimmed).encode(text).ids == trimmed.encode(text).ids


# --- what is refused --------------------------------------------------------------------------------


@pytest.mark.parametrize("token", ["<|im_end|>", "<|im_start|>"])
@pytest.mark.parametrize("where", ["problem", "thought", "input", "observation"])
def test_control_tokens_in_a_text_are_refused(aligner: Aligner, token: str, where: str) -> None:
    text = f"x{token}y"
    step = RUN if where == "problem" else RUN.model_copy(update={where: text})
    run = trajectory(step, FINISH, problem=text if where == "problem" else "Q")
    assert aligner.align([turns_of(run, run.problem)]) == [Refusal.CONTROL_TOKEN]


def test_think_marks_are_ordinary_tokens_under_our_template(qwen: Aligner) -> None:
    step = FINISH.model_copy(update={"thought": "<think>hm</think> yes"})
    assert "<think>hm</think> yes" in texts(qwen, align(qwen, trajectory(step)), Span.REASON)[0]


def test_a_think_block_that_the_stock_template_would_cut_is_refused(qwen_native: Aligner) -> None:
    run = trajectory(RUN.model_copy(update={"thought": "<think>hm</think> yes"}), FINISH)
    assert qwen_native.align([turns_of(run, "Q")]) == [Refusal.TEMPLATE]


def test_a_lone_surrogate_is_refused_and_does_not_harm_its_batch(aligner: Aligner) -> None:
    bad = trajectory(RUN.model_copy(update={"observation": "\ud800"}), FINISH)
    good = trajectory(RUN, FINISH)
    first, second = aligner.align([turns_of(bad, "Q"), turns_of(good, "Q")])
    assert first is Refusal.NOT_UTF8
    assert isinstance(second, Aligned)


def test_ids_that_are_not_the_templates_are_refused(small: Aligner, monkeypatch: pytest.MonkeyPatch) -> None:
    """The check is against the tokenizer itself: if it tokenizes otherwise than our encoder, we must see it."""
    other = type(small.encoder).from_str(small.encoder.to_str())
    other.add_tokens(["multiply"])
    monkeypatch.setattr(small, "encoder", other)
    assert small.align([turns_of(trajectory(RUN, FINISH), "Q")]) == [Refusal.TOKENS]


def test_batches_do_not_change_the_result(aligner: Aligner) -> None:
    runs = [trajectory(Step(thought=f"{i} is it", action="finish", input=str(i))) for i in range(5)]
    together = aligner.align([turns_of(run, "Q") for run in runs])
    for run, result in zip(runs, together, strict=True):
        alone = aligner.align([turns_of(run, "Q")])[0]
        assert isinstance(result, Aligned)
        assert isinstance(alone, Aligned)
        assert result.input_ids.tolist() == alone.input_ids.tolist()
        assert result.span_ids.tolist() == alone.span_ids.tolist()


def test_an_observation_keeps_its_text(aligner: Aligner) -> None:
    tokens = align(aligner, trajectory(RUN.model_copy(update={"observation": "a\r\nb 👩‍👩‍👧"}), FINISH))
    found = texts(aligner, tokens, Span.OBSERVATION)[0]
    assert found.strip() == render_observation("a\r\nb 👩‍👩‍👧")

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from tests.prepare.prepare_chats import FINISH, JUNK, RUN, small_tokenizer, trajectories, trajectory

from deepcoder.errors import AlignmentError
from deepcoder.models.chatml import CHATML_TEMPLATE
from deepcoder.prepare.align import Aligner
from deepcoder.prepare.render import Renderer
from deepcoder.prepare.turns import turns_of
from deepcoder.records import Span, Trajectory


def spelled(renderer: Renderer, run: Trajectory) -> list[tuple[Span, str]]:
    """The rendered chat as (span, text) runs."""
    rendered = renderer.render(turns_of(run, "Q"))
    borders = [0, *(np.flatnonzero(np.diff(rendered.spans)) + 1), len(rendered.text)]
    return [(Span(rendered.spans[a]), rendered.text[a:b]) for a, b in pairwise(borders)]


def test_chatml_spans_with_the_end_of_turn_in_act(small: Aligner) -> None:
    assert spelled(small.renderer, trajectory(RUN, FINISH)) == [
        (Span.PROMPT, "<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\n"),
        (Span.REASON, "Thought: I multiply.\n"),
        (Span.ACT, "Action: execute_python\nAction Input:\n```python\nprint(6 * 7)\n```<|im_end|>"),
        (Span.PROMPT, "\n<|im_start|>user\n"),
        (Span.OBSERVATION, "Observation: 42\n"),
        (Span.PROMPT, "<|im_end|>\n<|im_start|>assistant\n"),
        (Span.REASON, "Thought: Done.\n"),
        (Span.ACT, "Action: finish\nAction Input:\n42<|im_end|>"),
        (Span.PROMPT, "\n"),
    ]


def test_an_unreadable_step_is_prompt_with_its_end_of_turn(small: Aligner) -> None:
    first = spelled(small.renderer, trajectory(JUNK, FINISH))[0]
    assert first == (
        Span.PROMPT,
        "<|im_start|>user\nQ<|im_end|>\n<|im_start|>assistant\nI am lost<|im_end|>\n<|im_start|>user\n",
    )


def test_the_stock_template_adds_an_empty_think_block_that_is_not_trained(qwen_native: Aligner) -> None:
    runs = spelled(qwen_native.renderer, trajectory(RUN, FINISH))
    assert (Span.REASON, "Thought: I multiply.\n") in runs
    assert (Span.PROMPT, "<|im_end|>\n<|im_start|>assistant\n<think>\n\n</think>\n\n") in runs
    assert runs[-3:] == [
        (Span.REASON, "Thought: Done.\n"),
        (Span.ACT, "Action: finish\nAction Input:\n42<|im_end|>"),
        (Span.PROMPT, "\n"),
    ]


@given(trajectories())
@settings(deadline=None, max_examples=40)
def test_a_steps_prompt_is_a_strict_prefix_of_the_next_ones(run: Trajectory) -> None:
    tokenizer = small_tokenizer()
    messages = [message.model_dump() for message in run.messages()]
    prompts = [
        tokenizer.apply_chat_template(messages[:end], tokenize=False, add_generation_prompt=True)
        for end in range(1, len(messages), 2)
    ]
    whole = tokenizer.apply_chat_template(messages, tokenize=False)
    for prompt, longer in zip(prompts, [*prompts[1:], whole], strict=True):
        assert longer.startswith(prompt)
        assert len(longer) > len(prompt)


def test_the_template_that_is_trained_is_the_one_in_the_brief() -> None:
    text = small_tokenizer().apply_chat_template(
        [{"role": "user", "content": " a\n"}, {"role": "assistant", "content": "b"}],
        tokenize=False, add_generation_prompt=True, chat_template=CHATML_TEMPLATE,
    )  # fmt: skip
    assert text == "<|im_start|>user\n a\n<|im_end|>\n<|im_start|>assistant\nb<|im_end|>\n<|im_start|>assistant\n"


def test_a_turn_that_no_special_token_ends_is_refused(small: Aligner) -> None:
    with pytest.raises(AlignmentError, match="no special token"):
        small.renderer.end_of_turn("\n### Next")


def test_a_template_that_drops_a_message_is_refused() -> None:
    tokenizer = small_tokenizer()
    template, tokenizer.chat_template = tokenizer.chat_template, "{{ messages[-1]['content'] }}<|im_end|>"
    try:
        with pytest.raises(AlignmentError, match="once and in order"):
            Renderer(tokenizer).render(turns_of(trajectory(RUN, FINISH), "Q"))
    finally:
        tokenizer.chat_template = template

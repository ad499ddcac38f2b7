"""Trajectories for these tests: a plain one, and hypothesis strategies for hostile ones."""

from __future__ import annotations

from functools import cache

from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from deepcoder.models.chatml import CHATML_TEMPLATE
from deepcoder.records import Step, StepError, StopReason, Trajectory


def trajectory(*steps: Step, problem: str = "What is 6 * 7?", problem_id: str = "p") -> Trajectory:
    """A finished run with these steps."""
    return Trajectory(
        trajectory_id=f"t-{problem_id}", problem_id=problem_id, problem=problem, prompt="instructions\n" + problem,
        steps=steps, answer="42", stop_reason=StopReason.FINISHED,
    )  # fmt: skip


RUN = Step(thought="I multiply.", action="execute_python", input="print(6 * 7)", observation="42\n")
JUNK = Step(thought="", action="", input="", raw="I am lost", observation="no action", error=StepError.NO_ACTION)
FINISH = Step(thought="Done.", action="finish", input="42")

# What goes wrong in practice: labels, fences, template text, line ends, composing and wide characters.
_PIECES = st.sampled_from(
    ["Thought:", "Action:", "Action Input:\n", "Observation: ", "\nAction: finish\n", "```", "```python\n", "````",
     "\r\n", "\n\n", " ", "\t", "\u00a0", "\u3000", ".", "e\u0301", "ﬁ", "한글", "각", "👩‍👩‍👧", "🏳️‍🌈", "\u200d",
     "ا", "०", "<think>\n", "</think>\n\n", "<tool_call>", "im_end", "<|im", "assistant\n", "user", "\x00",
     "\ue0000\ue001", "{{ x }}"]
)  # fmt: skip
TEXT = st.lists(_PIECES | st.text(max_size=8), max_size=8).map("".join)
_ACTION = st.sampled_from(["execute_python", "retrieve_knowledge", "finish"])
_STEP = st.builds(Step, thought=TEXT, action=_ACTION, input=TEXT, observation=TEXT)
_UNREADABLE = st.builds(
    Step, thought=st.just(""), action=st.just(""), input=st.just(""), raw=TEXT, observation=TEXT,
    error=st.just(StepError.NO_ACTION),
)  # fmt: skip
_LAST = st.builds(Step, thought=TEXT, action=st.just("finish"), input=TEXT)


@st.composite
def trajectories(draw: st.DrawFn) -> Trajectory:
    """Any run: readable and unreadable steps, then a finish."""
    steps = draw(st.lists(_STEP | _UNREADABLE, max_size=3))
    return trajectory(*steps, draw(_LAST), problem=draw(TEXT))


@cache
def small_tokenizer() -> PreTrainedTokenizerFast:
    """A byte-level BPE without any pre-tokenization: its merges cross every border they can."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<|im_start|>", "<|im_end|>"], show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )  # fmt: skip
    step = "Thought: I multiply.\nAction: execute_python\nAction Input:\n```python\nprint(6 * 7)\n```"
    tokenizer.train_from_iterator([step] * 20 + ["Observation: 42\n"] * 20, trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, eos_token="<|im_end|>", extra_special_tokens=["<|im_start|>"],
        chat_template=CHATML_TEMPLATE,
    )  # fmt: skip

"""The contracts between the stages: Problem, Step, Trajectory, Span, Example, Verdict.

Every stored record carries `version`; a reader refuses a version it does not know. The text of a
step is canonical here and nowhere else (`render_step`): what the teacher wrote is parsed into a
Step (deepcoder.agent.parser) and everything downstream is rendered from the Step.
"""

from __future__ import annotations

import re
from enum import IntEnum, StrEnum
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

RECORD_VERSION = 1

THOUGHT, ACTION, ACTION_INPUT, OBSERVATION = "Thought:", "Action:", "Action Input:", "Observation:"


class Record(BaseModel):
    """A frozen record; unknown fields are refused so that a misspelt one is never dropped silently."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Span(IntEnum):
    """The role of one token. Only REASON and ACT are trained."""

    PROMPT = 0
    REASON = 1
    ACT = 2
    OBSERVATION = 3


class Action(StrEnum):
    """The three tools of the agent."""

    EXECUTE_PYTHON = "execute_python"
    RETRIEVE_KNOWLEDGE = "retrieve_knowledge"
    FINISH = "finish"


# --- problems ---------------------------------------------------------------------------------


class AnswerCheck(Record):
    """Hidden: the exact answer (compared after normalisation, numbers by value)."""

    kind: Literal["answer"] = "answer"
    answer: str


class TestsCheck(Record):
    """Hidden: test code that judges a function.

    The candidate's program is run, then `setup`, then `tests`. `preamble` is the prompt's own code
    (imports and helper functions), which the tests may call and the candidate may not override.
    `tests` is Python: bare asserts (MBPP) or a `check(candidate)` function (HumanEval).
    """

    __test__ = False  # not a pytest class
    kind: Literal["tests"] = "tests"
    entry_point: str | None = None
    preamble: str = ""
    setup: str = ""
    tests: str


Check = Annotated[AnswerCheck | TestsCheck, Field(discriminator="kind")]


class Problem(Record):
    """One problem. `prompt` is all that any model ever sees of it; `check` stays with the judge.

    `difficulty` is the source's own measure, to be compared within a source only; 0 where it knows none.
    """

    version: Literal[1] = 1
    problem_id: str
    prompt: str
    check: Check
    family: str = "unknown"
    split: str = "all"
    difficulty: int = 0
    source: str = ""


# --- verdicts ---------------------------------------------------------------------------------


class Outcome(StrEnum):
    """What a judged answer came to; never one for another."""

    PASSED = "passed"
    WRONG = "wrong"
    ERROR = "error"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT_LIMIT = "output_limit"
    KILLED = "killed"
    NO_ANSWER = "no_answer"
    SANDBOX_ERROR = "sandbox_error"


class Verdict(Record):
    """`mode`: exact (answers compared), isolated (tests outside the candidate's process) or in_process."""

    outcome: Outcome
    detail: str = ""
    mode: Literal["exact", "isolated", "in_process"] = "exact"

    @property
    def passed(self) -> bool:
        """True only for Outcome.PASSED."""
        return self.outcome is Outcome.PASSED


# --- trajectories -----------------------------------------------------------------------------


class StepError(StrEnum):
    """Why a step's observation is an error message rather than a tool's result."""

    NO_ACTION = "no_action"
    UNKNOWN_ACTION = "unknown_action"
    EMPTY_INPUT = "empty_input"
    TOOL_FAILED = "tool_failed"  # the tool ran and failed (exception in the code, nothing found)
    TRUNCATED = "truncated"  # the model stopped at its token limit


class Step(Record):
    """One Thought / Action / Action Input / Observation.

    `observation` is None on a `finish` step. `raw` keeps the model's own text where it differs from
    the canonical one; `reasoning` keeps a provider's separate reasoning field.
    """

    thought: str
    action: str
    input: str
    observation: str | None = None
    error: StepError | None = None
    raw: str | None = None
    reasoning: str | None = None
    input_tokens: int = 0
    output_tokens: int = 0
    model_s: float = 0.0
    tool_s: float = 0.0


class Message(Record):
    """One chat message, in the form that chat templates take."""

    role: Literal["system", "user", "assistant"]
    content: str


class StopReason(StrEnum):
    """Why an agent run ended."""

    FINISHED = "finished"
    MAX_STEPS = "max_steps"
    MAX_TOKENS = "max_tokens"
    UNREADABLE = "unreadable"
    TIMEOUT = "timeout"
    CANCELLED = "cancelled"
    MODEL_ERROR = "model_error"


class Rejection(Record):
    """Why a run that passed its check is still no training data. `reason`: one word, counted."""

    reason: str
    detail: str = ""


class Effort(Record):
    """What it took to get the stored run of a problem, where more than one plain run was allowed.

    `attempts`: runs begun anew; `attempt`: which of them is stored, from 0. `corrections`: continuations of runs
    that did not pass, over all attempts. `corrected_from`: the first step that a correction wrote, None where the
    stored run is no corrected one.
    """

    attempts: int = 1
    attempt: int = 0
    corrections: int = 0
    corrected_from: int | None = None


class Origin(Record):
    """Where a run of an on-policy round comes from. `round`: from 1.

    `student`: all steps are the student's. `corrected`: the teacher wrote it from step `effort.corrected_from` on.
    `teacher`: all steps are the teacher's, after the student had failed. `scored`: the student's, passed or not; a
    teacher's distribution is learned at each of its tokens.
    """

    round: int
    source: Literal["student", "corrected", "teacher", "scored"]


class Trajectory(Record):
    """A whole agent run on one problem. `prompt` is the first user message, as it was sent."""

    version: Literal[1] = 1
    trajectory_id: str
    problem_id: str
    problem: str
    prompt: str
    steps: tuple[Step, ...]
    answer: str | None
    stop_reason: StopReason
    verdict: Verdict | None = None
    rejection: Rejection | None = None
    effort: Effort | None = None
    origin: Origin | None = None
    model: str = ""
    family: str = "unknown"
    split: str = "all"
    difficulty: int = 0
    wall_s: float = 0.0
    error: str = ""

    @property
    def verified(self) -> bool:
        """True where the answer passed the hidden check and no other rule rejected the run."""
        return self.verdict is not None and self.verdict.passed and self.rejection is None

    @property
    def trained(self) -> bool:
        """True where an example is made of it: a verified run, or a scored one that no rule rejected."""
        scored = self.origin is not None and self.origin.source == "scored"
        return self.verified or (scored and self.rejection is None)

    def messages(self, prompt: str | None = None) -> list[Message]:
        """The canonical chat: user, then assistant and user in turn; ends with an assistant message.

        `prompt` replaces the first user message (a student may be trained on shorter instructions).
        """
        chat = [Message(role="user", content=self.prompt if prompt is None else prompt)]
        for step in self.steps:
            chat.append(Message(role="assistant", content=render_step(step)))
            if step.observation is not None:
                chat.append(Message(role="user", content=render_observation(step.observation)))
        return chat[:-1] if chat[-1].role == "user" and len(chat) > 1 else chat


class Example(Record):
    """One training example: token ids and one span id a token (equal lengths)."""

    problem_id: str
    input_ids: list[int]
    span_ids: list[int]


# --- the canonical text of a step ---------------------------------------------------------------


def fence_python(code: str) -> str:
    """Code in a ```python fence that is longer than any run of backticks inside it."""
    longest = max((len(run) for run in re.findall(r"`+", code)), default=0)
    ticks = "`" * max(3, longest + 1)
    return f"{ticks}python\n{code}\n{ticks}"


def render_thought(step: Step) -> str:
    """The REASON part: label and thought, with the line break that ends it."""
    return f"{THOUGHT} {step.thought}\n" if step.thought else f"{THOUGHT}\n"


def render_action(step: Step) -> str:
    """The ACT part: the two action lines and the argument."""
    argument = fence_python(step.input) if step.action == Action.EXECUTE_PYTHON else step.input
    return f"{ACTION} {step.action}\n{ACTION_INPUT}\n{argument}"


def render_step(step: Step) -> str:
    """The assistant message of a step: exactly `render_thought(step) + render_action(step)`.

    A step in which no action could be read (`action == ""`) is shown as the model wrote it; it is
    never trained.
    """
    if not step.action:
        return step.raw or step.thought
    return render_thought(step) + render_action(step)


def render_observation(observation: str) -> str:
    """The user message that answers a step."""
    return f"{OBSERVATION} {observation}"

"""What a run must be besides right: rules on length, form, loops and observations, each with its reason.

    too_short, too_many_steps, too_long    limits on steps and characters
    truncated                              a step was cut off at the token limit (finish_reason=length)
    unreadable                             more steps without a readable action than are allowed
    no_thought                             not one step says why
    template_tokens                        a chat template's own marks in a step
    repeated_action                        the same action with the same input, again and again
    repetition                             a step that goes in circles
    invented_observation                   the answer comes from an Observation that the model wrote itself
    copied_observation                     a thought that copies out what it was shown

A step that failed and was recovered from breaks no rule: such runs are wanted.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator

from deepcoder.config import QualityConfig
from deepcoder.generate.ngrams import code_tokens, ngrams, repetition, words
from deepcoder.records import (
    Rejection,
    Step,
    StepError,
    Trajectory,
    render_observation,
    render_step,
)

_UNREADABLE = frozenset({StepError.NO_ACTION, StepError.UNKNOWN_ACTION, StepError.EMPTY_INPUT})
# Runs of so many words are counted, from so many runs on: a short text repeats a phrase without going in circles.
REPEATED_WORDS, _LEAST_RUNS = 8, 40
_TEMPLATE_TOKEN = re.compile(r"<\|[a-z_]+\|>|<｜[^｜\n]{1,40}｜>|</?think>|\[/?INST\]")
# As the model writes it, and as `parser.as_thought` leaves it in a thought ("Observation - 42"). One `#` is a comment.
_OBSERVATION = re.compile(
    r"^[ \t]*(?:#{2,4}[ \t]+)?[*_]{0,3}observation[*_]{0,3}[ \t]*(?:[:：]|-(?=[ \t]|$))[*_]{0,3}[ \t]*(?P<text>.*)$",
    re.IGNORECASE | re.MULTILINE,
)


def broken_rule(trajectory: Trajectory, config: QualityConfig) -> Rejection | None:
    """The first rule that a finished run breaks; None for a good one, and where the rules are off."""
    if not config.enabled:
        return None
    return next((found for rule in _RULES if (found := rule(trajectory, config)) is not None), None)


def _lengths(trajectory: Trajectory, config: QualityConfig) -> Rejection | None:
    count = len(trajectory.steps)
    if count < config.min_steps:
        return Rejection(reason="too_short", detail=f"{count} steps, at least {config.min_steps}")
    if config.max_steps is not None and count > config.max_steps:
        return Rejection(reason="too_many_steps", detail=f"{count} steps, at most {config.max_steps}")
    for number, step in enumerate(trajectory.steps, 1):
        if config.max_step_chars is not None and (size := len(render_step(step))) > config.max_step_chars:
            return Rejection(reason="too_long", detail=f"step {number}: {size} characters")
    if config.max_chars is not None and (size := characters(trajectory)) > config.max_chars:
        return Rejection(reason="too_long", detail=f"{size} characters")
    return None


def _truncated(trajectory: Trajectory, config: QualityConfig) -> Rejection | None:
    if config.allow_truncated:
        return None
    for number, step in enumerate(trajectory.steps, 1):
        if was_cut(step):
            return Rejection(reason="truncated", detail=f"step {number}")
    return None


def was_cut(step: Step) -> bool:
    """A step that the token limit ended. A reply without any text is not one: nothing of it was cut off."""
    return step.error is StepError.TRUNCATED and bool(step.raw or step.reasoning)


def _form(trajectory: Trajectory, config: QualityConfig) -> Rejection | None:
    unreadable = sum(step.error in _UNREADABLE for step in trajectory.steps)
    if config.max_unreadable is not None and unreadable > config.max_unreadable:
        return Rejection(reason="unreadable", detail=f"{unreadable} steps")
    if config.require_thought and not any(step.action and step.thought.strip() for step in trajectory.steps):
        return Rejection(reason="no_thought")
    if not config.allow_template_tokens:
        for number, step in _trained(trajectory):
            if match := _TEMPLATE_TOKEN.search(f"{step.thought}\n{step.input}"):
                return Rejection(reason="template_tokens", detail=f"step {number}: {match[0]}")
    return None


def _loops(trajectory: Trajectory, config: QualityConfig) -> Rejection | None:
    if config.max_repeats is not None:
        done = Counter((step.action, " ".join(step.input.split())) for _, step in _trained(trajectory))
        for (action, _), times in done.items():
            if times > config.max_repeats:
                return Rejection(reason="repeated_action", detail=f"{action} with the same input {times} times")
    if config.max_repetition is not None:
        for number, step in _trained(trajectory):
            share = max(circling(words(step.thought)), circling(_names(step)))
            if share > config.max_repetition:
                return Rejection(reason="repetition", detail=f"step {number}: {share:.0%} of its runs occurred before")
    return None


def circling(run: list[str]) -> float:
    """`repetition` over runs of 8 tokens; 0 for a text of fewer than 40 such runs. Said k times: about 1 - 1/k."""
    return repetition(run, REPEATED_WORDS) if len(run) - REPEATED_WORDS + 1 >= _LEAST_RUNS else 0.0


def _names(step: Step) -> list[str]:
    """What an input says besides its data: a table of numbers and signs may repeat itself."""
    return [token for token in code_tokens(step.input) if token[0].isalpha() or token[0] == "_"]


def _observations(trajectory: Trajectory, config: QualityConfig) -> Rejection | None:
    for number, step in _trained(trajectory):
        if config.invented_observations != "keep" and _OBSERVATION.search(step.thought):
            return Rejection(reason="invented_observation", detail=f"step {number}: in the thought")
    if found := _invented(trajectory, config):
        return found
    if config.max_copied_words is not None:
        return _copied(trajectory, config.max_copied_words)
    return None


def _invented(trajectory: Trajectory, config: QualityConfig) -> Rejection | None:
    """`used`: the answer is what the model wrote as an observation, and no tool and no problem ever said it."""
    if config.invented_observations == "keep":
        return None
    answer = _plain(trajectory.answer or "")
    for number, step in enumerate(trajectory.steps, 1):
        for invented in invented_observations(step):
            if config.invented_observations == "any":
                return Rejection(reason="invented_observation", detail=f"step {number}")
            if answer and _plain(invented) == answer and not _shown(answer, trajectory):
                return Rejection(reason="invented_observation", detail=f"step {number}: the answer is taken from it")
    return None


def _shown(answer: str, trajectory: Trajectory) -> bool:
    texts = (trajectory.problem, *(step.observation or "" for step in trajectory.steps))
    whole = re.compile(rf"(?<!\w){re.escape(answer)}(?!\w)")
    return any(whole.search(_plain(text)) for text in texts)


def invented_observations(step: Step) -> list[str]:
    """The texts that the model itself wrote behind an `Observation:` (first line each), empty ones left out."""
    texts = (match["text"].strip() for match in _OBSERVATION.finditer(step.raw or ""))
    return [text for text in texts if text]


def _copied(trajectory: Trajectory, most: int) -> Rejection | None:
    shown: set[int] = set()
    for number, step in enumerate(trajectory.steps, 1):
        if step.action and any(run in shown for run in ngrams(words(step.thought), most + 1)):
            return Rejection(reason="copied_observation", detail=f"step {number}: more than {most} words in a row")
        shown.update(ngrams(words(step.observation or ""), most + 1))
    return None


def characters(trajectory: Trajectory) -> int:
    """Characters of a run as its chat shows it, the first message left out."""
    size = sum(len(render_step(step)) for step in trajectory.steps)
    return size + sum(len(render_observation(step.observation)) for step in trajectory.steps if step.observation)


def _trained(trajectory: Trajectory) -> Iterator[tuple[int, Step]]:
    """Steps with an action, numbered from 1; the others are never trained."""
    return ((number, step) for number, step in enumerate(trajectory.steps, 1) if step.action)


def _plain(text: str) -> str:
    return " ".join(text.casefold().split()).strip(" .`'\"")


_RULES: tuple[Callable[[Trajectory, QualityConfig], Rejection | None], ...] = (
    _lengths,
    _truncated,
    _form,
    _loops,
    _observations,
)

# The reasons in the order in which they are tried.
REASONS = (
    "too_short", "too_many_steps", "too_long", "truncated", "unreadable", "no_thought", "template_tokens",
    "repeated_action", "repetition", "invented_observation", "copied_observation",
)  # fmt: skip

"""The quality of what was written: thought and action by rules, repetition, length. Pure functions.

Coherence asks whether an action does what its thought says. Each rule applies to some steps and is kept or broken
there; a step that breaks any rule is incoherent, and steps to which no rule applies are not counted.

    tool        the thought's last sentence that announces exactly one kind of act (look up | run, compute | the answer
                is) announces the kind of the action
    value       where a final thought says "the answer (result, output) is X", X stands in the answer
    grounded    an answer of one line, after at least one call that worked, stands in an observation or the problem
    correction  after an error, action and argument are not the same again

The rules read English words and are blind to meaning: they find plain contradictions, not bad reasoning.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from deepcoder.records import Action, Step, Trajectory

Figures = dict[str, Any]
Breaches = Iterator[tuple[str, bool]]

_ANNOUNCED = {
    Action.RETRIEVE_KNOWLEDGE: r"look (?:it |this |that )?up|looking up|search|consult|retrieve",
    Action.EXECUTE_PYTHON: r"run|running|execute|compute|calculate|write (?:a |some )?(?:code|program)",
    Action.FINISH: r"(?:the|my) (?:final )?(?:answer|result) is|is the (?:final )?answer|can finish|am done",
}
_SAID = re.compile(r"\b(?:answer|result|output) is:?\s+[`'\"]?([\w.,+-]*\w)", re.I)
_SENTENCE = re.compile(r"(?<=[.!?])\s+|\n+")
LONGEST_VALUE, GRAM = 80, 4


def quality(trajectories: Sequence[Trajectory]) -> Figures:
    """Coherence by rule, repetition and lengths of one model's runs; shares are None where nothing could be counted.

    repeated_words   share of the 4-word sequences of a run's thoughts that stood there before
    repeated_thoughts  thoughts that repeat an earlier one of the run, word for word / thoughts
    """
    applied: Counter[str] = Counter()
    broken: Counter[str] = Counter()
    judged = coherent = 0
    for trajectory in trajectories:
        for number in range(len(trajectory.steps)):
            found = list(coherence(trajectory, number))
            applied.update(rule for rule, _ in found)
            broken.update(rule for rule, kept in found if not kept)
            judged += bool(found)
            coherent += bool(found) and all(kept for _, kept in found)
    steps = [step for trajectory in trajectories for step in trajectory.steps]
    return {
        "coherent": coherent / judged if judged else None,
        "coherent_of": judged,
        "rules": {rule: {"applied": applied[rule], "broken": broken[rule]} for rule in sorted(applied)},
        **_repetition(trajectories),
        "thought_words": _spread([len(step.thought.split()) for step in steps]),
        "input_chars": _spread([len(step.input) for step in steps if step.action]),
        "thinking_chars": _spread([len(step.reasoning) for step in steps if step.reasoning]),
    }


def coherence(trajectory: Trajectory, number: int) -> Breaches:
    """(rule, kept) for each rule that applies to step `number`."""
    step, before = trajectory.steps[number], trajectory.steps[:number]
    if not step.action:
        return
    announced = _announced(step.thought)
    if announced is not None and step.action in tuple(Action):
        yield "tool", announced == step.action
    if step.action == Action.FINISH:
        said = _SAID.findall(step.thought)
        if said:
            yield "value", _squeezed(said[-1]) in _squeezed(step.input)
        worked = [each for each in before if each.observation is not None and each.error is None]
        if worked and "\n" not in step.input.strip() and len(step.input) <= LONGEST_VALUE:
            seen = "\n".join([trajectory.problem, *(each.observation or "" for each in worked)])
            yield "grounded", _squeezed(step.input) in _squeezed(seen)
    if before and before[-1].error is not None and before[-1].action:
        yield "correction", (step.action, step.input) != (before[-1].action, before[-1].input)


def _announced(thought: str) -> str | None:
    """The one kind of act that the last telling sentence announces; None where none does, or one names two."""
    for sentence in reversed(_SENTENCE.split(thought)):
        kinds = [action.value for action, words in _ANNOUNCED.items() if re.search(rf"\b(?:{words})\b", sentence, re.I)]
        if kinds:
            return kinds[0] if len(kinds) == 1 else None
    return None


def _squeezed(text: str) -> str:
    return re.sub(r"[\s,`'\"]+", "", text).casefold()


def _repetition(trajectories: Sequence[Trajectory]) -> Figures:
    grams = again = thoughts = repeated = 0
    for trajectory in trajectories:
        seen: set[tuple[str, ...]] = set()
        said: set[str] = set()
        for step in trajectory.steps:
            words = step.thought.split()
            for start in range(len(words) - GRAM + 1):
                gram = tuple(words[start : start + GRAM])
                again += gram in seen
                seen.add(gram)
            grams += max(0, len(words) - GRAM + 1)
            if step.thought:
                repeated += step.thought in said
                thoughts += 1
                said.add(step.thought)
    return {
        "repeated_words": again / grams if grams else None,
        "repeated_thoughts": repeated / thoughts if thoughts else None,
    }


def _spread(values: Sequence[int]) -> Figures:
    """Mean, median and the value that nine of ten do not exceed; None for no values."""
    if not values:
        return {"mean": None, "p50": None, "p90": None}
    array = np.asarray(values, dtype=np.float64)
    return {"mean": float(array.mean()), "p50": float(np.median(array)), "p90": float(np.percentile(array, 90))}


def thinking_share(step: Step) -> float | None:
    """The share of a step's output that is separate thinking, by characters; None where none of it was stored."""
    if not step.reasoning:
        return None
    written = len(step.raw if step.raw is not None else step.thought + step.input)
    return len(step.reasoning) / (len(step.reasoning) + written)

"""Single tool calls: the right tool, the right argument, and no call where none is needed.

Four kinds, a quarter of `evaluate.tool_calls` each, from the held-out halves of the procedural families, whatever
problems the run itself is about. The reference is the expert's next action.

    execute    a computation; the expert's first action is execute_python
    retrieve   a question about Python's documentation; its first action is retrieve_knowledge
    observed   the expert's own steps with their real observations; what is left is to finish with the answer
    stated     the problem states its answer; what is left is to finish with it

The model is asked for one step. Its argument is right where it does what the reference does:

    execute    the same syntax tree, names of variables aside ("exact"); or it prints the same
    retrieve   the same words in any order ("exact"); or the same first entry is found
    finish     the same answer, as the judge compares answers ("exact")
"""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

from langchain_core.tools import BaseTool

from deepcoder.agent.tools import argument_of
from deepcoder.config import ProblemsConfig
from deepcoder.evaluate.statistics import wilson
from deepcoder.judge.answers import same_answer
from deepcoder.parser import answer_text
from deepcoder.problems import ProblemSource, open_source
from deepcoder.records import Action, Problem, Step, StepError

Kind = Literal["execute", "retrieve", "observed", "stated"]
KINDS: tuple[Kind, ...] = ("execute", "retrieve", "observed", "stated")
NO_CALL: frozenset[Kind] = frozenset({"observed", "stated"})
MAX_STEPS = 8


@dataclass(frozen=True)
class Call:
    """One call that is asked for. `before`: steps taken already; `expected`: the reference, observation and all."""

    call_id: str
    kind: Kind
    prompt: str
    before: tuple[Step, ...]
    expected: Step


@dataclass(frozen=True)
class Score:
    """`exact` implies `argument`, which implies `tool`."""

    tool: bool
    argument: bool
    exact: bool


async def make_calls(number: int, problems: ProblemsConfig, tools: Sequence[BaseTool]) -> list[Call]:
    """At most `number` calls, those kinds left out whose tools are not offered; the same ones for the same config."""
    known = {tool.name: tool for tool in tools}
    offered = {*known, Action.FINISH.value}
    quota = {kind: number // len(KINDS) + (place < number % len(KINDS)) for place, kind in enumerate(KINDS)}
    found: dict[Kind, list[Call]] = {kind: [] for kind in KINDS}
    found["stated"] = [_stated(each, problems.seed) for each in range(quota["stated"])]
    needs = {"retrieve": Action.RETRIEVE_KNOWLEDGE, "execute": Action.EXECUTE_PYTHON, "observed": Action.EXECUTE_PYTHON}
    wanted_kinds = [kind for kind in KINDS if needs.get(kind) in known]
    source = open_source(ProblemsConfig(held_out=50 * number, seed=problems.seed, sealed=problems.sealed))
    for kind, problem in _candidates(source):
        if all(len(found[each]) == quota[each] for each in wanted_kinds):
            break
        policy = source.policy(problem.problem_id)
        if policy is None or len(found[kind]) == quota[kind] or kind not in wanted_kinds:
            continue
        before: list[Step] = []
        step = policy.next_step(before)
        while kind == "observed" and step.action in known and step.action != Action.FINISH and len(before) < MAX_STEPS:
            before.append(await _done(step, known))
            step = policy.next_step(before)
        wanted = {"execute": Action.EXECUTE_PYTHON, "retrieve": Action.RETRIEVE_KNOWLEDGE}.get(kind, Action.FINISH)
        if step.action != wanted or step.action not in offered or (kind == "observed" and not before):
            continue
        expected = await _done(step, known)
        if expected.error is None:  # a trap's first program fails: there is no output to compare with
            found[kind].append(Call(f"call/{kind}/{problem.problem_id}", kind, problem.prompt, tuple(before), expected))
    return [call for kind in KINDS for call in found[kind]]


def score(call: Call, step: Step) -> Score:
    """How a model's step compares with the reference; the step has its own observation where it called a tool."""
    if step.action != call.expected.action:
        return Score(False, False, False)
    exact = _exact(call.expected, step)
    return Score(True, exact or _same_effect(call.expected, step), exact)


def figures(calls: Sequence[Call], answers: Mapping[str, Step]) -> dict[str, Any]:
    """Shares over the calls that were answered, in all and by kind, each with n; `ci95` (Wilson) for the argument.

    no_call: of the calls that need no tool, those for which none was used.
    """
    scored = [(call.kind, score(call, answers[call.call_id])) for call in calls if call.call_id in answers]
    out: dict[str, Any] = _shares([each for _, each in scored])
    out["by_kind"] = {
        kind: _shares([each for named, each in scored if named == kind])
        for kind in KINDS
        if any(named == kind for named, _ in scored)
    }
    idle = [each.tool for kind, each in scored if kind in NO_CALL]
    out["no_call"] = sum(idle) / len(idle) if idle else None
    return out


def _shares(scores: Sequence[Score]) -> dict[str, Any]:
    n, right = len(scores), sum(each.argument for each in scores)
    return {
        "n": n,
        "tool": sum(each.tool for each in scores) / n if n else None,
        "argument": right / n if n else None,
        "exact": sum(each.exact for each in scores) / n if n else None,
        "ci95": list(wilson(right, n)),
    }


def _candidates(source: ProblemSource) -> Iterator[tuple[Kind, Problem]]:
    """Problems with the kind that each may serve; plain computations serve two kinds in turn."""
    turn = 0
    splits = [source.problems(split) for split in source.evaluation_splits[:2]]  # other values, other wordings
    for problem in chain.from_iterable(zip(*splits, strict=False)):
        if problem.family == "documentation":
            yield "retrieve", problem
            continue
        turn += 1
        yield ("execute" if turn // 2 % 2 else "observed"), problem


async def _done(step: Step, tools: Mapping[str, BaseTool]) -> Step:
    """The step with what its tool really returns."""
    if step.action == Action.FINISH:
        return step
    tool = tools[step.action]
    call = {"type": "tool_call", "id": "0", "name": tool.name, "args": {argument_of(tool): step.input}}
    message = await tool.ainvoke(call)
    failed = StepError.TOOL_FAILED if message.status == "error" else None
    return step.model_copy(update={"observation": str(message.text), "error": failed})


def _exact(expected: Step, given: Step) -> bool:
    if expected.action == Action.EXECUTE_PYTHON:
        tree = canonical(given.input)
        return tree is not None and tree == canonical(expected.input)
    if expected.action == Action.RETRIEVE_KNOWLEDGE:
        return query_words(expected.input) == query_words(given.input)
    return same_answer(answer_text(expected.input), answer_text(given.input))


def _same_effect(expected: Step, given: Step) -> bool:
    if given.error is not None or expected.observation is None or given.observation is None:
        return False
    if expected.action == Action.RETRIEVE_KNOWLEDGE:
        return _first_entry(expected.observation) == _first_entry(given.observation)
    return expected.observation.strip() == given.observation.strip()


def canonical(code: str) -> str | None:
    """A program's syntax tree as text, the names that it binds itself numbered in order; None for no program."""
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.setdefault(node.id, f"_{len(names)}")
        elif isinstance(node, ast.arg):
            names.setdefault(node.arg, f"_{len(names)}")
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            node.id = names.get(node.id, node.id)
        elif isinstance(node, ast.arg):
            node.arg = names[node.arg]
    return ast.dump(tree)


def query_words(query: str) -> frozenset[str]:
    """The words of a query, case, order, punctuation and articles aside; a dotted symbol is one word."""
    return frozenset(re.findall(r"[\w.]*\w", query.casefold())) - {"a", "an", "the", "of", "in", "python"}


def _first_entry(observation: str) -> str:
    return observation.strip().partition("\n")[0]


_STATED = (
    ("The access code of {name}'s locker is {value}. What is the code?", 1000, 9999),
    ("{name} has already counted the coins: there are {value}. How many coins are there?", 10, 900),
    ("The result of yesterday's measurement was {value}. State the result of the measurement.", 100, 99999),
    ("Answer with the number {value}.", 2, 99999),
    ("The train leaves from platform {value}. From which platform does the train leave?", 1, 24),
    ("{name} was born in {value}. In which year was {name} born?", 1900, 2020),
)
_NAMES = ("Ada", "Bela", "Chen", "Dara", "Emil", "Farah")


def _stated(number: int, seed: int) -> Call:
    """A problem that says its own answer."""
    source = random.Random(f"{seed}/stated/{number}")
    text, low, high = _STATED[number % len(_STATED)]
    value = str(source.randint(low, high))
    prompt = text.format(name=source.choice(_NAMES), value=value)
    expected = Step(thought="The problem states it.", action=Action.FINISH, input=value)
    return Call(f"call/stated/{number}", "stated", prompt, (), expected)

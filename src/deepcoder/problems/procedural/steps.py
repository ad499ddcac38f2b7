"""Several steps: the second action depends on what the first one showed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from deepcoder.problems.contracts import Script
from deepcoder.problems.procedural.draw import Draw
from deepcoder.problems.procedural.expert import conclude, lower, run, run_with
from deepcoder.problems.procedural.family import PARAMETERS, TRAIN, WORDING, Made, draw_values
from deepcoder.problems.procedural.operation import Operation, Values
from deepcoder.problems.procedural.tables import frames
from deepcoder.problems.procedural.wording import QUOTES, fill_template, put, shower
from deepcoder.records import AnswerCheck

CONDITIONS = {
    "even": (
        "r % 2 == 0",
        "it is even",
        ("the result is even", "it is even", "that is an even number", "the number is even"),
    ),
    "odd": (
        "r % 2 == 1",
        "it is odd",
        ("the result is odd", "it is odd", "that is an odd number", "the number is odd"),
    ),
    "above": ("r > {k}", "it is above {k}", ("the result is greater than {k}", "it is above {k}", "that exceeds {k}")),
    "below": ("r < {k}", "it is below {k}", ("the result is less than {k}", "it is below {k}", "that is under {k}")),
}
CHANGES = {
    "add": ("r + {n}", "add {n}", ("add {n} to it", "add {n}", "increase it by {n}")),
    "subtract": ("r - {n}", "subtract {n}", ("subtract {n} from it", "subtract {n}", "take away {n}")),
    "multiply": ("r * {n}", "multiply by {n}", ("multiply it by {n}", "multiply by {n}", "take it times {n}")),
    "square": ("r ** 2", "square it", ("square it", "multiply it by itself")),
    "divide": ("r // {n}", "divide by {n}", ("floor-divide it by {n}", "divide it by {n} and drop the remainder")),
}


@dataclass(frozen=True)
class Branch:
    """One of the branches: what is done with the result."""

    change: str
    number: int

    def apply(self, value: int) -> int:
        """The new value."""
        n = self.number
        values = {"add": value + n, "subtract": value - n, "multiply": value * n, "square": value * value}
        return values.get(self.change, value // n)


class StepsFamily:
    """Conditions on a result that must be looked at, and operations in two separate runs."""

    name = "several_steps"
    splits = (TRAIN, PARAMETERS, WORDING)

    def __init__(self, firsts: Sequence[Operation], seconds: Sequence[Operation], weight: int = 2) -> None:
        self.weight = weight
        self._firsts = [operation for operation in firsts if operation.gives == "int"]
        self._seconds = [operation for operation in seconds if operation.takes == "int" and operation.out == "plain"]
        self.operations = (*(f"branch_{key}" for key in CONDITIONS), "two_runs")

    def make(self, draw: Draw, split: str, index: int) -> Made:
        """Kinds in turn; the operations inside are drawn."""
        first = draw.choice(self._firsts)
        values = draw_values(first, draw)
        kind = self.operations[index % len(self.operations)]
        if kind == "two_runs":
            return self._two_runs(first, values, draw)
        return self._branch(kind.removeprefix("branch_"), first, values, draw)

    def _branch(self, condition: str, first: Operation, values: Values, draw: Draw) -> Made:
        value = int(first.answer(**values))
        if abs(value) > 10**6:
            raise LookupError("too large to be worth a look")
        limit = max(2, value + draw.small(-9, 9))
        then, other = (Branch(draw.choice(list(CHANGES)), draw.small(2, 19)) for _ in range(2))
        if then.change == other.change:
            raise LookupError("both branches are alike")
        holds = {"even": value % 2 == 0, "odd": value % 2 == 1, "above": value > limit, "below": value < limit}
        taken = then if holds[condition] else other
        prompt = put("{x}", self._branch_prompt(condition, limit, first, values, then, other, draw), draw)

        thought, code = _rule(condition, limit, then, other)

        def second(seen: str) -> tuple[str, str] | None:
            if not seen.lstrip("-").isdigit():
                return None
            return thought, f"r = {seen}\n{code}"

        plan = f"Run 1: {lower(first.thought)}. Run 2: the rule."
        script = Script((run(plan, first.code(values)), run_with(second), conclude))
        check = AnswerCheck(answer=str(taken.apply(value)))
        return Made(f"branch_{condition}", prompt, check, script, min(3, draw.level + 1))

    def _branch_prompt(
        self, condition: str, limit: int, first: Operation, values: Values, then: Branch, other: Branch, draw: Draw,
    ) -> str:  # fmt: skip
        a = _order(first, values, draw)
        c = draw.choice(CONDITIONS[condition][2]).format(k=limit)
        b, e = (draw.choice(CHANGES[branch.change][2]).format(n=branch.number) for branch in (then, other))
        frame = draw.choice(frames(draw.wording, "branch"))
        return _fill(frame, {"a": a, "b": b, "c": c, "e": e, "name": draw.name()})

    def _two_runs(self, first: Operation, values: Values, draw: Draw) -> Made:
        second = draw.choice(self._seconds)
        value = first.answer(**values)
        rest = {key: item for key, item in second.draw(draw).items() if key != second.main}
        if not 1 < value <= 5000:
            raise LookupError("not a number that the second operation is for")
        result = second.answer(**{second.main: value, **rest})
        if len(str(result)) > 60:
            raise LookupError("the result is too long")
        a = _order(first, values, draw)
        it = draw.choice(("the result", "that number", "it", "the number you got"))
        b = _order(second, {**rest, second.main: value}, draw, it)
        frame = draw.choice(frames(draw.wording, "again"))
        prompt = put("{x}", _fill(frame, {"a": a, "b": b, "name": draw.name()}), draw)

        def again(seen: str) -> tuple[str, str] | None:
            if not seen.isdigit():
                return None
            return f"Run 2 with {seen}: {lower(second.thought)}.", second.code({**rest, second.main: int(seen)})

        plan = f"Run 1: {lower(first.thought)}. Run 2: {lower(second.thought)}."
        script = Script((run(plan, first.code(values)), run_with(again), conclude))
        return Made("two_runs", prompt, AnswerCheck(answer=str(result)), script, min(3, draw.level + 1))


def _rule(condition: str, limit: int, then: Branch, other: Branch) -> tuple[str, str]:
    """The rule as a thought and as a program for `r`: which branch it is, Python says and not the thought."""
    test, said, _ = CONDITIONS[condition]
    (code, short), (other_code, other_short) = (
        [part.format(n=branch.number) for part in CHANGES[branch.change][:2]] for branch in (then, other)
    )
    thought = f"If {said.format(k=limit)}: {short}, else: {other_short}."
    return thought, f"print({code} if {test.format(k=limit)} else {other_code})"


def _order(operation: Operation, values: Values, draw: Draw, it: str | None = None) -> str:
    """The operation as an order ("find the sum of ..."); `it` stands for its main input where given."""
    fitting = [
        t
        for t in operation.templates(draw.wording)
        if t.kind in "vnp" and "{name}" not in t.text and "!r}" not in t.text
    ]
    if it is not None:
        fitting = [t for t in fitting if f"{{{operation.main}}}" in t.text]
    if not fitting:
        raise LookupError(f"{operation.key}: no wording of this side fits")
    template = draw.choice(fitting)
    shown = shower(operation, values, draw)
    wording = fill_template(template, lambda key, raw: it if it and key == operation.main else shown(key, raw), draw)
    verb = draw.choice(("find", "compute", "work out", "determine")) + " "
    return wording if template.kind == "v" else verb + wording


def _fill(frame: str, slots: dict[str, str]) -> str:
    for key, value in slots.items():
        start = value if value[0] in QUOTES else value[0].upper() + value[1:]
        frame = frame.replace(f"{{{key}}}", value).replace(f"{{{key.upper()}}}", start)
    return frame

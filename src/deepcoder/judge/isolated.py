"""Tests outside the candidate's process: two sandboxed sessions, and the supervisor between them.

    tests' session  --call, plain data-->  supervisor  --call-->  candidate's session
                    <--checked value----               <--value--

The candidate's process receives inputs and never an expected value; the tests' process receives values
of exact builtin types and never code. The supervisor checks every frame of the candidate's and builds
nothing from it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from deepcoder.judge import programs
from deepcoder.judge.limits import CANDIDATE, TESTS
from deepcoder.judge.outcomes import outcome_of_end, outcome_of_exception
from deepcoder.judge.plan import Plan
from deepcoder.judge.values import BadValue, check_value, parse
from deepcoder.records import Outcome, TestsCheck, Verdict
from deepcoder.sandbox import Sandbox, Session, SessionEnded


@dataclass(frozen=True)
class NeedsCandidate:
    """The tests pass arguments that are not plain data: they must share the candidate's process."""

    reason: str


class _Over(Exception):
    """The run has its verdict."""

    def __init__(self, outcome: Outcome, detail: str) -> None:
        super().__init__(detail)
        self.verdict = Verdict(outcome=outcome, detail=detail, mode="isolated")


async def judge_isolated(check: TestsCheck, plan: Plan, code: str, box: Sandbox) -> Verdict | NeedsCandidate:
    """Run the tests in one session and the candidate's program in another."""
    try:
        async with (
            box.session(programs.answering(), CANDIDATE) as candidate,
            box.session(programs.testing(), TESTS) as tests,  # starts while the candidate's program loads
        ):
            await _load(candidate, check, plan, code)
            return await _Referee(candidate, tests).run(check, plan)
    except _Over as over:
        return over.verdict


async def _load(candidate: Session, check: TestsCheck, plan: Plan, code: str) -> None:
    await _send(candidate, {"code": code, "preamble": check.preamble, "names": plan.names})
    reply = await _receive(candidate)
    if "raised" in reply:
        raise _Over(*outcome_of_exception(reply["raised"]))
    if reply != {"ready": True}:
        raise _Over(Outcome.ERROR, "the program wrote to the judge's channel")


class _Referee:
    """Carries calls from the tests to the candidate, and values back."""

    def __init__(self, candidate: Session, tests: Session) -> None:
        self.candidate = candidate
        self.tests = tests
        self.calls = 0

    async def run(self, check: TestsCheck, plan: Plan) -> Verdict | NeedsCandidate:
        await self._tell({
            "preamble": check.preamble, "setup": check.setup, "tests": check.tests, "names": plan.names,
            "checked": plan.checked, "modules": plan.modules, "mutable": sorted(plan.mutable),
        })  # fmt: skip
        while "outcome" not in (frame := await self._hear()):
            await self._tell(await self._ask(frame))
        if frame["outcome"] == "needs_in_process":
            return NeedsCandidate(f"the tests pass {frame['detail']}")
        outcome = Outcome(frame["outcome"])
        if outcome is Outcome.PASSED and not self.calls:
            raise _Over(Outcome.ERROR, "the tests passed without a call of the answer")
        return Verdict(outcome=outcome, detail=frame["detail"], mode="isolated")

    async def _ask(self, call: dict[str, Any]) -> dict[str, Any]:
        """One call of the candidate: its reply, checked."""
        self.calls += 1
        await _send(self.candidate, {
            "id": self.calls, "name": call["call"], "arguments": call["arguments"], "keywords": call["keywords"],
            "mutable": call["mutable"],
        })  # fmt: skip
        reply = await _receive(self.candidate)
        if reply.pop("id", None) != self.calls:
            raise _Over(Outcome.ERROR, "the program wrote to the judge's channel")
        return _checked(reply, call)

    async def _tell(self, message: dict[str, Any]) -> None:
        try:
            await self.tests.send(json.dumps(message).encode())
        except SessionEnded as ended:
            raise _Over(*outcome_of_end(ended.result, "the tests", trusted=True)) from None

    async def _hear(self) -> dict[str, Any]:
        try:
            frame: dict[str, Any] = json.loads(await self.tests.receive())
        except SessionEnded as ended:
            raise _Over(*outcome_of_end(ended.result, "the tests", trusted=True)) from None
        return frame


def _checked(reply: dict[str, Any], call: dict[str, Any]) -> dict[str, Any]:
    """The parts of a reply that may reach the tests; anything else in it ends the run."""
    try:
        if reply.keys() == {"raised"}:
            return {"raised": _plain_exception(reply["raised"])}
        if reply.keys() == {"refused"}:
            return {"refused": str(reply["refused"])[:500]}
        values = [reply["value"]]
        wanted = {"value"}
        if call["mutable"]:
            wanted.add("arguments")
            if not isinstance(reply["arguments"], list) or len(reply["arguments"]) != len(call["arguments"]):
                raise BadValue("arguments that do not match the call")
            values += reply["arguments"]
        if reply.keys() != wanted:
            raise BadValue("a reply with other parts")
        for value in values:
            check_value(value)
    except (BadValue, KeyError, RecursionError) as error:
        raise _Over(Outcome.ERROR, f"the program answered the judge with {error}") from None
    return reply


def _plain_exception(raised: Any) -> dict[str, Any]:
    outcome_of_exception(raised)  # refuses what is not an exception's description
    return {"types": raised["types"], "text": raised["text"]}


async def _send(candidate: Session, message: dict[str, Any]) -> None:
    try:
        await candidate.send(json.dumps(message).encode())
    except SessionEnded as ended:
        raise _Over(*outcome_of_end(ended.result, "the program")) from None


async def _receive(candidate: Session) -> dict[str, Any]:
    try:
        frame = parse(await candidate.receive())
    except SessionEnded as ended:
        raise _Over(*outcome_of_end(ended.result, "the program")) from None
    except BadValue as error:
        raise _Over(Outcome.ERROR, f"the program answered the judge with {error}") from None
    if not isinstance(frame, dict):
        raise _Over(Outcome.ERROR, "the program wrote to the judge's channel")
    return frame

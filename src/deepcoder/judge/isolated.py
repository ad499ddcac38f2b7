"""Tests outside the candidate's process: two sandboxed sessions, and the supervisor between them.

    tests' session  --calls, plain data-->  supervisor  --calls-->  candidate's session
                    <--------bytes--------              <--bytes---

The candidate's process receives inputs and never an expected value; the tests' process receives bytes, which
it checks to be plain data before it builds values of exact builtin types from them, and never code. The
supervisor carries; it reads no reply of the candidate's but the one that says whether its program has loaded.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
from dataclasses import dataclass
from typing import Any

from deepcoder.judge import limits, programs
from deepcoder.judge.outcomes import outcome_of_end, outcome_of_exception
from deepcoder.judge.plan import Plan
from deepcoder.judge.tests_side import TestsSide
from deepcoder.judge.values import BadValue, parse
from deepcoder.records import Outcome, TestsCheck, Verdict
from deepcoder.sandbox import RunResult, Sandbox, Session, SessionEnded


@dataclass(frozen=True)
class NeedsCandidate:
    """The tests pass arguments that are not plain data: they must share the candidate's process."""

    reason: str


async def judge_isolated(
    check: TestsCheck, plan: Plan, code: str, box: Sandbox, tests: TestsSide
) -> Verdict | NeedsCandidate:
    """Run the tests in one session and the candidate's program in another."""
    found = await _judge(check, plan, code, box, tests, b"R")
    if found["outcome"] == "unforeseen":
        found = await _judge(check, plan, code, box, tests, b"Rn")  # nothing foretold
    if found["outcome"] == "needs_in_process":
        return NeedsCandidate(f"the tests pass {found['detail']}")
    outcome = Outcome(found["outcome"])
    if outcome is Outcome.PASSED and not found["calls"]:
        return _verdict(Outcome.ERROR, "the tests passed without a call of the answer")
    return _verdict(outcome, found["detail"])


def _verdict(outcome: Outcome, detail: str) -> Verdict:
    return Verdict(outcome=outcome, detail=detail, mode="isolated")


def _found(outcome: Outcome, detail: str) -> dict[str, Any]:
    return {"outcome": outcome.value, "detail": detail, "calls": 0}


async def _judge(
    check: TestsCheck, plan: Plan, code: str, box: Sandbox, tests: TestsSide, command: bytes
) -> dict[str, Any]:
    await tests.start()  # its place in the pool is the candidate's too
    async with box.session(programs.BOOTSTRAP, limits.of_candidate(tests.scale)) as candidate:
        try:
            refused = await _load(candidate, check, plan, code)
        except SessionEnded as ended:
            return _found(*outcome_of_end(ended.result, "the program"))
        if refused is not None:
            return refused
        try:
            session = await tests.take(check, plan)
            await session.send(command)
            found, sound = await _carry(session, candidate)
        except SessionEnded as ended:
            await tests.lose()
            return _found(*outcome_of_end(ended.result, "the tests", trusted=True))
        except BaseException:
            await tests.lose()
            raise
        if not sound:
            await tests.lose()
        return found


async def _load(candidate: Session, check: TestsCheck, plan: Plan, code: str) -> dict[str, Any] | None:
    """None where the program has loaded."""
    await candidate.send(programs.answering())
    await candidate.send(json.dumps({"code": code, "preamble": check.preamble, "names": plan.names}).encode())
    try:
        reply = parse(await candidate.receive())
        if isinstance(reply, dict) and "raised" in reply:
            return _found(*outcome_of_exception(reply["raised"]))
    except BadValue as error:
        return _found(Outcome.ERROR, f"the program answered the judge with {error}")
    if reply != {"ready": True}:
        return _found(Outcome.ERROR, "the program wrote to the judge's channel")
    return None


class _Replies:
    """Carries the candidate's frames to the tests, unread, one for each call: its clock runs where it owes one."""

    def __init__(self, candidate: Session, tests: Session) -> None:
        self.candidate, self.tests = candidate, tests
        self.ended: RunResult | None = None
        self.sending = False
        self.owed = asyncio.Semaphore(0)

    async def ask(self, frame: bytes) -> None:
        """Calls of the tests', each of which the candidate now owes a reply."""
        for _ in range(int.from_bytes(frame[1:5], "big")):
            self.owed.release()
        with contextlib.suppress(SessionEnded):  # `carry` meets it too
            await self.candidate.send(frame[5:])

    async def carry(self) -> None:
        with contextlib.suppress(SessionEnded):  # of the tests: whoever listens to them meets it too
            while await self.owed.acquire():
                try:
                    frame = b"A" + await self.candidate.receive()
                except SessionEnded as ended:
                    self.ended, frame = ended.result, b"O"
                self.sending = True
                await self.tests.send(frame)
                self.sending = False
                if self.ended is not None:
                    return


async def _carry(tests: Session, candidate: Session) -> tuple[dict[str, Any], bool]:
    """Until the tests have their verdict; and whether their process can run others after it.

    A candidate that ended counts only where the tests wait for it: a verdict that its earlier replies
    have decided stands.
    """
    replies = _Replies(candidate, tests)
    carrying = asyncio.create_task(replies.carry())
    try:
        while (frame := await tests.receive())[:1] == b"C":
            await replies.ask(frame)
    finally:
        carrying.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await carrying
    found: dict[str, Any] = json.loads(frame[1:])
    sound = not replies.sending and "signal" not in found["detail"]
    if found["outcome"] == "over":
        assert replies.ended is not None
        found = _found(*outcome_of_end(replies.ended, "the program"))
    return found, sound

"""Tests in the candidate's own process: for tests that need objects of its classes.

A program made for it could reach this verdict; `Verdict.mode` is `in_process` so that every report can
say how many verdicts are of this kind (3 of MBPP's 974, none of HumanEval's).
"""

from __future__ import annotations

import json
import secrets

from deepcoder.judge import limits, programs
from deepcoder.judge.outcomes import outcome_of_end, outcome_of_exception
from deepcoder.judge.plan import Plan
from deepcoder.judge.values import BadValue, parse
from deepcoder.records import Outcome, TestsCheck, Verdict
from deepcoder.sandbox import Sandbox, Session, SessionEnded


async def judge_in_process(
    check: TestsCheck, plan: Plan, code: str, box: Sandbox, reason: str, scale: float
) -> Verdict:
    """Load the program, then run set-up and tests in its namespace."""
    try:
        async with box.session(programs.BOOTSTRAP, limits.of_candidate(scale)) as session:
            outcome, detail = await _converse(session, check, plan, code)
    except SessionEnded as ended:
        outcome, detail = outcome_of_end(ended.result, "the program")
    except (BadValue, KeyError, ValueError) as error:
        outcome, detail = Outcome.ERROR, f"the program answered the judge with {error}"
    return Verdict(outcome=outcome, detail=detail or f"in the candidate's process: {reason}", mode="in_process")


async def _converse(session: Session, check: TestsCheck, plan: Plan, code: str) -> tuple[Outcome, str]:
    program = {"code": code, "preamble": check.preamble, "names": plan.names}
    await session.send(programs.together())
    await session.send(json.dumps(program).encode())
    reply = parse(await session.receive())
    if not isinstance(reply, dict):
        raise BadValue("a frame that is no object")
    if "raised" in reply:
        return outcome_of_exception(reply["raised"])
    nonce = secrets.token_hex(16)
    request = {"nonce": nonce, "setup": check.setup, "tests": check.tests, "checked": plan.checked}
    await session.send(json.dumps(request).encode())
    reply = parse(await session.receive())
    if not isinstance(reply, dict) or reply.get("nonce") != nonce:
        raise BadValue("a frame that is not the verdict")
    return Outcome(reply["outcome"]), str(reply["detail"])[:500]

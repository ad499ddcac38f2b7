"""One problem, one answer -> one verdict."""

from __future__ import annotations

from deepcoder.errors import ProblemError
from deepcoder.judge.answers import same_answer
from deepcoder.judge.extraction import extract_code
from deepcoder.judge.in_process import judge_in_process
from deepcoder.judge.isolated import judge_isolated
from deepcoder.judge.plan import plan_of
from deepcoder.judge.tests_side import TestsSide
from deepcoder.records import AnswerCheck, Outcome, Problem, TestsCheck, Verdict
from deepcoder.sandbox import Sandbox

MAX_PROGRAM = 1_000_000  # characters


async def judge(problem: Problem, answer: str | None, box: Sandbox) -> Verdict:
    """Judge `answer` (None: there is none) by the problem's hidden check.

    Raises ProblemError where the check itself is broken; whatever the answer does becomes a Verdict.
    """
    if isinstance(problem.check, AnswerCheck):
        return _compare(problem.check, answer)
    try:
        return await judge_program(problem.check, answer, box)
    except ProblemError as error:
        raise ProblemError(f"problem {problem.problem_id}: {error.message}", hint=error.hint) from None


async def judge_program(
    check: TestsCheck, answer: str | None, box: Sandbox, *, extract: bool = True, tests: TestsSide | None = None
) -> Verdict:
    """Judge a program by tests: outside the candidate's process, or in it where the tests need that.

    `extract`: take the code out of a fence; False judges the text as it stands. `tests`: the process for the
    tests, where it is kept from one answer to the next (many answers to one check are judged faster).
    """
    if tests is None:
        async with TestsSide(box) as own:
            return await judge_program(check, answer, box, extract=extract, tests=own)
    plan = plan_of(check)
    mode = "in_process" if plan.in_process else "isolated"
    if answer is None or not answer.strip():
        return Verdict(outcome=Outcome.NO_ANSWER, mode=mode)
    if len(answer) > MAX_PROGRAM:
        return Verdict(outcome=Outcome.ERROR, detail=f"an answer of {len(answer)} characters", mode=mode)
    code = extract_code(answer, plan.names) if extract else answer
    if plan.in_process:
        return await judge_in_process(check, plan, code, box, plan.in_process, tests.scale)
    verdict = await judge_isolated(check, plan, code, box, tests)
    if isinstance(verdict, Verdict):
        return verdict
    return await judge_in_process(check, plan, code, box, verdict.reason, tests.scale)


def _compare(check: AnswerCheck, answer: str | None) -> Verdict:
    if answer is None or not answer.strip():
        return Verdict(outcome=Outcome.NO_ANSWER)
    if same_answer(check.answer, answer):
        return Verdict(outcome=Outcome.PASSED)
    return Verdict(outcome=Outcome.WRONG, detail="the answer differs from the expected one")

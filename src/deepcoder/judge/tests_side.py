"""The process that holds hidden tests, kept from one answer to the next.

Answers to the same check cost one fork each: the check is compiled and set up once, and its expected values
are computed once (EvalPlus). Each run of the tests is a fork of that state, so what a run leaves behind dies
with it (deepcoder.judge.testing has the processes and the frames).
"""

from __future__ import annotations

import contextlib
import json
from types import TracebackType
from typing import Any

from deepcoder.judge import limits, programs
from deepcoder.judge.plan import Plan
from deepcoder.judge.values import to_json
from deepcoder.records import TestsCheck
from deepcoder.sandbox import Sandbox, Session


class TestsSide:
    """One sandboxed process for tests; it holds one place of the sandbox's pool, one task uses it.

    async with TestsSide(box) as tests:
        for answer in answers:
            await judge_program(check, answer, box, tests=tests)
    """

    __test__ = False  # pytest: not a class of tests

    def __init__(self, box: Sandbox, scale: float = 1.0) -> None:
        self.box, self.scale = box, scale
        self._open = contextlib.AsyncExitStack()
        self._session: Session | None = None
        self._check: TestsCheck | None = None

    async def start(self) -> Session:
        """Its session, a new one where the last was lost."""
        if self._session is None or self._session.result is not None:
            await self.lose()
            starting = self.box.session(programs.BOOTSTRAP, limits.TESTS)
            self._session = await self._open.enter_async_context(starting)
            await self._session.send(programs.testing())
        return self._session

    async def take(self, check: TestsCheck, plan: Plan) -> Session:
        """The session, with `check` in place. SessionEnded where its process is gone."""
        session = await self.start()
        if self._check != check:
            if self._check is not None:
                await session.send(b"E")
            self._check = check
            await session.send(b"T" + json.dumps(self._request(check, plan)).encode())
        return session

    async def lose(self) -> None:
        """Give the process up: it is gone, or in a state that nobody knows."""
        self._session = self._check = None
        await self._open.aclose()

    def _request(self, check: TestsCheck, plan: Plan) -> dict[str, Any]:
        return {
            "preamble": check.preamble, "setup": check.setup, "tests": check.tests, "names": plan.names,
            "checked": plan.checked, "modules": plan.modules, "mutable": sorted(plan.mutable),
            "calls": to_json(list(plan.calls)),
            **limits.of_tests(self.scale),
        }  # fmt: skip

    async def __aenter__(self) -> TestsSide:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self.lose()

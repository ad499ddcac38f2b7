"""The sandbox as the rest of the program sees it: a bounded pool of workers.

At most `config.workers` programs run at once; callers beyond that wait in order, and beyond
`config.queue` waiting ones a call is refused with SandboxBusy. A task that is inside a session may
open more of them without waiting: it already has its turn (the judge runs the candidate in one
session and the tests in another), so nested sessions cannot deadlock.
"""

from __future__ import annotations

import asyncio
import contextlib
import dataclasses
from collections.abc import AsyncIterator
from contextvars import ContextVar

from deepcoder.config import SandboxConfig
from deepcoder.errors import SandboxBusy
from deepcoder.sandbox.execution import GRACE_S, Execution
from deepcoder.sandbox.probe import refusal
from deepcoder.sandbox.result import Limits, RunResult, Status
from deepcoder.sandbox.session import Session
from deepcoder.sandbox.tiers import Tier, tiers
from deepcoder.sandbox.worker import BootFailed, Worker


@dataclasses.dataclass(slots=True)
class Turn:
    """One place in the pool, held by a task and what it starts."""

    box: Sandbox
    active: bool = True


_turn: ContextVar[Turn | None] = ContextVar("sandbox_turn", default=None)


class Sandbox:
    """Runs untrusted Python. Made by `open_sandbox`; safe to use from many tasks of one event loop."""

    def __init__(self, config: SandboxConfig, tier: Tier) -> None:
        self.config, self.tier = config, tier
        self.limits = Limits.from_config(config)
        self._workers: list[Worker] = []
        self._turns = asyncio.Semaphore(config.workers)
        self._waiting = 0
        self._starting = asyncio.Lock()
        self._background: set[asyncio.Task[None]] = set()
        self._closed = False

    async def run(self, code: str, limits: Limits | None = None) -> RunResult:
        """Runs one program to its end, in a fresh box. Cancelling this call kills the program.

        SandboxBusy where too many callers wait; whatever the program does is in the result.
        """
        async with self._turn():
            execution = Execution(code, limits or self.limits)
            async with self._running(execution):
                return await self._result(execution)

    @contextlib.asynccontextmanager
    async def session(self, code: str, limits: Limits | None = None) -> AsyncIterator[Session]:
        """Starts a program with a channel to the caller; leaving the block kills what still runs.

        `limits` hold for the whole session.
        """
        async with self._turn():
            execution = Execution(code, limits or self.limits, channel=True)
            async with self._running(execution):
                yield Session(execution)

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Waits for a place, in order of arrival; none is needed inside one that this task has."""
        outer = _turn.get()
        if outer is not None and outer.active and outer.box is self:
            yield
            return
        if self._turns.locked() and self._waiting >= self.config.queue:
            raise SandboxBusy(
                f"{self._waiting} sandbox calls are waiting already",
                hint="start fewer at once, or raise sandbox.workers or sandbox.queue",
            )
        self._waiting += 1
        try:
            await self._turns.acquire()
        finally:
            self._waiting -= 1
        turn = Turn(self)
        _turn.set(turn)
        try:
            yield
        finally:
            turn.active = False
            self._turns.release()

    @contextlib.asynccontextmanager
    async def _running(self, execution: Execution) -> AsyncIterator[None]:
        """Hands the run to a worker; in the end the box is dead and its descriptors are closed."""
        try:
            await self._submit(execution)
            yield
        finally:
            try:
                if execution.worker is not None:
                    execution.stop("cancelled")
                    await asyncio.shield(execution.done)
            finally:  # also where this wait is cancelled in its turn
                if execution.worker is not None:
                    execution.worker.load -= 1
                execution.close()

    async def _submit(self, execution: Execution) -> None:
        for _ in range(2):  # a worker may turn out dead when it is spoken to
            try:
                worker = await self._worker()
                await worker.submit(execution.request(), execution.handed)
            except BootFailed as error:
                return execution.fail(error.message)
            except OSError:
                continue
            worker.load += 1
            return execution.started(worker)
        return execution.fail("the sandbox worker died before the run")

    async def _result(self, execution: Execution) -> RunResult:
        """The worker enforces the limits; this only makes sure that its silence cannot last."""
        wall_limit = asyncio.get_running_loop().call_later(
            execution.limits.wall_s + GRACE_S, execution.stop, str(Status.TIMEOUT)
        )
        try:
            return await asyncio.shield(execution.done)
        finally:
            wall_limit.cancel()

    async def _worker(self) -> Worker:
        """The live worker with the least to do; dead ones are replaced first."""
        async with self._starting:
            if self._closed:
                raise RuntimeError("this sandbox is closed")
            dead = [worker for worker in self._workers if not worker.alive]
            for worker in dead:
                self._workers.remove(worker)
                self._retire(worker)
            if len(self._workers) < self.config.workers and (dead or not self._workers):
                self._workers.append(await self.tier.start_worker())
        return min(self._workers, key=lambda worker: worker.load)

    def _retire(self, worker: Worker) -> None:
        task = asyncio.create_task(worker.close())
        self._background.add(task)
        task.add_done_callback(self._background.discard)

    async def open(self) -> None:
        """Starts every worker; BootFailed where one cannot isolate itself."""
        started = await asyncio.gather(
            *(self.tier.start_worker() for _ in range(self.config.workers)), return_exceptions=True
        )
        self._workers = [worker for worker in started if not isinstance(worker, BaseException)]
        for outcome in started:
            if isinstance(outcome, BaseException):
                await self.close()
                raise outcome

    async def close(self) -> None:
        """Kills everything that runs and every worker."""
        self._closed = True
        workers, self._workers = self._workers, []
        await asyncio.gather(*(worker.close() for worker in workers), *self._background)


@contextlib.asynccontextmanager
async def open_sandbox(config: SandboxConfig) -> AsyncIterator[Sandbox]:
    """A sandbox of the strongest tier that works here and that the config allows.

    SandboxUnavailable names the probe that failed and the command that mends it.
    """
    box = await _open_strongest(config)
    try:
        yield box
    finally:
        await box.close()


async def _open_strongest(config: SandboxConfig) -> Sandbox:
    failures: list[tuple[Tier, BootFailed]] = []
    for tier in tiers(config):
        box = Sandbox(config, tier)
        try:
            await box.open()
        except BootFailed as error:
            failures.append((tier, error))
        else:
            return box
    raise await refusal(config, failures)

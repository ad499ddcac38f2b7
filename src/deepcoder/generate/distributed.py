"""The generate stage over Ray: problems are solved by N workers, on one machine or several.

    driver   problems, selection, the single writer of shards and counts: what it is without Ray
    worker   an actor with its own sandbox, teacher and agent loop; `generate.concurrency` runs at once
    keeper   an actor beside the driver that owns the ledger: a worker's answers are kept where the driver's are

A problem goes to the worker that has the fewest, so that the set that comes of it is that of one process. Limits of
the provider hold for all workers together: each takes 1/N of what the config states and of what headers tell
(`Pacer.share`), and finds its own window by its own 429s.

RAY_ADDRESS names a cluster; without it one is started on this machine and ends with the command. Keys of a provider
are read from each worker's environment; files that the config names must be there on each machine.
"""

from __future__ import annotations

import logging
import os
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage

from deepcoder.config import Config
from deepcoder.errors import BudgetSpent, ConfigError, DeepCoderError, ProviderError, StageError
from deepcoder.generate.solving import open_solver
from deepcoder.models import open_teacher
from deepcoder.models.ledger import LEDGER, Ledger, Prices
from deepcoder.problems import open_source
from deepcoder.records import Problem, Trajectory

START_S = 180.0  # a worker that is not there by then has no room in the cluster


class Workers:
    """`solve` on the least busy of the workers; `places`: runs at once in all of them together."""

    def __init__(self, actors: list[Any], keeper: Any, ledger: Ledger, concurrency: int) -> None:
        self.places = len(actors) * concurrency
        self._actors, self._keeper, self._ledger = actors, keeper, ledger
        self._busy = [0] * len(actors)

    async def solve(self, problem: Problem) -> Trajectory:
        """As Solver's. Raises StageError where the worker died."""
        from ray.exceptions import RayActorError

        number = self._busy.index(min(self._busy))
        self._busy[number] += 1
        try:
            outcome = await self._actors[number].solve.remote(problem)
            spent = await self._keeper.spent.remote()
        except RayActorError as error:
            raise StageError(
                f"a Ray worker died: {str(error).splitlines()[0]}",
                hint="what is stored stays: run the same command again, with fewer generate.workers_ray "
                "where memory was short",
            ) from error
        finally:
            self._busy[number] -= 1
        vars(self._ledger.spent).update(vars(spent))
        if isinstance(outcome, DeepCoderError):
            raise outcome
        return outcome  # type: ignore[no-any-return]


@asynccontextmanager
async def open_workers(config: Config, folder: Path, ledger: Ledger) -> AsyncIterator[Workers]:
    """`generate.workers_ray` of them; `ledger`: the driver's own, whose sums are kept up to date.

    Raises ConfigError without Ray, StageError where the cluster has no room for the workers.
    """
    ray = _connected(config)
    keeper = (
        ray.remote(num_cpus=0)(LedgerKeeper)
        .options(scheduling_strategy=_here(ray))
        .remote(folder / LEDGER, ledger.prices, ledger.max_cost)
    )
    count = config.generate.workers_ray or 1
    options = {"max_concurrency": config.generate.concurrency + 2, "scheduling_strategy": "SPREAD"}
    actors = [
        ray.remote(num_cpus=1)(_Worker).options(**options).remote(config, 1 / count, keeper) for _ in range(count)
    ]
    try:
        starting = [actor.start.remote() for actor in actors]
        started, _ = ray.wait(starting, num_returns=count, timeout=START_S)
        if len(started) < count:
            raise StageError(
                f"{len(started)} of {count} Ray workers started within {START_S:.0f} s",
                hint="give the cluster a CPU for each, or lower generate.workers_ray",
            )
        for failure in ray.get(started):
            if failure is not None:
                raise failure
        yield Workers(actors, keeper, ledger, config.generate.concurrency)
    finally:
        for actor in (*actors, keeper):
            ray.kill(actor)


def _connected(config: Config) -> Any:
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    try:
        import ray
    except ImportError:
        raise ConfigError(
            "generate.workers_ray needs the package ray, which is not installed",
            hint="pip install 'deepcoder[ray]', or leave generate.workers_ray out",
        ) from None
    if not ray.is_initialized():
        address = os.environ.get("RAY_ADDRESS", "local")
        own: dict[str, Any] = {}
        if address == "local":
            own = {"num_cpus": max(config.generate.workers_ray or 1, os.cpu_count() or 1), "include_dashboard": False}
        ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR, **own)
    return ray


def _here(ray: Any) -> Any:
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    return NodeAffinitySchedulingStrategy(ray.get_runtime_context().get_node_id(), soft=False)


class _Worker:
    """One worker's side. Errors cross as values: Ray would wrap them in others of its own."""

    def __init__(self, config: Config, share: float, keeper: Any) -> None:
        self._config, self._share, self._keeper = config, share, keeper
        self._open = AsyncExitStack()

    async def start(self) -> DeepCoderError | None:
        """Open teacher and sandbox; what went wrong, if anything."""
        config = self._config
        try:
            source = open_source(config.problems)
            teacher = open_teacher(config.teacher, source.policy, ledger=RemoteLedger(self._keeper), share=self._share)
            self._open.push_async_callback(teacher.aclose)
            self._solver = await self._open.enter_async_context(open_solver(config, teacher))
        except DeepCoderError as error:
            return error
        return None

    async def solve(self, problem: Problem) -> Trajectory | DeepCoderError:
        """A run to store, or what ends the whole stage."""
        try:
            return await self._solver.solve(problem)
        except DeepCoderError as error:
            return error


class LedgerKeeper:
    """The one process that answers the workers' questions to the ledger."""

    def __init__(self, path: Path, prices: Prices, max_cost: float | None) -> None:
        self._ledger = Ledger(path, prices, max_cost=max_cost)

    def spent(self) -> Any:
        """The sums so far."""
        return self._ledger.spent

    def check(self) -> BudgetSpent | None:
        """Whether more may be spent, as a value."""
        try:
            self._ledger.check()
        except BudgetSpent as error:
            return error
        return None

    def find(self, key: str) -> AIMessage | None:
        """As Ledger's."""
        return self._ledger.find(key)

    def answered(self, key: str, problem_id: str, message: AIMessage, seconds: float) -> None:
        """As Ledger's."""
        self._ledger.answered(key, problem_id, message, seconds)

    def failed(self, key: str, problem_id: str, error: ProviderError, seconds: float) -> None:
        """As Ledger's."""
        self._ledger.failed(key, problem_id, error, seconds)


class RemoteLedger(Ledger):
    """The keeper's ledger, as a worker's teacher asks it. A question takes a millisecond or so."""

    def __init__(self, keeper: Any) -> None:
        self._keeper = keeper

    def check(self) -> None:
        """As Ledger's."""
        if (error := self._ask("check")) is not None:
            raise error

    def find(self, key: str) -> AIMessage | None:
        """As Ledger's."""
        found: AIMessage | None = self._ask("find", key)
        return found

    def answered(self, key: str, problem_id: str, message: AIMessage, seconds: float) -> None:
        """As Ledger's."""
        self._ask("answered", key, problem_id, message, seconds)

    def failed(self, key: str, problem_id: str, error: ProviderError, seconds: float) -> None:
        """As Ledger's."""
        self._ask("failed", key, problem_id, error, seconds)

    def _ask(self, name: str, *arguments: Any) -> Any:
        import ray

        return ray.get(getattr(self._keeper, name).remote(*arguments))

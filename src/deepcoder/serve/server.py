"""The process that serves: opens the engine, the sandbox and the index, and drains on SIGTERM."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import math
import multiprocessing
import signal
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from types import FrameType

import structlog
import uvicorn
from fastapi import FastAPI

from deepcoder.config import Config
from deepcoder.errors import ProviderError
from deepcoder.knowledge import open_knowledge
from deepcoder.models import ChatModels
from deepcoder.sandbox import open_sandbox
from deepcoder.serve.app import create_app
from deepcoder.serve.keys import KeyStore
from deepcoder.serve.tracing import open_tracing

BACKLOG = 2048

_log = structlog.get_logger("deepcoder.serve")


async def run(
    config: Config, student: Path, keys: KeyStore, listener: socket.socket, *, started: Callable[[], None] | None = None
) -> None:
    """Serve on `listener` until a signal, or until the parent of a worker is gone; all is closed when this returns.

    `started` is called when requests are accepted.
    """
    index = open_knowledge(config.knowledge)
    async with open_sandbox(config.sandbox) as box, _open_models(config, student) as models:
        tracing = open_tracing(config.serve.otlp_endpoint, config.serve.model_name)
        app = create_app(config, models=models, box=box, index=index, keys=keys, tracing=tracing)
        server = DrainingServer(app, config, started)
        parent = multiprocessing.parent_process()
        if parent is not None:
            asyncio.get_running_loop().add_reader(parent.sentinel, server.orphaned, parent.sentinel)
        # What was opened and imported lives as long as the process: to walk through it again and again took a tenth of
        # the CPU time of a step, and made the requests of the moment wait.
        gc.collect()
        gc.freeze()
        await server.serve(sockets=[listener])
    _log.info("stopped")


class DrainingServer(uvicorn.Server):
    """uvicorn, except that a signal first makes the app refuse new runs, and that `serve` returns afterwards.

    Uvicorn raises the signal again when it has shut down, which would end the process before the sandbox
    and the engine are closed.
    """

    def __init__(self, app: FastAPI, config: Config, started: Callable[[], None] | None = None) -> None:
        super().__init__(
            uvicorn.Config(
                app, log_config=None, access_log=False, server_header=False, lifespan="on", ws="none",
                timeout_graceful_shutdown=math.ceil(config.serve.drain_s),
                # asyncio accepts this many connections at a time: one worker would take a whole burst.
                backlog=BACKLOG if config.serve.workers == 1 else 1,
            )
        )  # fmt: skip
        self._app = app
        self._told_started = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to accept."""
        await super().startup(sockets)
        for listener in sockets or []:
            listener.listen(BACKLOG)  # asyncio has set it to what it accepts at a time
        if self.started and self._told_started is not None:
            self._told_started()

    def orphaned(self, sentinel: int) -> None:
        """The parent has died: nobody would restart this worker or pass a signal on to it."""
        asyncio.get_running_loop().remove_reader(sentinel)
        self.handle_exit(signal.SIGTERM, None)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Handle SIGTERM and SIGINT while serving."""
        before = {sig: signal.signal(sig, self.handle_exit) for sig in (signal.SIGINT, signal.SIGTERM)}
        try:
            yield
        finally:
            for sig, handler in before.items():
                signal.signal(sig, handler)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """First signal: running requests may end. A second SIGINT: they may not."""
        self._app.state.admission.draining = True
        super().handle_exit(sig, frame)


def _engine(config: Config, student: Path) -> ChatModels:
    if config.engine.engine == "openai":  # without torch, which the other module imports
        from deepcoder.models.server import open_server

        return open_server(config.engine, str(student))
    from deepcoder.models.local import open_engine

    return open_engine(config.engine, student)


@contextlib.asynccontextmanager
async def _open_models(config: Config, student: Path) -> AsyncIterator[ChatModels]:
    models = _engine(config, student)
    try:
        try:
            await models.preflight()
        except ProviderError as error:  # the engine may come later; /readyz says so until then
            _log.warning("engine not ready", error=type(error).__name__)
        yield models
    finally:
        await models.aclose()

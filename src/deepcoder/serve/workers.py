"""Several worker processes behind one listening socket, kept alive by this one.

Every worker loads the engine, the sandbox and the index for itself and accepts from the socket that all share: what
waits there is lost with no worker's death. A worker that dies is started anew, at once the first time, then after
1, 2, 4 ... 30 seconds if it goes on dying young. One that dies before any was ever ready ends the service: that is
a mistake in the configuration, not an accident. The workers count into files of one folder, so that each one's
/metrics tells of all.
"""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Any

import structlog

from deepcoder.config import Config
from deepcoder.errors import ConfigError, DeepCoderError, StageError
from deepcoder.serve.keys import KeyStore

METRICS_FOLDER = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own name for it
YOUNG_S = 10.0
LONGEST_PAUSE_S = 30.0
CLOSING_S = 10.0  # for the engine and the sandbox, after the requests' drain_s

_log = structlog.get_logger("deepcoder.serve")


@dataclass
class _Place:
    """One of the worker processes. `deaths`: young ones in a row; `due`: when it is to be started (monotonic)."""

    process: SpawnProcess | None = None
    ready: Connection | None = None
    began: float = 0.0
    deaths: int = 0
    due: float = 0.0


def supervise(config: Config, student: Path, listener: socket.socket) -> None:
    """Serve with `serve.workers` processes until SIGTERM or SIGINT; none is left when this returns.

    Raises StageError where no worker comes up.
    """
    places = [_Place() for _ in range(config.serve.workers)]
    with _environment(config), _signals() as signals:
        try:
            _keep(places, config, student, listener, signals)
        finally:
            listener.close()
            _stop(places, signals, config.serve.drain_s + CLOSING_S)
    _log.info("stopped", workers=len(places))


def check_workers(config: Config) -> None:
    """Raises ConfigError where several workers would each count a key's requests for themselves."""
    serve = config.serve
    if serve.workers > 1 and not serve.rate_limit.storage.startswith(("redis://", "rediss://")):
        raise ConfigError(
            f"serve.rate_limit.storage: {serve.workers} workers cannot share {serve.rate_limit.storage}",
            hint="serve.rate_limit.storage=redis://HOST:PORT, or serve.workers=1",
        )


def _keep(
    places: Sequence[_Place], config: Config, student: Path, listener: socket.socket, signals: socket.socket
) -> None:
    """Start what is due and see to what died, until a signal comes."""
    proven = False
    while True:
        for place in places:
            if place.process is None and place.due <= time.monotonic():
                _start(place, config, student, listener)
        pause = min((max(0.0, place.due - time.monotonic()) for place in places if place.process is None), default=None)
        waited: list[Any] = [signals, *(p.ready for p in places if p.ready), *_sentinels(places)]
        fired = wait(waited, pause)
        if signals in fired:
            return
        for place in places:
            if place.ready in fired:
                proven |= _became_ready(place)
            if place.process is not None and place.process.sentinel in fired:
                code = _bury(place)
                if not proven:
                    raise StageError(
                        f"a worker ended with code {code} before it was ready", hint="its log line above says why"
                    )


def _start(place: _Place, config: Config, student: Path, listener: socket.socket) -> None:
    context = multiprocessing.get_context("spawn")  # threads of libraries do not survive a fork
    place.ready, told = context.Pipe(duplex=False)
    place.process = context.Process(target=_work, args=(config, student, listener, told), name="deepcoder-worker")
    place.process.start()
    told.close()
    place.began = time.monotonic()
    _log.info("worker started", worker=place.process.pid)


def _became_ready(place: _Place) -> bool:
    assert place.ready is not None
    try:
        ready = bool(place.ready.recv())
    except EOFError:
        ready = False  # it has died: its sentinel says so too
    place.ready.close()
    place.ready = None
    return ready


def _bury(place: _Place) -> int | None:
    """Account for a dead worker and set the time of its successor; its exit code (minus the signal's number)."""
    from prometheus_client.multiprocess import mark_process_dead

    assert place.process is not None
    place.process.join()
    code, pid = place.process.exitcode, place.process.pid
    mark_process_dead(pid)  # type: ignore[no-untyped-call]  # what it had running is no longer running
    lived = time.monotonic() - place.began
    place.deaths = place.deaths + 1 if lived < YOUNG_S else 0
    pause = min(LONGEST_PAUSE_S, 2.0 ** (place.deaths - 2)) if place.deaths > 1 else 0.0
    place.due = time.monotonic() + pause
    place.process.close()
    place.process = None
    _log.error("worker died", worker=pid, code=code, lived_s=round(lived, 1), restart_in_s=pause)
    return code


def _stop(places: Sequence[_Place], signals: socket.socket, limit_s: float) -> None:
    """SIGTERM to every worker, SIGKILL to those that are there after `limit_s`. A second SIGINT is passed on."""
    deadline = time.monotonic() + limit_s
    _tell(places, signal.SIGTERM)
    _heard(signals)
    while (alive := _sentinels(places)) and (left := deadline - time.monotonic()) > 0:
        fired = wait([signals, *alive], left)
        if signals in fired and signal.SIGINT in _heard(signals):
            _tell(places, signal.SIGINT)
        for place in places:
            if place.process is not None and place.process.sentinel in fired:
                place.process.join()
                place.process = None
    _tell(places, signal.SIGKILL)
    for place in places:
        if place.process is not None:
            place.process.join()


def _sentinels(places: Sequence[_Place]) -> list[int]:
    return [place.process.sentinel for place in places if place.process is not None]


def _tell(places: Sequence[_Place], number: signal.Signals) -> None:
    for place in places:
        if place.process is not None and place.process.pid is not None and place.process.is_alive():
            os.kill(place.process.pid, number)


@contextlib.contextmanager
def _environment(config: Config) -> Iterator[None]:
    """What the workers inherit: the folder of the counters and, for an engine in process, each one's share of cores."""
    added: dict[str, str] = {}
    if config.engine.engine == "local" and "OMP_NUM_THREADS" not in os.environ:
        added["OMP_NUM_THREADS"] = str(max(1, len(os.sched_getaffinity(0)) // config.serve.workers))
    with tempfile.TemporaryDirectory(prefix="deepcoder-metrics-") as folder:
        added[METRICS_FOLDER] = folder
        os.environ |= added
        try:
            yield
        finally:
            for name in added:
                del os.environ[name]


@contextlib.contextmanager
def _signals() -> Iterator[socket.socket]:
    """A socket that becomes readable with SIGTERM or SIGINT; one byte each, its number."""
    readable, written = socket.socketpair()
    readable.setblocking(False)
    written.setblocking(False)
    before = {number: signal.signal(number, lambda *_: None) for number in (signal.SIGTERM, signal.SIGINT)}
    wakeup = signal.set_wakeup_fd(written.fileno(), warn_on_full_buffer=False)
    try:
        yield readable
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        readable.close()
        written.close()


def _heard(signals: socket.socket) -> bytes:
    try:
        return signals.recv(64)
    except BlockingIOError:
        return b""


# --- in the worker ------------------------------------------------------------------------------


def _work(config: Config, student: Path, listener: socket.socket, told: Connection) -> None:
    """A worker's whole life."""
    from deepcoder.serve.logs import configure_logs
    from deepcoder.serve.server import run

    os.setpgrp()  # a terminal's Ctrl-C goes to the parent alone, which passes it on in order
    configure_logs()

    def started() -> None:
        told.send(True)
        told.close()

    keys = KeyStore(config.serve.keys_file)
    try:
        asyncio.run(run(config, student, keys, listener, started=started))
    except DeepCoderError as error:  # at the start, before there is any user's text
        _log.error("cannot start", error=type(error).__name__, message=error.message, hint=error.hint)
        sys.exit(1)
    finally:
        keys.close()

"""One run, seen from the host: its descriptors, its output, its report."""

from __future__ import annotations

import asyncio
import contextlib
import json
import math
import os
import signal
import socket
from collections.abc import Callable
from typing import Any

from deepcoder.sandbox.inside.keeper import WAITED
from deepcoder.sandbox.inside.request import Request
from deepcoder.sandbox.result import Limits, RunResult, Status
from deepcoder.sandbox.worker import Worker

CHUNK = 65_536
INODES = 2048
GRACE_S = 1.0  # for the worker to see the wall limit itself, before the host says so
ANSWER_S = 30.0  # a worker that has not said by then how long its program waited for a core has nothing to say
KILL_S = 5.0  # a worker that has not killed a run by then is killed itself


class Output:
    """One captured stream: read as it comes, kept to the limit, everything after it drops the run."""

    def __init__(self, limit: int, on_limit: Callable[[], None]) -> None:
        self.limit, self.on_limit = limit, on_limit
        self.data = bytearray()
        self.passed = False
        self.reader, self.writer = os.pipe()
        os.set_blocking(self.reader, False)

    def read(self) -> bool:
        """Takes what is there; False at the end of the stream."""
        while True:
            try:
                part = os.read(self.reader, CHUNK)
            except BlockingIOError:
                return True
            if not part:
                return False
            room = self.limit - len(self.data)
            self.data += part[:room]
            if len(part) > room:
                if not self.passed:
                    self.passed = True
                    self.on_limit()
                return True
            if len(part) < CHUNK:
                return True

    def text(self) -> str:
        """Decoded safely; a cut is marked."""
        text = self.data.decode("utf-8", "replace")
        return f"{text}\n[output cut at {self.limit} bytes]" if self.passed else text


class Execution:
    """One program in one box. `done` has the result; `stop(reason)` ends it early."""

    def __init__(self, code: str, limits: Limits, *, channel: bool = False) -> None:
        self.limits = limits
        self.loop = asyncio.get_running_loop()
        self.done: asyncio.Future[RunResult] = self.loop.create_future()
        self.stdout = Output(limits.output_bytes, self._over)
        self.stderr = Output(limits.output_bytes, self._over)
        self.report, self._report_inside = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.report.setblocking(False)
        self.code = _code_file(code)
        self.handed = [self._report_inside.fileno(), self.stdout.writer, self.stderr.writer, self.code]
        self.channel: socket.socket | None = None
        self._channel_inside: socket.socket | None = None
        if channel:
            self.channel, self._channel_inside = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
            self.channel.setblocking(False)
            self.handed.append(self._channel_inside.fileno())
        self.reason = ""
        self.worker: Worker | None = None
        self._last_resort: asyncio.TimerHandle | None = None
        self._on_waited: Callable[[float], None] | None = None

    def request(self) -> Request:
        """What the worker is told. In a session the host keeps the wall clock, since it knows who waits for whom."""
        limits = self.limits
        return Request(
            cpu_s=limits.cpu_s,
            wall_s=math.inf if self.channel is not None else limits.wall_s,
            memory_mb=limits.memory_mb,
            processes=limits.processes,
            disk_mb=limits.disk_mb,
            inodes=INODES,
        )

    def started(self, worker: Worker) -> None:
        """The worker has its own copies of the descriptors: give ours up and listen."""
        self.worker = worker
        self._close_handed()
        self.loop.add_reader(self.report, self._on_report)
        for output in (self.stdout, self.stderr):
            self.loop.add_reader(output.reader, self._on_output, output)

    def _on_output(self, output: Output) -> None:
        if not output.read() or output.passed:
            self.loop.remove_reader(output.reader)

    def _over(self) -> None:
        self.stop(Status.OUTPUT_LIMIT)

    def stop(self, reason: str) -> None:
        """Asks the worker to kill the box; the first reason counts. `done` follows, whatever the worker does."""
        if self.reason or self.done.done():
            return
        self.reason = reason
        if self.worker is not None:
            self._last_resort = self.loop.call_later(KILL_S, self.worker.kill)
        with contextlib.suppress(OSError):
            self.report.send(reason.encode())

    def ask_waited(self, tell: Callable[[float], None]) -> None:
        """`tell` gets the seconds that the program has waited for a core so far; nothing where it ends before that.

        One question at a time: what is asked while another is open gets no answer of its own.
        """
        if self.reason or self.done.done() or self._on_waited is not None:
            return

        def answered(waited_s: float) -> None:
            unanswered.cancel()
            self._on_waited = None
            tell(waited_s)

        self._on_waited = answered
        unanswered = self.loop.call_later(ANSWER_S, answered, 0.0)
        self.done.add_done_callback(lambda _: unanswered.cancel())
        with contextlib.suppress(OSError):
            self.report.send(WAITED)

    def fail(self, detail: str) -> None:
        """The worker could not take the run."""
        self._finish(RunResult(Status.SANDBOX_ERROR, detail=detail))

    def _on_report(self) -> None:
        try:
            data = self._receive_report()
        except BlockingIOError:
            return
        message = json.loads(data) if data else None
        if message is not None and "waited_s" in message:
            if self._on_waited is not None:
                self._on_waited(message["waited_s"])
            return
        for output in (self.stdout, self.stderr):
            if not output.passed:
                output.read()  # every writer is dead: what is in the pipe is all there is
        if message is not None:
            self._finish(self._interpret(message))
        else:
            self.fail("the sandbox worker died during the run")

    def _receive_report(self) -> bytes:
        """ "" at the end of the socket."""
        with contextlib.suppress(ConnectionResetError):
            return self.report.recv(CHUNK)
        # the box ended before the worker read our word to stop; the kernel says so once, before it gives the report
        try:
            return self.report.recv(CHUNK)
        except ConnectionResetError:
            return b""

    def _interpret(self, message: dict[str, Any]) -> RunResult:
        if "failed" in message:
            return RunResult(Status.SANDBOX_ERROR, detail=message["failed"])
        reason = message["reason"]
        number, exit_code = message.get("signal"), message.get("exit")
        detail = ""
        if self.stdout.passed or self.stderr.passed:
            status = Status.OUTPUT_LIMIT
        elif reason in (Status.TIMEOUT, Status.MEMORY, Status.OUTPUT_LIMIT):
            status = Status(reason)
        elif reason:
            status, detail = Status.KILLED, reason
        elif number is not None:
            status, detail = Status.KILLED, signal.Signals(number).name if number in _SIGNALS else f"signal {number}"
        else:
            status = Status.OK if exit_code == 0 else Status.ERROR
        return RunResult(
            status=status,
            stdout=self.stdout.text(),
            stderr=self.stderr.text(),
            cpu_s=message["cpu_s"],
            wall_s=message["wall_s"],
            peak_mb=message["peak_mb"],
            exit_code=exit_code if not reason else None,
            detail=detail,
        )

    def _finish(self, result: RunResult) -> None:
        if self._last_resort is not None:
            self._last_resort.cancel()
        if not self.done.done():
            self.done.set_result(result)
        self._close_streams()

    def _close_handed(self) -> None:
        if self.handed:
            self._report_inside.close()
            for handle in self.handed[1:4]:
                os.close(handle)
            if self._channel_inside is not None:
                self._channel_inside.close()
            self.handed = []

    def close(self) -> None:
        """Gives every descriptor back; a program that still runs is killed by that."""
        self._close_streams()
        if self.channel is not None:  # not sooner: frames that the program sent before its end can still be read
            self.channel.close()

    def _close_streams(self) -> None:
        self._close_handed()
        if self.report.fileno() >= 0:
            self.loop.remove_reader(self.report)
            self.report.close()
        for output in (self.stdout, self.stderr):
            if output.reader >= 0:
                self.loop.remove_reader(output.reader)
                os.close(output.reader)
                output.reader = -1


_SIGNALS = {item.value for item in signal.Signals}


def _code_file(code: str) -> int:
    """The program in an anonymous file: no size limit of a pipe, nothing on disk."""
    handle = os.memfd_create("program", os.MFD_CLOEXEC)
    view = memoryview(code.encode("utf-8", "surrogatepass"))
    while view:
        view = view[os.write(handle, view) :]
    os.lseek(handle, 0, os.SEEK_SET)
    return handle

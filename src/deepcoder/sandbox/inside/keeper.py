"""Process 1 of a box: starts the program, counts what it uses, kills it, and reports to the host.

It shares nothing writable with the program: its own process, not dumpable, its descriptors closed
in the program, signals from inside the namespace ignored by the kernel. The report goes over a
socket that only it and the host hold: one JSON message, after every process of the box is dead.

    {"failed": "mount: ..."}                                     the box could not be made
    {"reason": ..., "exit": n | "signal": n, "cpu_s", "wall_s", "peak_mb"}
`reason` is the host's own word (output_limit, cancelled, timeout), or "timeout" or "memory" where a
limit was passed here, or "" where the program ended by itself.
"""

# Names for the kernel, often relative to a descriptor; pathlib is not loaded in a worker.
# ruff: noqa: PTH208

from __future__ import annotations

import contextlib
import os
import resource
import select
import signal
import socket
import time

from . import program
from .request import MB, Request

TICK_MS = 20
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


class Usage:
    """What the processes of a box use now, read from a /proc that only the keeper sees."""

    def __init__(self, proc: int, keeper: str) -> None:
        self.proc, self.keeper = proc, keeper

    def processes(self) -> list[str]:
        """Every descendant of the keeper."""
        found: list[str] = []
        waiting = [self.keeper]
        while waiting:
            parent = waiting.pop()
            for thread in self._threads(parent):
                children = self._read(f"{parent}/task/{thread}/children").split()
                found += children
                waiting += children
        return found

    def cpu_s(self, process: str) -> float:
        """CPU time of a live process and of the children that it has waited for."""
        fields = self._read(f"{process}/stat").rpartition(")")[2].split()
        return sum(int(field) for field in fields[11:15]) / CLOCK_TICKS if fields else 0.0

    def resident_mb(self, process: str) -> float:
        """Resident memory, pages shared with other processes counted in full."""
        fields = self._read(f"{process}/statm").split()
        return int(fields[1]) * PAGE / MB if fields else 0.0

    def share_mb(self, process: str) -> float:
        """Resident memory, a shared page counted by its share; where that is hidden, `resident_mb`."""
        for line in self._read(f"{process}/smaps_rollup").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) / 1024
        return self.resident_mb(process)

    def _threads(self, process: str) -> list[str]:
        try:
            handle = os.open(f"{process}/task", os.O_RDONLY | os.O_DIRECTORY, dir_fd=self.proc)
        except OSError:
            return []
        try:
            return os.listdir(handle)
        except OSError:
            return []
        finally:
            os.close(handle)

    def _read(self, path: str) -> str:
        """ "" where the process is gone or hides the file."""
        try:
            handle = os.open(path, os.O_RDONLY, dir_fd=self.proc)
        except OSError:
            return ""
        try:
            return os.read(handle, 4096).decode("ascii", "replace")
        except OSError:
            return ""
        finally:
            os.close(handle)


def report(host: socket.socket, message: str) -> None:
    """Sends the one message; a host that has gone away does not matter any more."""
    with contextlib.suppress(OSError):
        host.send(message.encode())


def report_failure(host: socket.socket, error: BaseException) -> None:
    """The box could not be made."""
    import json

    report(host, json.dumps({"failed": f"{type(error).__name__}: {error}"}))


class Watch:
    """One program, `pid`, from its start to the death of its last process."""

    def __init__(self, pid: int, request: Request, baseline: int, host: socket.socket, usage: Usage) -> None:
        self.pid, self.request, self.host, self.usage = pid, request, host, usage
        self.started = time.monotonic()
        self.memory_mb = request.memory_mb + baseline / MB
        self.peak_mb = 0.0
        self.status = 0
        self.ended = False

    def run(self) -> str:
        """Waits for the end or brings it about; the report."""
        reason = self._wait()
        wall_s = time.monotonic() - self.started
        self._kill_all()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = used.ru_utime + used.ru_stime
        peak_mb = max(self.peak_mb, used.ru_maxrss / 1024)
        if os.WIFSIGNALED(self.status):
            kind, number = "signal", os.WTERMSIG(self.status)
            if not reason and number == program.MEMORY_SIGNAL:
                reason = "memory"
            if not reason and number in (signal.SIGKILL, signal.SIGXCPU) and cpu_s >= self.request.cpu_s:
                reason = "timeout"  # the kernel's own CPU limit was faster
        else:
            kind, number = "exit", os.WEXITSTATUS(self.status)
        return (
            f'{{"reason": "{reason}", "{kind}": {number}, '
            f'"cpu_s": {cpu_s:.6f}, "wall_s": {wall_s:.6f}, "peak_mb": {peak_mb:.3f}}}'
        )

    def _wait(self) -> str:
        """Until the program's first process ends ("") or a limit is passed (its reason)."""
        handle = os.pidfd_open(self.pid)
        poll = select.poll()
        poll.register(handle, select.POLLIN)
        poll.register(self.host.fileno(), select.POLLIN)
        try:
            while True:
                for ready, _ in poll.poll(TICK_MS):
                    if ready != handle:
                        return self._word_of_host()
                self._reap()
                if self.ended:
                    return ""
                reason = self._passed_limit()
                if reason:
                    return reason
        finally:
            os.close(handle)

    def _word_of_host(self) -> str:
        """The host's reason to stop: one of its own few words; its end of the socket closed is one, too."""
        try:
            word = self.host.recv(64)
        except OSError:
            word = b""
        return word.decode("ascii", "replace") or "cancelled"

    def _reap(self) -> None:
        """Waits for what has ended, orphans of the program too."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                self._note(pid, status)

    def _note(self, pid: int, status: int) -> None:
        if pid == self.pid:
            self.status, self.ended = status, True

    def _passed_limit(self) -> str:
        if time.monotonic() - self.started > self.request.wall_s:
            return "timeout"
        processes = self.usage.processes()
        reaped = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = reaped.ru_utime + reaped.ru_stime + sum(self.usage.cpu_s(process) for process in processes)
        if cpu_s > self.request.cpu_s:
            return "timeout"
        resident = sum(self.usage.resident_mb(process) for process in processes)
        if len(processes) > 1 and resident > self.memory_mb:
            resident = sum(self.usage.share_mb(process) for process in processes)
        self.peak_mb = max(self.peak_mb, resident)
        return "memory" if resident > self.memory_mb else ""

    def _kill_all(self) -> None:
        """No process of the box outlives this, and every one's usage has been counted."""
        while True:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
            try:
                self._note(*os.waitpid(-1, 0))
            except ChildProcessError:
                return

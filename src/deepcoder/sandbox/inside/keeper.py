"""One box as its worker sees it: what the program uses, when it must die, how it ended.

The worker watches from outside the box: the program can neither see it nor signal it. The report
goes over a socket that only the worker and the host hold: one JSON message, after every process of
the box is dead.

    {"failed": "mount: ..."}                                     the box could not be made
    {"reason": ..., "exit": n | "signal": n, "cpu_s", "wall_s", "peak_mb"}
`reason` is the host's own word (output_limit, cancelled, timeout), or "timeout" or "memory" where a
limit was passed here, or "" where the program ended by itself.
"""

# Names for the kernel, often relative to a descriptor; pathlib is not loaded in a worker.
# ruff: noqa: PTH208

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import time

from . import program
from .request import MB, Request

CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def report_failure(host: socket.socket, error: BaseException) -> None:
    """The box could not be made; a host that has gone away does not matter."""
    with contextlib.suppress(OSError):
        host.send(json.dumps({"failed": f"{type(error).__name__}: {error}"}).encode())


class Processes:
    """Every process of a box, read from the worker's /proc. `first` and `program` are descriptors of processes."""

    def __init__(self, proc: int, first: int, program: int) -> None:
        self.proc = proc
        self.first = self._number(first)
        self.roots = [pid for pid in (self.first, self._number(program)) if pid]

    def running(self) -> list[str]:
        """The program, its descendants, and what was orphaned to the box's process 1."""
        found: list[str] = []
        waiting = list(self.roots)
        while waiting:
            process = waiting.pop()
            if process != self.first:
                found.append(process)
            for thread in self._threads(process):
                waiting += self._read(f"{process}/task/{thread}/children").split()
        return found

    def cpu_s(self, process: str) -> float:
        """CPU time of a process and of the children that it has waited for."""
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

    def _number(self, descriptor: int) -> str:
        """The process id that this /proc knows a pidfd by; it may belong to an outer PID namespace."""
        for line in self._read(f"self/fdinfo/{descriptor}").splitlines():
            if line.startswith("Pid:"):
                return line.split()[1]
        return ""

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


class Box:
    """One run. `first`: process 1 of its namespace, whose death ends every other; `program`: the untrusted one."""

    def __init__(self, request: Request, host: socket.socket, first: int, program: int, baseline: int) -> None:
        self.request, self.host, self.first, self.program = request, host, first, program
        self.first_handle = os.pidfd_open(first)
        self.program_handle = os.pidfd_open(program)
        self.memory_mb = request.memory_mb + baseline / MB
        self.started = time.monotonic()
        self.wall_s = 0.0
        self.cpu_s = 0.0
        self.peak_mb = 0.0
        self.reason = ""
        self.status: int | None = None
        self.processes: Processes | None = None

    def stop(self, reason: str) -> None:
        """Kills every process of the box; the first reason counts."""
        if not self.wall_s:
            self.wall_s = time.monotonic() - self.started
            self.reason = reason
            os.kill(self.first, signal.SIGKILL)

    def on_host(self) -> None:
        """The host wants it to end: one of its few words, or its end of the socket closed."""
        try:
            word = self.host.recv(64)
        except OSError:
            word = b""
        self.stop(word.decode("ascii", "replace") or "cancelled")

    def on_program_end(self) -> None:
        """The first process of the program is over, and so is the run, whatever it has left behind."""
        self.stop("")
        _, self.status, used = os.wait4(self.program, 0)
        self.cpu_s += used.ru_utime + used.ru_stime
        self.peak_mb = max(self.peak_mb, used.ru_maxrss / 1024)

    def on_first_end(self) -> None:
        """Every process of the box is dead: the report."""
        if self.status is None:
            self.on_program_end()
        _, _, used = os.wait4(self.first, 0)  # what it had adopted; its own resident size is the worker's
        self.cpu_s += used.ru_utime + used.ru_stime
        with contextlib.suppress(OSError):
            self.host.send(self._report().encode())

    def _report(self) -> str:
        assert self.status is not None
        reason = self.reason
        if os.WIFSIGNALED(self.status):
            kind, number = "signal", os.WTERMSIG(self.status)
            if not reason and number == program.MEMORY_SIGNAL:
                reason = "memory"
            if not reason and number in (signal.SIGKILL, signal.SIGXCPU) and self.cpu_s >= self.request.cpu_s:
                reason = "timeout"  # the kernel's own CPU limit was faster
        else:
            kind, number = "exit", os.WEXITSTATUS(self.status)
        return (
            f'{{"reason": "{reason}", "{kind}": {number}, '
            f'"cpu_s": {self.cpu_s:.6f}, "wall_s": {self.wall_s:.6f}, "peak_mb": {self.peak_mb:.3f}}}'
        )

    def check(self, proc: int) -> None:
        """Ends the run where a limit is passed. Called some fifty times a second."""
        if self.wall_s:
            return
        if time.monotonic() - self.started > self.request.wall_s:
            self.stop("timeout")
            return
        if self.processes is None:
            self.processes = Processes(proc, self.first_handle, self.program_handle)
        found = self.processes.running()
        if sum(map(self.processes.cpu_s, found)) > self.request.cpu_s:
            self.stop("timeout")
            return
        resident = sum(map(self.processes.resident_mb, found))
        if len(found) > 1 and resident > self.memory_mb:
            resident = sum(map(self.processes.share_mb, found))
        self.peak_mb = max(self.peak_mb, resident)
        if resident > self.memory_mb:
            self.stop("memory")

    def close(self) -> None:
        """Gives the descriptors back."""
        os.close(self.first_handle)
        os.close(self.program_handle)
        self.host.close()

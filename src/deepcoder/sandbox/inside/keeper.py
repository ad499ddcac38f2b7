"""One box as its worker sees it: what the program uses, when it must die, how it ended.

The worker watches from outside the box: the program can neither see it nor signal it. The report
goes over a socket that only the worker and the host hold: one JSON message, after every process of
the box is dead.

    {"failed": "mount: ..."}                                     the box could not be made
    {"reason": ..., "exit": n | "signal": n, "cpu_s", "wall_s", "peak_mb"}
`reason` is the host's own word (output_limit, cancelled, timeout), or "timeout" or "memory" where a
limit was passed here, or "" where the program ended by itself.

While the box lives the host may ask WAITED, and is told {"waited_s": ...}: for how long the program could
have run and got no core. A host that keeps the wall clock does not count that.
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
from collections.abc import Callable

from . import program
from .request import MB, Request

WAITED = b"waited"
WAIT_STEP_S = 0.25
CLOCK_TICKS = os.sysconf("SC_CLK_TCK")
PAGE = os.sysconf("SC_PAGE_SIZE")


def report_failure(host: socket.socket, error: BaseException) -> None:
    """The box could not be made; a host that has gone away does not matter."""
    with contextlib.suppress(OSError):
        host.send(json.dumps({"failed": f"{type(error).__name__}: {error}"}).encode())


class Processes:
    """Every process of a box, read from the worker's /proc.

    `program` and `adopter` (what orphans of the box fall to; None where there can be none) are pidfds.
    """

    def __init__(self, proc: int, program: int, adopter: int | None = None) -> None:
        self.proc = proc
        self.adopter = self._number(adopter) if adopter is not None else ""
        self.roots = [pid for pid in (self._number(program), self.adopter) if pid]

    def running(self) -> list[str]:
        """The program, its descendants, and what was orphaned to the box's process 1."""
        seen: dict[str, None] = {}
        waiting = list(self.roots)
        while waiting:
            process = waiting.pop()
            if process in seen:  # the program is a child of its adopter in the cold tiers
                continue
            seen[process] = None
            for thread in self._threads(process):
                waiting += self._read(f"{process}/task/{thread}/children").split()
        return [process for process in seen if process != self.adopter]

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

    def scheduled(self) -> tuple[int, int, bool]:
        """Nanoseconds that all threads ran, and the most that one waited for a core; whether one could run now.

        A wait that lasts is not in the number. Zeros where the kernel does not count.
        """
        ran = waited = 0
        able = False
        for process in self.running():
            for thread in self._threads(process):
                path = f"{process}/task/{thread}"
                on_core, in_queue, *_ = [*map(int, self._read(f"{path}/schedstat").split()), 0, 0]
                ran, waited = ran + on_core, max(waited, in_queue)
                able = able or self._read(f"{path}/stat").rpartition(")")[2].split()[:1] == ["R"]
        return ran, waited, able

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
    """One run. `program`: its first process, a child of this one; `kill` ends every process of the box."""

    def __init__(
        self, request: Request, host: socket.socket, program: int, kill: Callable[[], None], baseline: int
    ) -> None:
        self.request, self.host, self.program, self.kill = request, host, program, kill
        self.handle = os.pidfd_open(program)
        self.memory_mb = request.memory_mb + baseline / MB
        self.started = time.monotonic()
        self.wall_s = 0.0
        self.cpu_s = 0.0
        self.seen_cpu_s = 0.0  # while it ran: the kernel forgets the time of processes that die with process 1
        self.peak_mb = 0.0
        self.ran, self.stuck_s = -1, 0.0  # when the host asked last
        self.reason = ""
        self.status: int | None = None

    def stop(self, reason: str) -> None:
        """Kills every process of the box; the first reason counts."""
        if not self.wall_s:
            self.wall_s = time.monotonic() - self.started
            self.reason = reason
            self.kill()

    def on_host(self, processes: Processes) -> bool:
        """The host asks, or wants it to end: one of its few words, or its end of the socket closed; True for an end."""
        try:
            word = self.host.recv(64)
        except OSError:
            word = b""
        if word == WAITED:
            with contextlib.suppress(OSError):
                self.host.send(f'{{"waited_s": {self.waited_s(processes):.6f}}}'.encode())
            return False
        self.stop(word.decode("ascii", "replace") or "cancelled")
        return True

    def waited_s(self, processes: Processes) -> float:
        """For how long the program could have run and got no core; a wait that lasts counts a step a question."""
        ran, waited, able = processes.scheduled()
        stuck = able and self.ran in (ran, -1)
        self.stuck_s = self.stuck_s + WAIT_STEP_S if stuck else 0.0
        self.ran = ran
        return waited / 1e9 + self.stuck_s

    def on_program_end(self) -> None:
        """The first process of the program is over, and so is the run, whatever it has left behind."""
        self.stop("")
        _, self.status, used = os.wait4(self.program, 0)
        self.cpu_s += used.ru_utime + used.ru_stime
        self.peak_mb = max(self.peak_mb, used.ru_maxrss / 1024)

    def finish(self, adopted_cpu_s: float) -> None:
        """Every process of the box is dead: the report. `adopted_cpu_s`: of processes that the program orphaned."""
        if self.status is None:
            self.on_program_end()
        self.cpu_s = max(self.cpu_s + adopted_cpu_s, self.seen_cpu_s)
        with contextlib.suppress(OSError):
            self.host.send(self._report().encode())
        os.close(self.handle)
        self.host.close()

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

    def check(self, processes: Processes) -> None:
        """Ends the run where a limit is passed. Called some fifty times a second."""
        if self.wall_s:
            return
        if time.monotonic() - self.started > self.request.wall_s:
            self.stop("timeout")
            return
        found = processes.running()
        self.seen_cpu_s = sum(map(processes.cpu_s, found))
        if self.seen_cpu_s > self.request.cpu_s:
            self.stop("timeout")
            return
        resident = sum(map(processes.resident_mb, found))
        if len(found) > 1 and resident > self.memory_mb:
            resident = sum(map(processes.share_mb, found))
        self.peak_mb = max(self.peak_mb, resident)
        if resident > self.memory_mb:
            self.stop("memory")

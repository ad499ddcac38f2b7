"""Process 1 of a box: starts the program, counts what it uses, kills it, and reports to the host.

It shares nothing writable with the program: its own process, not dumpable, its descriptors closed
in the program, signals from inside the namespace ignored by the kernel. The report goes over a
socket that only it and the host hold: one message, after every process of the box is dead.

    {"failed": "mount: ..."}                                     the box could not be made
    {"reason": ..., "exit": n | "signal": n, "cpu_s", "wall_s", "peak_mb"}
`reason` is the host's own word (output_limit, cancelled, timeout), or "timeout" or "memory" where a
limit was passed here, or "" where the program ended by itself.
"""

# Names for the kernel, often relative to a descriptor; pathlib is not loaded in a worker.
# ruff: noqa: PTH

from __future__ import annotations

import contextlib
import json
import os
import resource
import select
import signal
import socket
import time
from typing import Any

from . import program

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
        return int(fields[1]) * PAGE / (1 << 20) if fields else 0.0

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


def keep(limits: dict[str, Any], host: socket.socket, handles: dict[str, int], usage: Usage, baseline: int) -> None:
    """Runs one program in this box and reports; never returns."""
    for number in (signal.SIGINT, signal.SIGCHLD):  # process 1 without handlers: the kernel drops signals from inside
        signal.signal(number, signal.SIG_DFL)
    started = time.monotonic()
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            program.confine(limits, handles, baseline)
            program.run("channel" in handles)
        except BaseException as error:  # before any of the program's code
            os.write(2, f"sandbox: {error!r}\n".encode())
        finally:
            os._exit(status)
    for handle in handles.values():
        os.close(handle)
    watch = Watch(pid, limits, host, usage, started)
    report(host, watch.run())
    os._exit(0)


def report(host: socket.socket, message: dict[str, Any]) -> None:
    """Sends the one message; a host that has gone away does not matter any more."""
    with contextlib.suppress(OSError):
        host.send(json.dumps(message).encode())


class Watch:
    """One program from its start to the death of its last process."""

    def __init__(self, pid: int, limits: dict[str, Any], host: socket.socket, usage: Usage, started: float) -> None:
        self.pid, self.limits, self.host, self.usage, self.started = pid, limits, host, usage, started
        self.peak_mb = 0.0
        self.status: int | None = None

    def run(self) -> dict[str, Any]:
        """Waits for the end or brings it about; the report."""
        reason = self._wait()
        wall_s = time.monotonic() - self.started
        self._kill_all()
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = used.ru_utime + used.ru_stime
        message: dict[str, Any] = {
            "cpu_s": cpu_s,
            "wall_s": wall_s,
            "peak_mb": max(self.peak_mb, used.ru_maxrss / 1024),
        }
        status = self.status if self.status is not None else 0
        if os.WIFSIGNALED(status):
            number = os.WTERMSIG(status)
            message["signal"] = number
            if not reason and number == program.MEMORY_SIGNAL:
                reason = "memory"
            if not reason and number in (signal.SIGKILL, signal.SIGXCPU) and cpu_s >= self.limits["cpu_s"]:
                reason = "timeout"  # the kernel's own CPU limit was faster
        else:
            message["exit"] = os.WEXITSTATUS(status)
        message["reason"] = reason
        return message

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
                if self._reap():
                    return ""
                reason = self._passed_limit()
                if reason:
                    return reason
        finally:
            os.close(handle)

    def _word_of_host(self) -> str:
        try:
            word = self.host.recv(64)
        except OSError:
            word = b""
        return word.decode("ascii", "replace") or "cancelled"

    def _reap(self) -> bool:
        """Waits for what has ended, orphans too; True where the program's first process is among them."""
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == self.pid:
                    self.status = status
                if pid == 0:
                    break
        return self.status is not None

    def _passed_limit(self) -> str:
        wall_s = self.limits["wall_s"]
        if wall_s is not None and time.monotonic() - self.started > wall_s:
            return "timeout"
        processes = self.usage.processes()
        reaped = resource.getrusage(resource.RUSAGE_CHILDREN)
        cpu_s = reaped.ru_utime + reaped.ru_stime + sum(self.usage.cpu_s(process) for process in processes)
        if cpu_s > self.limits["cpu_s"]:
            return "timeout"
        limit = self.limits["memory_mb"] + self.limits["baseline_mb"]
        resident = sum(self.usage.resident_mb(process) for process in processes)
        if len(processes) > 1 and resident > limit:
            resident = sum(self.usage.share_mb(process) for process in processes)
        self.peak_mb = max(self.peak_mb, resident)
        return "memory" if resident > limit else ""

    def _kill_all(self) -> None:
        """No process of the box outlives this, and every one's usage has been counted."""
        while True:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
            try:
                pid, status = os.waitpid(-1, 0)
            except ChildProcessError:
                return
            if pid == self.pid:
                self.status = status

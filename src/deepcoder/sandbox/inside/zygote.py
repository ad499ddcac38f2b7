"""The worker's loop: a fresh box for every request, and an eye on each until it is dead.

A box is made of two processes. Process 1 of its namespaces is a task that only waits in pause(2);
it shares the worker's memory, so that it costs no copy, and the kernel takes the whole box down
with it. The program's process is a fork of the worker that joins those namespaces; being no
process 1, signals and exit codes mean there what they mean anywhere.

The worker never reads a program or a result: code goes from the host to the box through a
descriptor that the worker only hands on, so nothing of one run is ever in the memory that the next
one is copied from.
"""

from __future__ import annotations

import ctypes
import functools
import os
import random
import select
import signal
import socket
import sys
import threading
import time
from dataclasses import dataclass

from . import keeper, linux, program, seccomp
from .identity import INSIDE_ID
from .request import HANDLES, Request

BOX_NAMESPACES = linux.CLONE_NEWUSER | linux.CLONE_NEWNS | linux.CLONE_NEWPID | linux.CLONE_NEWIPC | linux.CLONE_NEWUTS
STACK_BYTES = 16_384
TICK_S = 0.02


@dataclass(slots=True)
class Entry:
    """A box and its process 1 (`first`: process id, `handle`: pidfd, `stack`: what it runs on)."""

    box: keeper.Box
    first: int
    handle: int
    stack: ctypes.Array[ctypes.c_char]
    processes: keeper.Processes | None = None

    def check(self, proc: int) -> None:
        """The box's limits; most runs are over before their first check."""
        self.box.check(self._processes(proc))

    def on_host(self, proc: int) -> bool:
        """See keeper.Box."""
        return self.box.on_host(self._processes(proc))

    def _processes(self, proc: int) -> keeper.Processes:
        if self.processes is None:
            self.processes = keeper.Processes(proc, self.box.handle, self.handle)
        return self.processes

    def finish(self) -> None:
        """Process 1 is dead, so all are."""
        _, _, used = os.wait4(self.first, 0)
        self.box.finish(used.ru_utime + used.ru_stime)
        os.close(self.handle)


class Worker:
    """Serves requests until the host's end of the socket closes."""

    def __init__(self, host: socket.socket, proc: int) -> None:
        self.host, self.proc = host, proc
        self.filter = seccomp.build()
        self.baseline = program.address_space(proc)
        self.poll = select.poll()
        self.poll.register(host.fileno(), select.POLLIN)
        self.entries: dict[int, Entry] = {}  # by each descriptor that is polled for it
        self.spare_stacks: list[ctypes.Array[ctypes.c_char]] = []
        self.next_check = 0.0
        self.own_handle = os.pidfd_open(os.getpid())

    def serve(self) -> None:
        """One message a run: a Request with its descriptors."""
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for name in [name for name in sys.modules if name.partition(".")[0] == "inside"]:
            del sys.modules[name]
        while True:
            ready = [handle for handle, _ in self.poll.poll(TICK_S * 1000 if self.entries else None)]
            for handle in ready:
                if handle in self.entries:  # not forgotten by an event before this one
                    self._on_event(handle, self.entries[handle])
            if self.host.fileno() in ready:  # last: it reuses the numbers of descriptors that were just closed
                self._accept()
            if self.entries and time.monotonic() >= self.next_check:
                for handle, entry in list(self.entries.items()):
                    if handle == entry.handle:
                        entry.check(self.proc)
                self.next_check = time.monotonic() + TICK_S

    def _accept(self) -> None:
        line, descriptors, _, _ = socket.recv_fds(self.host, 4096, len(HANDLES))
        if not line:
            os._exit(0)
        report = socket.socket(fileno=descriptors[0])
        try:
            self._start(Request.decode(line), report, dict(zip(HANDLES[1:], descriptors[1:], strict=False)))
        except OSError as error:
            keeper.report_failure(report, error)
            report.close()
        finally:
            for descriptor in descriptors[1:]:
                os.close(descriptor)

    def _start(self, request: Request, report: socket.socket, handles: dict[str, int]) -> None:
        stack = self.spare_stacks.pop() if self.spare_stacks else ctypes.create_string_buffer(STACK_BYTES)
        first = linux.start_pausing_task(BOX_NAMESPACES, stack)
        try:
            namespaces = os.pidfd_open(first)
            linux.setns(namespaces, linux.CLONE_NEWPID)
            pid = linux.fork()
            if pid == 0:
                self._become_program(request, report, handles, namespaces)
            linux.setns(self.own_handle, linux.CLONE_NEWPID)  # the next box's process 1 is a child of here again
        except OSError:
            os.kill(first, signal.SIGKILL)
            os.waitpid(first, 0)
            raise
        if not self.entries:
            self.next_check = time.monotonic() + TICK_S
        box = keeper.Box(request, report, pid, functools.partial(os.kill, first, signal.SIGKILL), self.baseline)
        entry = Entry(box, first, namespaces, stack)
        for handle in (report.fileno(), box.handle, namespaces):
            self.entries[handle] = entry
            self.poll.register(handle, select.POLLIN)

    def _on_event(self, handle: int, entry: Entry) -> None:
        if handle == entry.handle:
            for polled in [polled for polled, owner in self.entries.items() if owner is entry]:
                self._forget(polled)
            entry.finish()
            self.spare_stacks.append(entry.stack)
        elif handle == entry.box.handle:
            self._forget(handle)
            entry.box.on_program_end()
        elif entry.on_host(self.proc):
            self._forget(handle)

    def _forget(self, handle: int) -> None:
        del self.entries[handle]
        self.poll.unregister(handle)

    def _become_program(
        self, request: Request, report: socket.socket, handles: dict[str, int], namespaces: int
    ) -> None:
        """Joins the box, gives up every right, runs the program; never returns."""
        try:
            linux.setns(namespaces, BOX_NAMESPACES & ~linux.CLONE_NEWPID)
            for path, text in (
                ("self/uid_map", f"{INSIDE_ID} {INSIDE_ID} 1\n"),
                ("self/setgroups", "deny"),
                ("self/gid_map", f"{INSIDE_ID} {INSIDE_ID} 1\n"),
            ):
                linux.write_file(path, text, self.proc)
            options = f"size={request.disk_mb}m,nr_inodes={request.inodes},mode=0700,uid={INSIDE_ID},gid={INSIDE_ID}"
            linux.mount("none", "/tmp", "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, options)
            linux.call("sethostname", b"sandbox", 7)
            linux.keep_capabilities(0)
            linux.install_seccomp(self.filter)
            program.confine(request, handles, self.baseline)
        except BaseException as error:
            keeper.report_failure(report, error)
            os._exit(3)
        random.seed()
        threading.main_thread()._set_native_id()  # type: ignore[attr-defined]
        program.run("channel" in handles)

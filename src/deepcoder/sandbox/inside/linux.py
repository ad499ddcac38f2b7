"""The few Linux system calls that Python 3.11 does not wrap, through ctypes; errors become OSError."""

from __future__ import annotations

import ctypes
import os
import platform
from typing import Any

from . import syscalls

NUMBERS = syscalls.numbers()

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
CLONE_VM = 0x00000100
CLONE_FILES = 0x00000400
CLONE_CHILD_CLEARTID = 0x00200000
CLONE_CHILD_SETTID = 0x01000000
SIGCHLD = 17

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
MNT_DETACH = 2

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38
PR_GET_TID_ADDRESS = 40

# Every call goes through PyDLL: the GIL stays held, so that a cloned child finds it held as well.
_libc = ctypes.PyDLL(None, use_errno=True)
_syscall = _libc.syscall
_syscall.restype = ctypes.c_long


def call(name: str, *arguments: Any) -> int:
    """`syscall(name, ...)`; int arguments are passed as 64-bit values. OSError names the call."""
    number = NUMBERS.get(name)
    if number is None:
        raise OSError(38, f"{name}: no such system call on this architecture")
    wide = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result: int = _syscall(ctypes.c_long(number), *wide)
    if result == -1:
        code = ctypes.get_errno()
        raise OSError(code, f"{name}: {os.strerror(code)}")
    return result


def prctl(option: int, value: int = 0) -> int:
    """`prctl(option, value, 0, 0, 0)`."""
    return call("prctl", option, value, 0, 0, 0)


def mount(source: str | None, target: str, kind: str | None, flags: int = 0, options: str = "") -> None:
    """mount(2)."""
    call(
        "mount",
        source.encode() if source is not None else None,
        target.encode(),
        kind.encode() if kind is not None else None,
        flags,
        options.encode() or None,
    )


def setns(pidfd: int, flags: int) -> None:
    """setns(2): joins the namespaces `flags` of a process."""
    call("setns", pidfd, flags)


def clone(flags: int) -> int:
    """fork(2) with clone flags: 0 in the child, the child's process id in the parent.

    Only for a process with one thread: the after-fork steps of Python and glibc are left out (they mend
    what other threads held). Each would write to memory, and each page written is a page copied.
    """
    return call("clone", flags | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, 0, 0, *_CHILD_TID)


def fork() -> int:
    """`clone` without new namespaces."""
    return clone(0)


def _thread_id_address() -> tuple[int, int]:
    """Where glibc keeps this thread's id, for the kernel to update in a child; in the order of clone's arguments."""
    address = ctypes.c_void_p()
    call("prctl", PR_GET_TID_ADDRESS, ctypes.byref(address), 0, 0, 0)
    return (address.value or 0, 0) if platform.machine() == "x86_64" else (0, address.value or 0)


_CHILD_TID = _thread_id_address()
_PAUSE = ctypes.cast(_libc.pause, ctypes.c_void_p)


def start_pausing_task(flags: int, stack: ctypes.Array[ctypes.c_char]) -> int:
    """A task in new namespaces that waits in pause(2) until it is killed; its process id.

    It shares this process's memory and descriptors and runs on `stack`, which must outlive it.
    """
    top = (ctypes.addressof(stack) + ctypes.sizeof(stack)) & ~15
    pid: int = _libc.clone(_PAUSE, ctypes.c_void_p(top), flags | CLONE_VM | CLONE_FILES | SIGCHLD, None)
    if pid == -1:
        code = ctypes.get_errno()
        raise OSError(code, f"clone: {os.strerror(code)}")
    return pid


def write_file(path: str, text: str, directory: int | None = None) -> None:
    """One write(2) of `text` to an existing file; `path` may be relative to the descriptor `directory`."""
    handle = os.open(path, os.O_WRONLY, dir_fd=directory)
    try:
        os.write(handle, text.encode())
    finally:
        os.close(handle)


class _CapHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _CapData(ctypes.Structure):
    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]


CAP_SYS_ADMIN = 21
_CAPABILITY_VERSION_3 = 0x20080522


def keep_capabilities(mask: int) -> None:
    """Keeps the capabilities of `mask` (of the first 32) and no other; exec can never bring any back."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    data = (_CapData * 2)(_CapData(mask, mask, 0))
    call("capset", ctypes.byref(_CapHeader(_CAPABILITY_VERSION_3, 0)), data)


class _MountAttributes(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("set", "clear", "propagation", "userns")]


MOUNT_RDONLY, MOUNT_NOSUID, MOUNT_NODEV = 1, 2, 4


def protect_mount(path: str, attributes: int, *, recursive: bool = True) -> None:
    """mount_setattr(2): adds MOUNT_RDONLY, MOUNT_NOSUID, ... to the mount at `path` and those below it."""
    change = _MountAttributes(attributes, 0, 0, 0)
    call("mount_setattr", -100, path.encode(), 0x8000 if recursive else 0, ctypes.byref(change), ctypes.sizeof(change))


class _Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("instructions", ctypes.c_void_p)]


def install_seccomp(program: bytes) -> None:
    """Installs a compiled filter (8 bytes an instruction) for this process and its children, for good."""
    buffer = ctypes.create_string_buffer(program, len(program))
    prog = _Filter(len(program) // 8, ctypes.addressof(buffer))
    call("seccomp", 1, 0, ctypes.byref(prog))

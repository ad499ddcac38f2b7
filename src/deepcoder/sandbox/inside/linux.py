"""The few Linux system calls that Python 3.11 does not wrap, through ctypes; errors become OSError."""

from __future__ import annotations

import ctypes
import os
from typing import Any

from . import syscalls

NUMBERS = syscalls.numbers()

CLONE_NEWNS = 0x00020000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000
SIGCHLD = 17

MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC = 1, 2, 4, 8
MS_REMOUNT, MS_BIND, MS_REC, MS_PRIVATE = 32, 4096, 16384, 1 << 18
MNT_DETACH = 2

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_CHILD_SUBREAPER = 36
PR_SET_NO_NEW_PRIVS = 38

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


def unshare(flags: int) -> None:
    """unshare(2)."""
    call("unshare", flags)


def clone(flags: int) -> int:
    """fork(2) with clone flags: 0 in the child, the child's process id in the parent.

    Only for a process with one thread: Python's after-fork steps are left out (they mend what other
    threads held). glibc still believes in the parent's thread id in the child, which must therefore
    os.fork() before anything calls raise() or abort().
    """
    return call("clone", flags | SIGCHLD, 0, 0, 0, 0)


class _CapHeader(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _CapData(ctypes.Structure):
    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]


_NO_CAPABILITIES = (_CapData * 2)()
_CAPABILITY_VERSION_3 = 0x20080522


def drop_capabilities() -> None:
    """Empties the effective, permitted and inheritable sets; no_new_privs keeps exec from refilling them."""
    prctl(PR_SET_NO_NEW_PRIVS, 1)
    call("capset", ctypes.byref(_CapHeader(_CAPABILITY_VERSION_3, 0)), _NO_CAPABILITIES)


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

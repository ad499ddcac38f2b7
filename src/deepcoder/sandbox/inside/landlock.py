"""Landlock: this process and its children may read and execute below some paths, and write nowhere.

Landlock does not hide names: stat, chdir and readlink still work on every path. That is one reason
why the tier that has nothing but it is called weaker.
"""

# Names for the kernel; pathlib is not loaded here.
# ruff: noqa: PTH112, PTH120, PTH208

from __future__ import annotations

import ctypes
import os

from . import filesystem, linux

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1, 2, 4, 8
# Bits of the rights that each ABI version knows: 13 at first, then REFER, TRUNCATE, IOCTL_DEV.
RIGHTS_BY_ABI = {1: 13, 2: 14, 3: 15, 4: 15}
LATEST_RIGHTS = 16
NET_BIND_AND_CONNECT = 3  # from ABI 4
SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS = 3  # from ABI 6
DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")


class _Ruleset(ctypes.Structure):
    _fields_ = [(name, ctypes.c_uint64) for name in ("fs", "net", "scoped")]


class _BelowPath(ctypes.Structure):
    _pack_ = 1
    _fields_ = [("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32)]


def version() -> int:
    """The kernel's Landlock ABI; OSError where there is none."""
    return linux.call("landlock_create_ruleset", None, 0, 1)


def restrict(readable: list[str]) -> None:
    """For good. OSError where the kernel has no Landlock."""
    abi = version()
    handled = (1 << RIGHTS_BY_ABI.get(abi, LATEST_RIGHTS)) - 1
    rules = _Ruleset(handled, NET_BIND_AND_CONNECT if abi >= 4 else 0, SCOPE_ABSTRACT_SOCKETS_AND_SIGNALS)
    size = 24 if abi >= 6 else 16 if abi >= 4 else 8
    ruleset = linux.call("landlock_create_ruleset", ctypes.byref(rules), size, 0)
    for path in _without_hidden(readable):
        _allow(ruleset, path, EXECUTE | READ_FILE | (READ_DIR if os.path.isdir(path) else 0))
    for path in DEVICES:
        _allow(ruleset, path, READ_FILE | WRITE_FILE)
    linux.prctl(linux.PR_SET_NO_NEW_PRIVS, 1)
    linux.call("landlock_restrict_self", ruleset, 0)
    os.close(ruleset)


def _without_hidden(readable: list[str]) -> list[str]:
    """Landlock cannot take a subfolder back: a folder with a hidden one in it becomes its other entries."""
    hidden = filesystem.hidden_paths(readable)
    parents = {os.path.dirname(path) for path in hidden}
    entries = [f"{folder}/{name}" for folder in parents for name in os.listdir(folder)]
    return [path for path in [*(set(readable) - parents), *entries] if path not in hidden]


def _allow(ruleset: int, path: str, rights: int) -> None:
    handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
    rule = _BelowPath(rights, handle)
    linux.call("landlock_add_rule", ruleset, 1, ctypes.byref(rule), 0)
    os.close(handle)

"""`python ordinary_user.py COMMAND...` as root: runs the command as uid 1000.

An interpreter in root's own home stays usable: in a mount namespace of this process alone, folders
on its path that others may not enter are covered by ones that they may.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from deepcoder.sandbox.inside import linux

UID = 1000


def closed_ancestor(path: Path) -> Path | None:
    """The topmost folder above `path` that others may not enter."""
    return next((folder for folder in reversed(path.parents) if not folder.stat().st_mode & 0o001), None)


def main() -> None:
    """Makes the interpreter reachable, gives up root, runs the command."""
    prefix = Path(sys.base_prefix)
    closed = closed_ancestor(prefix)
    linux.call("unshare", linux.CLONE_NEWNS)
    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
    if closed is not None:
        handle = os.open(prefix, os.O_PATH)
        linux.mount("none", str(closed), "tmpfs", 0, "mode=0755")
        prefix.mkdir(parents=True, mode=0o755)
        linux.mount(f"/proc/self/fd/{handle}", str(prefix), None, linux.MS_BIND | linux.MS_REC)
        os.close(handle)
    os.setgroups([])
    os.setresgid(UID, UID, UID)
    os.setresuid(UID, UID, UID)
    os.environ.update(HOME="/", USER="ordinary")
    os.execv(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()

"""The root that a worker's boxes see: read-only, made once a worker, with nothing of the user in it.

    /usr/lib, /lib, ...   system libraries            /dev   null zero full random urandom
    <prefix>/lib/...      the interpreter's library   /etc   a passwd and a group file of our own
    /packages/NAME        packages that the config allows
    /tmp                  empty here; every box mounts a tmpfs of its own on it

There is no /proc, no /sys, no /home, no /run. Everything is nosuid and read-only.
"""

# Names for the kernel, often relative to a descriptor; pathlib is not loaded in a worker.
# ruff: noqa: PTH102, PTH103, PTH110, PTH112, PTH114, PTH115, PTH120, PTH211

from __future__ import annotations

import os
import sys

from . import linux

LIBRARIES = ("/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib")
DATA = ("/usr/share/zoneinfo",)
DEVICES = ("null", "zero", "full", "random", "urandom")
ETC = {
    "passwd": "sandbox:x:1000:1000:sandbox:/tmp:/nonexistent\n",
    "group": "sandbox:x:1000:\n",
}
PACKAGES = "/packages"


def visible_paths() -> list[str]:
    """Host paths that the interpreter and its extension modules need, parents before children."""
    executable = os.path.realpath(sys.executable)
    wanted = {executable, os.path.dirname(os.path.realpath(os.__file__)), os.path.dirname(os.__file__)}
    wanted.update(path for path in sys.path if path and os.path.isdir(path) and path.startswith(sys.base_prefix))
    with open("/proc/self/maps") as maps:
        mapped = {line.split(None, 5)[5].strip() for line in maps if line.rstrip().endswith(".so") or ".so." in line}
    wanted.update(mapped)
    wanted.update(path for path in (*LIBRARIES, *DATA) if os.path.exists(path))
    wanted = {path for path in wanted if os.path.exists(path)}
    return sorted(path for path in wanted if not any(_below(path, other) for other in wanted))


def _below(path: str, folder: str) -> bool:
    return path != folder and os.path.isdir(folder) and not os.path.islink(folder) and path.startswith(folder + "/")


def build(packages: dict[str, str]) -> None:
    """Makes the root in this mount namespace and pivots into it. `packages`: name -> host path."""
    sources = [(path, path) for path in visible_paths()]
    sources += [(path, f"{PACKAGES}/{name}") for name, path in packages.items()]
    opened = [
        (os.open(source, os.O_PATH), os.path.isdir(source), target) for source, target in sources if not is_link(source)
    ]
    devices = [(os.open(f"/dev/{name}", os.O_PATH), name) for name in DEVICES]
    links = [(path, os.readlink(path)) for path, _ in sources if is_link(path)]
    hidden = hidden_paths([source for source, _ in sources])

    linux.mount(None, "/", None, linux.MS_REC | linux.MS_PRIVATE)
    root = next(folder for folder in ("/tmp", "/mnt", "/var") if os.path.isdir(folder))
    linux.mount("none", root, "tmpfs", linux.MS_NOSUID, "mode=0755,size=1m,nr_inodes=4096")
    for folder in ("tmp", "dev", "etc", PACKAGES.strip("/")):
        os.mkdir(f"{root}/{folder}", 0o755)
    for name, text in ETC.items():
        _write(f"{root}/etc/{name}", text)
    for handle, name in devices:
        _write(f"{root}/dev/{name}", "")
        linux.mount(f"/proc/self/fd/{handle}", f"{root}/dev/{name}", None, linux.MS_BIND)
    os.symlink("/tmp", f"{root}/dev/shm")
    for handle, is_folder, target in opened:
        _bind(handle, is_folder, root + target)
    for path, destination in links:
        os.makedirs(os.path.dirname(root + path), exist_ok=True)
        os.symlink(destination, root + path)
    for path in hidden:
        linux.mount("none", root + path, "tmpfs", linux.MS_NOSUID | linux.MS_RDONLY, "mode=0755,size=4k")
    for handle in [*(item[0] for item in opened), *(item[0] for item in devices)]:
        os.close(handle)
    linux.protect_mount(root, linux.MOUNT_RDONLY | linux.MOUNT_NOSUID)
    _pivot(root)


def hidden_paths(shown: list[str]) -> list[str]:
    """Folders below shown ones that are none of a program's business: what the user installed."""
    return [path for path in (f"{folder}/site-packages" for folder in shown) if os.path.isdir(path)]


def is_link(path: str) -> bool:
    """True for /lib and its kind where they only point into /usr."""
    return path in LIBRARIES and os.path.islink(path)


def _bind(handle: int, is_folder: bool, target: str) -> None:
    os.makedirs(target if is_folder else os.path.dirname(target), mode=0o755, exist_ok=True)
    if not is_folder:
        _write(target, "")
    linux.mount(f"/proc/self/fd/{handle}", target, None, linux.MS_BIND | linux.MS_REC)
    linux.protect_mount(target, linux.MOUNT_RDONLY | linux.MOUNT_NOSUID | linux.MOUNT_NODEV)


def _write(path: str, text: str) -> None:
    with open(path, "w") as file:
        file.write(text)


def _pivot(root: str) -> None:
    """The tmpfs becomes the root and the old root goes, with everything below it."""
    os.chdir(root)
    linux.call("pivot_root", b".", b".")
    linux.call("umount2", b".", linux.MNT_DETACH)
    os.chdir("/")

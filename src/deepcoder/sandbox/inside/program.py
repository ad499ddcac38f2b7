"""The untrusted program's own process: the last steps of confinement, then its code as `__main__`.

Everything in this process belongs to the program once its code runs: it can patch all of Python.
So nothing here decides a result; the worker (`keeper`) does, from the exit status that the kernel
reports. The one thing said from here is that an uncaught MemoryError ended the program, by
MEMORY_SIGNAL; a program that sends it to itself misreports only itself.
"""

from __future__ import annotations

import atexit
import builtins
import fcntl
import gc
import io
import linecache
import os
import resource
import signal
import sys
import threading
import traceback
import types
from os import _exit
from os import getpid as _getpid
from os import kill as _kill  # bound here: the program can patch os

from . import linux
from .request import MB, Request

MEMORY_SIGNAL = signal.SIGRTMIN + 9
CHANNEL = 3  # the descriptor of deepcoder_channel
FILE = "main.py"
ENVIRONMENT = {"HOME": "/tmp", "TMPDIR": "/tmp", "LANG": "C.UTF-8", "PATH": "/usr/bin:/bin", "PYTHONHASHSEED": "0"}


def address_space(proc: int) -> int:
    """Bytes of address space of this process, from the /proc behind the descriptor `proc`."""
    handle = os.open("self/statm", os.O_RDONLY, dir_fd=proc)
    try:
        return resource.getpagesize() * int(os.read(handle, 64).split()[0])
    finally:
        os.close(handle)


def confine(request: Request, handles: dict[str, int], baseline: int, *, own_user: bool = True) -> None:
    """Descriptors, session and rlimits of the program. `baseline`: address space of the bare interpreter, bytes.

    `own_user`: a user namespace of its own counts its processes; elsewhere the limit would count the user's.
    """
    os.setsid()
    # duplicates far above 0 to 4 first, so that no dup2 overwrites one that is still needed
    high = {name: fcntl.fcntl(handle, fcntl.F_DUPFD_CLOEXEC, 64) for name, handle in handles.items()}
    null = os.open("/dev/null", os.O_RDONLY)
    for source, target in ((null, 0), (high["stdout"], 1), (high["stderr"], 2)):
        os.dup2(source, target)
    first_unused = CHANNEL
    if "channel" in high:
        os.dup2(high["channel"], CHANNEL, inheritable=False)
        first_unused = CHANNEL + 1
    os.dup2(high["code"], first_unused, inheritable=False)
    os.closerange(first_unused + 1, 2**31 - 1)
    for kind, value in (
        (resource.RLIMIT_AS, baseline + request.memory_mb * MB),
        (resource.RLIMIT_FSIZE, request.disk_mb * MB),
        (resource.RLIMIT_CPU, int(request.cpu_s) + 2),  # a backstop: the keeper counts finer
        (resource.RLIMIT_NOFILE, 128),
        (resource.RLIMIT_CORE, 1),  # 1 and not 0: 0 still starts a piped core handler, as root, outside
        (resource.RLIMIT_STACK, 8 * MB),
        (resource.RLIMIT_MEMLOCK, 0),
        (resource.RLIMIT_MSGQUEUE, 0),
        (resource.RLIMIT_SIGPENDING, 256),
    ):
        resource.setrlimit(kind, (value, value))
    if own_user:
        allowed = request.processes + 1  # and process 1
        resource.setrlimit(resource.RLIMIT_NPROC, (allowed, allowed))


def run(has_channel: bool, folder: str = "/tmp") -> None:
    """Runs the code behind the first descriptor after the program's own; never returns."""
    code_handle = CHANNEL + (1 if has_channel else 0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    linux.prctl(linux.PR_SET_DUMPABLE, 1)
    main = types.ModuleType("__main__")
    main.__dict__.update(__builtins__=builtins, __file__=FILE, __loader__=None)
    sys.modules["__main__"] = main
    sys.argv[:] = [FILE]
    os.environ.clear()
    os.environ.update(ENVIRONMENT)
    os.chdir(folder)
    if has_channel:
        _install_channel()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    gc.enable()
    exit_code = _execute(code_handle, main)
    exit_code = _shut_down(exit_code)
    if exit_code is None:
        _kill(_getpid(), MEMORY_SIGNAL)
        exit_code = 1
    _exit(exit_code & 0xFF)


def _execute(code_handle: int, main: types.ModuleType) -> int | None:
    """The exit code; None where an uncaught MemoryError ended the program."""
    try:
        code = _compile(code_handle)
    except BaseException as error:  # also RecursionError and MemoryError of the parser: the program's fault
        _show(error.with_traceback(None))
        return None if isinstance(error, MemoryError) and _is_full() else 1
    try:
        exec(code, main.__dict__)
    except SystemExit as error:
        return _exit_code(error)
    except MemoryError as error:
        _show(error)
        return None
    except BaseException as error:
        _show(error)
        return 1
    return 0


def _compile(handle: int) -> types.CodeType:
    with open(handle, "rb") as file:
        source = file.read().decode("utf-8", "surrogatepass")
    linecache.cache[FILE] = (len(source), None, source.splitlines(keepends=True), FILE)
    return compile(source, FILE, "exec", dont_inherit=True)


def _is_full() -> bool:
    """True where the process really is near its memory limit: the parser says MemoryError of depth, too."""
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 > limit // 4


def _exit_code(error: SystemExit) -> int:
    """As CPython reads sys.exit's argument."""
    if error.code is None:
        return 0
    if isinstance(error.code, int):
        return error.code
    try:
        sys.stderr.write(f"{error.code}\n")
    except BaseException:
        return 1
    return 1


def _show(error: BaseException) -> None:
    """The traceback from the program's own frames on, through sys.excepthook where the program set one."""
    try:
        own = error.__traceback__.tb_next if error.__traceback__ is not None else None
        if sys.excepthook is not sys.__excepthook__:
            sys.excepthook(type(error), error, own)
        else:
            traceback.print_exception(type(error), error, own)
    except BaseException:
        try:
            sys.stderr.write(f"{type(error).__name__} (its traceback could not be shown)\n")
        except BaseException:
            return


def _shut_down(exit_code: int | None) -> int | None:
    """What the interpreter does at its end, without tearing the modules down."""
    try:
        threading._shutdown()  # type: ignore[attr-defined]
        atexit._run_exitfuncs()
    except BaseException as error:
        _show(error)
    for stream in (sys.stdout, sys.stderr):
        try:
            if stream is not None and not stream.closed:
                stream.flush()
        except BaseException:
            exit_code = exit_code or 120  # as CPython
    return exit_code


def _install_channel() -> None:
    """`import deepcoder_channel` inside the program: send(bytes), receive() -> bytes | None."""
    module = types.ModuleType("deepcoder_channel", "A framed, ordered channel to the host: send(bytes), receive().")
    stream = io.FileIO(CHANNEL, "r+")

    def send(data: bytes) -> None:
        """Sends one frame; blocks while the host is behind."""
        frame = memoryview(len(data).to_bytes(4, "big") + bytes(data))
        while frame:
            frame = frame[stream.write(frame) :]

    def read(size: int) -> bytes | None:
        parts = bytearray()
        while len(parts) < size:
            part = stream.read(size - len(parts))
            if not part:
                return None
            parts += part
        return bytes(parts)

    def receive() -> bytes | None:
        """The next frame; None when the host has closed the channel."""
        header = read(4)
        return None if header is None else read(int.from_bytes(header, "big"))

    module.__dict__.update(send=send, receive=receive)
    sys.modules["deepcoder_channel"] = module

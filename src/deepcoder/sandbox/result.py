"""What a run may use and what came of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from deepcoder.config import SandboxConfig
from deepcoder.errors import DeepCoderError


class Status(StrEnum):
    """How a program ended; never one for another.

    OK            by itself, exit code 0
    ERROR         by itself, another exit code (an uncaught exception, sys.exit(1))
    TIMEOUT       its CPU or wall time was up
    MEMORY        an allocation was refused and nobody caught it, or all its processes together passed the limit
    OUTPUT_LIMIT  it wrote more than allowed; what fits is kept
    KILLED        by a signal that was not one of these limits (a crash, a forbidden kind of system call, itself)
    SANDBOX_ERROR not the program's doing: the sandbox could not run it, or its worker died
    """

    OK = "ok"
    ERROR = "error"
    TIMEOUT = "timeout"
    MEMORY = "memory"
    OUTPUT_LIMIT = "output_limit"
    KILLED = "killed"
    SANDBOX_ERROR = "sandbox_error"


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one run, all its processes together.

    `cpu_s`, `wall_s` in seconds; `memory_mb` MiB beyond the bare interpreter; `output_bytes` of stdout and
    stderr each; `processes` counts threads too; `disk_mb` MiB in /tmp.
    """

    cpu_s: float = 10.0
    wall_s: float = 20.0
    memory_mb: int = 512
    output_bytes: int = 64_000
    processes: int = 16
    disk_mb: int = 32

    @classmethod
    def from_config(cls, config: SandboxConfig) -> Limits:
        """The limits that the config names."""
        return cls(
            cpu_s=config.cpu_s,
            wall_s=config.wall_s,
            memory_mb=config.memory_mb,
            output_bytes=config.output_bytes,
            processes=config.processes,
            disk_mb=config.disk_mb,
        )


@dataclass(frozen=True, slots=True)
class RunResult:
    """`stdout` and `stderr`: UTF-8, undecodable bytes replaced, cut at the limit with a mark.

    `cpu_s` and `peak_mb` cover every process of the run, `wall_s` counts from its first one's start
    (in a session without the time it waited for the host). `detail` is for people: the signal or the failed step.
    """

    status: Status
    stdout: str = ""
    stderr: str = ""
    cpu_s: float = 0.0
    wall_s: float = 0.0
    peak_mb: float = 0.0
    exit_code: int | None = None
    detail: str = ""

    @property
    def ok(self) -> bool:
        """True for Status.OK."""
        return self.status is Status.OK


class SessionEnded(DeepCoderError):
    """The program of a session is over; `result` says how."""

    def __init__(self, result: RunResult) -> None:
        super().__init__(
            f"the sandboxed program has ended: {result.status}" + (f" ({result.detail})" if result.detail else "")
        )
        self.result = result

"""`deepcoder sandbox run FILE.py --json`: one file, one result."""

from __future__ import annotations

import asyncio
from pathlib import Path

from deepcoder.config import SandboxConfig
from deepcoder.errors import ProblemError
from deepcoder.sandbox.pool import open_sandbox


def run_file(path: Path, config: SandboxConfig) -> dict[str, str | float]:
    """Runs a Python file in the sandbox: status, stdout, stderr, cpu_s, wall_s, peak_mb.

    ProblemError where the file cannot be read; SandboxUnavailable where the machine cannot isolate.
    The file is read as UTF-8; bytes that are not valid reach the program as lone surrogates, which
    Python refuses to compile: status `error`.
    """
    try:
        code = path.read_bytes().decode("utf-8", "surrogateescape")
    except OSError as error:
        raise ProblemError(f"cannot read {path}: {error.strerror}") from None
    return asyncio.run(_run(code, config))


async def _run(code: str, config: SandboxConfig) -> dict[str, str | float]:
    async with open_sandbox(config.model_copy(update={"workers": 1})) as box:
        result = await box.run(code)
    return {
        "status": str(result.status),
        "stdout": result.stdout,
        "stderr": result.stderr,
        "cpu_s": round(result.cpu_s, 6),
        "wall_s": round(result.wall_s, 6),
        "peak_mb": round(result.peak_mb, 3),
    }

"""Benchmark files on the user's machine: `deepcoder benchmarks fetch NAME`.

Every address names one revision, so that its bytes do not change, and every file is checked against the sha256
that stands here, if one does. A hash stands here only where the file was at hand when the table was made; for the
others the hash of what came is printed, and kept beside the file, so that later downloads are held to it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from deepcoder.errors import ConfigError, ProblemError
from deepcoder.runs import write_atomic

TIMEOUT_S = 60.0
MAX_BYTES = 200_000_000


@dataclass(frozen=True)
class Download:
    """`benchmark`: what `deepcoder evaluate --benchmark` calls it. `sha256`: of the file as served; None: not known."""

    benchmark: str
    file: str
    url: str
    licence: str
    sha256: str | None = None


_GITHUB = "https://raw.githubusercontent.com"
_RELEASES = "https://github.com/evalplus"
DOWNLOADS = {
    "humaneval": Download(
        "humaneval", "HumanEval.jsonl.gz",
        f"{_GITHUB}/openai/human-eval/6d43fb980f9fee3c892a914eda09951f772ad10d/data/HumanEval.jsonl.gz", "MIT",
        "b796127e635a67f93fb35c04f4cb03cf06f38c8072ee7cee8833d7bee06979ef",
    ),
    "mbpp": Download(
        "mbpp", "mbpp.jsonl",
        f"{_GITHUB}/google-research/google-research/2251e8c67a7fe7d6348714967ee101080b28e956/mbpp/mbpp.jsonl",
        "CC-BY-4.0",
    ),
    "mbpp-sanitized": Download(
        "mbpp", "sanitized-mbpp.json",
        f"{_GITHUB}/google-research/google-research/30adf0ec5f35f9609c2f1d896005e184195d9146/mbpp/sanitized-mbpp.json",
        "CC-BY-4.0",
        "ca95deaa9a01ef0a6f439f88bcf0dd3db3563d22f22aad6cae04ebb9a8d8c8e9",
    ),
    "humaneval+": Download(
        "humaneval+", "HumanEvalPlus.jsonl.gz",
        f"{_RELEASES}/humanevalplus_release/releases/download/v0.1.10/HumanEvalPlus.jsonl.gz", "Apache-2.0",
    ),
    "humaneval+mini": Download(
        "humaneval+", "HumanEvalPlus-Mini.jsonl.gz",
        f"{_RELEASES}/humanevalplus_release/releases/download/v0.1.10/HumanEvalPlus-Mini.jsonl.gz", "Apache-2.0",
        "91486741f1627101021fbe50523df08eebb5b0bf5e804b633dcd5ca3c14dbd2f",
    ),
    "mbpp+": Download(
        "mbpp+", "MbppPlus.jsonl.gz",
        f"{_RELEASES}/mbppplus_release/releases/download/v0.2.0/MbppPlus.jsonl.gz", "Apache-2.0",
    ),
}  # fmt: skip


def fetch(name: str, folder: Path, console: Console, downloads: dict[str, Download] = DOWNLOADS) -> Path:
    """The benchmark's file in `folder`, downloaded unless it is there; its sha256 is checked either way.

    Raises ConfigError for an unknown name, ProblemError where the download fails or is another file.
    """
    if name not in downloads:
        raise ConfigError(f"there is no benchmark {name!r} to fetch", hint=f"known: {', '.join(downloads)}")
    wanted = downloads[name]
    path = folder / wanted.file
    data = path.read_bytes() if path.exists() else _download(wanted.url)
    pin = folder / f"{wanted.file}.sha256"
    expected = wanted.sha256 or (pin.read_text().split()[0] if pin.exists() else None)
    found = hashlib.sha256(data).hexdigest()
    if expected is not None and found != expected:
        place = path if path.exists() else wanted.url
        raise ProblemError(
            f"{place} has sha256 {found}, not {expected}",
            hint="the file was changed or cut short: fetch it anew elsewhere",
        )
    if not path.exists():
        write_atomic(path, data)
    if expected is None:
        write_atomic(pin, f"{found}  {wanted.file}\n")
        console.print(
            f"no hash of {wanted.file} is known beforehand; this one is {found}, kept in {pin}", soft_wrap=True
        )
    console.print(f"{path} ({len(data):,} bytes, {wanted.licence}), from {wanted.url}", soft_wrap=True, highlight=False)
    console.print(f"  deepcoder evaluate --benchmark {wanted.benchmark} --problems {path} ...", soft_wrap=True)
    return path


def _download(url: str) -> bytes:
    import httpx

    parts = bytearray()
    try:
        with httpx.stream("GET", url, follow_redirects=True, timeout=TIMEOUT_S) as answer:
            answer.raise_for_status()
            for part in answer.iter_bytes():
                parts += part
                if len(parts) > MAX_BYTES:
                    raise ProblemError(f"{url} is larger than {MAX_BYTES:,} bytes")
    except httpx.HTTPError as error:
        raise ProblemError(f"cannot download {url}: {error}", hint="fetch it by hand and give its path") from None
    return bytes(parts)

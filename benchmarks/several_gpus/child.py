"""A process in the background: watched, ended in time, nothing of it left behind."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[2]
SILENCE = 100.0  # seconds without a note after which a rank is asked for its stacks
GRACE = 5.0  # seconds between SIGTERM and SIGKILL


class Child:
    """`python -m COMMAND` from the repository's root, stopped after `seconds`; FOLDER/output.txt has what it prints."""

    def __init__(self, folder: Path, command: Sequence[object], seconds: float, environment: dict[str, str]) -> None:
        folder.mkdir(exist_ok=True)
        self.folder, self._ends = folder, time.monotonic() + seconds
        with (folder / "output.txt").open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *map(str, command)], cwd=ROOT, env=os.environ | environment,
                stdin=subprocess.DEVNULL, stdout=output, stderr=output, start_new_session=True,
            )  # fmt: skip

    def look(self) -> None:
        """Stop it where its time is over; ask each of its ranks that does not move where it stands."""
        if time.monotonic() > self._ends:
            self.stop()
        for notes in self.folder.glob("notes.*") if self.process.poll() is None else ():
            if time.time() - notes.stat().st_mtime > SILENCE:
                os.utime(notes)  # once a minute
                with contextlib.suppress(ProcessLookupError):
                    os.kill(_pid(notes), signal.SIGUSR1)

    def stop(self) -> None:
        """End it with all that it began."""
        if self.process.poll() is not None:
            return
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(GRACE)
        for group in (self.process.pid, *map(_pid, self.folder.glob("notes.*"))):  # torchrun: a group for each rank
            with contextlib.suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
        self.process.wait()


def _pid(notes: Path) -> int:
    return int(notes.name.split(".")[2])

"""Ctrl-C and SIGTERM ask training to stop after the step at hand."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any

from rich.console import Console

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


class StopRequest:
    """While entered, the first SIGINT or SIGTERM is noted; a second one acts as it always did.

    `received` is the signal, None before. Off the main thread, where Python allows no handlers, nothing
    is caught.
    """

    def __init__(self, console: Console) -> None:
        self.received: signal.Signals | None = None
        self._console = console
        self._previous: dict[signal.Signals, Any] = {}

    def __call__(self) -> bool:
        """True once a signal has come."""
        return self.received is not None

    def __enter__(self) -> StopRequest:
        if threading.current_thread() is threading.main_thread():
            self._previous = {number: signal.signal(number, self._note) for number in _SIGNALS}
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._restore()

    def raise_if_received(self) -> None:
        """KeyboardInterrupt after SIGINT, SystemExit(143) after SIGTERM: as without us, but saved."""
        if self.received is signal.SIGINT:
            raise KeyboardInterrupt
        if self.received is signal.SIGTERM:
            raise SystemExit(128 + signal.SIGTERM)

    def _note(self, number: int, frame: FrameType | None) -> None:
        self.received = signal.Signals(number)
        self._restore()
        self._console.print(f"{self.received.name}: finishing this step and saving; once more stops at once")

    def _restore(self) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        self._previous = {}

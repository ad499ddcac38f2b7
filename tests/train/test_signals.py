from __future__ import annotations

import io
import os
import signal
import threading

import pytest
from rich.console import Console

from deepcoder.train.signals import StopRequest


def quiet() -> Console:
    return Console(file=io.StringIO())


@pytest.mark.parametrize(("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, SystemExit)])
def test_the_first_signal_is_noted_and_raised_later(number: signal.Signals, error: type[BaseException]) -> None:
    with StopRequest(quiet()) as stop:
        assert not stop()
        stop.raise_if_received()
        os.kill(os.getpid(), number)
        assert stop()
    with pytest.raises(error):
        stop.raise_if_received()


def test_a_second_ctrl_c_stops_at_once() -> None:
    with StopRequest(quiet()) as stop:
        os.kill(os.getpid(), signal.SIGINT)
        assert stop()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)


def test_handlers_are_restored() -> None:
    before = signal.getsignal(signal.SIGTERM)
    with StopRequest(quiet()):
        assert signal.getsignal(signal.SIGTERM) != before
    assert signal.getsignal(signal.SIGTERM) == before


def test_other_threads_catch_nothing() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def enter() -> None:
        with StopRequest(quiet()):
            seen.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=enter)
    thread.start()
    thread.join()
    assert seen == [before]

"""Structured logs, one JSON object a line on stderr, without user text.

Our own events have fixed fields. What libraries log is let through by name only (uvicorn's start and
stop); of everything else, also of exceptions, only the place in the code is kept: an exception's message
or a library's debug line can hold a whole prompt.
"""

from __future__ import annotations

import logging
import sys
import threading
import traceback
from typing import Any, TextIO

import structlog

_SPEAKS = frozenset({"uvicorn.error"})


def configure_logs(stream: TextIO | None = None) -> None:
    """Send structlog's and the standard library's records, warnings and uncaught exceptions to `stream`."""
    target = stream or sys.stderr
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.JSONRenderer(),
        ],
        # One write a line: several workers share the stream.
        logger_factory=structlog.WriteLoggerFactory(target),
        cache_logger_on_first_use=False,
    )
    root = logging.getLogger()
    root.handlers[:] = [_Discreet()]
    root.setLevel(logging.INFO)
    for name in list(logging.root.manager.loggerDict):  # handlers that libraries brought along
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    logging.getLogger("httpx").setLevel(logging.WARNING)  # else a line for every request of a user's tool
    logging.captureWarnings(True)
    sys.excepthook = lambda kind, error, trace: _uncaught(error)
    threading.excepthook = lambda args: _uncaught(args.exc_value)
    sys.unraisablehook = lambda args: _uncaught(args.exc_value)


def frames(error: BaseException) -> list[str]:
    """Where an exception came from: `file.py:line function`, innermost last; no values, no message."""
    found = traceback.extract_tb(error.__traceback__)[-12:]
    return [f"{frame.filename.rpartition('/')[2]}:{frame.lineno} {frame.name}" for frame in found]


class _Discreet(logging.Handler):
    """A standard library record as one of our events."""

    def emit(self, record: logging.LogRecord) -> None:
        fields: dict[str, Any] = {"logger": record.name}
        if record.exc_info and record.exc_info[1] is not None:
            fields |= {"error": type(record.exc_info[1]).__qualname__, "frames": frames(record.exc_info[1])}
        if record.name in _SPEAKS and not record.exc_info:
            event = record.getMessage()
        else:
            event, fields["place"] = "withheld", f"{record.module}:{record.lineno}"
        log = structlog.get_logger(record.name)
        {logging.INFO: log.info, logging.WARNING: log.warning}.get(record.levelno, log.error)(event, **fields)


def _uncaught(error: BaseException | None) -> None:
    if error is None or isinstance(error, KeyboardInterrupt):
        return
    structlog.get_logger("deepcoder.serve").critical("uncaught", error=type(error).__qualname__, frames=frames(error))

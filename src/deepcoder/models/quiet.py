"""transformers without its own progress bars and advice: the stages show their own."""

from __future__ import annotations

from transformers.utils import logging


def quieten_transformers() -> None:
    """Errors only, no bars, for the rest of the process."""
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]

"""`deepcoder serve` and `deepcoder keys`."""

from __future__ import annotations

import asyncio
import datetime
import socket
from pathlib import Path
from typing import TYPE_CHECKING

from deepcoder.config import Config
from deepcoder.errors import ConfigError, StageError
from deepcoder.rounds import final_student
from deepcoder.serve.keys import KeyStore

if TYPE_CHECKING:
    from rich.console import Console


def serve(config: Config, console: Console) -> None:
    """Serve the run's student until SIGTERM or SIGINT. Raises DeepCoderError where it cannot start."""
    from deepcoder.serve.gate import parse_rate
    from deepcoder.serve.logs import configure_logs
    from deepcoder.serve.workers import check_workers, supervise

    serve = config.serve
    if config.sandbox.tier == "landlock":
        raise ConfigError(
            "sandbox.tier: landlock is too weak for programs that strangers can start",
            hint="sandbox.tier=auto; deepcoder doctor says what this machine lacks for it",
        )
    check_workers(config)
    parse_rate(serve.rate_limit.requests)
    student = student_path(config)
    keys = KeyStore(serve.keys_file)
    with bind(serve.host, serve.port) as listener:
        host, port = listener.getsockname()[:2]
        shown = f"[{host}]" if ":" in host else host
        name = student if config.engine.engine == "local" else f"{config.engine.model} at {config.engine.base_url}"
        console.print(f"DeepCoder serves {name} on http://{shown}:{port}", highlight=False, soft_wrap=True)
        if not any(key.revoked is None for key in keys.all()):
            console.print("There is no API key yet: deepcoder keys create NAME", style="yellow")
        configure_logs()
        if serve.workers > 1:
            supervise(config, student, listener)
        else:
            from deepcoder.serve.server import run

            asyncio.run(run(config, student, keys, listener))
    keys.close()


def student_path(config: Config) -> Path:
    """The trained checkpoint, or only its name where a server has it. Raises StageError where it is missing."""
    path = final_student(config)
    if config.engine.engine == "local" and not path.is_dir():
        raise StageError(
            f"there is no student at {path}",
            hint="deepcoder train CONFIG first, or serve one with engine.engine=openai",
        )
    return path


def bind(host: str, port: int) -> socket.socket:
    """A listening socket. Raises ConfigError where the address is taken or not this machine's."""
    try:
        listener = socket.create_server(
            (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=2048
        )
    except OSError as error:
        raise ConfigError(
            f"cannot listen on {host}:{port}: {error.strerror}", hint="another --port or --host"
        ) from None
    # asyncio forgets this for sockets that it was given: each answer would wait 40 ms for the client's delayed ACK.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def create_key(config: Config, name: str) -> str:
    """A new key in clear, which is stored nowhere."""
    return KeyStore(config.serve.keys_file).create(name)


def revoke_key(config: Config, name: str) -> None:
    """The key of this name is refused from now on, also by services that run."""
    KeyStore(config.serve.keys_file).revoke(name)


def print_keys(config: Config, console: Console) -> None:
    """A table of the keys: never the keys themselves."""
    from rich.table import Table
    from rich.text import Text

    table = Table("name", "id", "scopes", "limit", "created", "revoked", box=None, pad_edge=False)
    for key in KeyStore(config.serve.keys_file).all():
        cells = [
            key.name, key.id, " ".join(key.scopes), key.rate_limit or config.serve.rate_limit.requests,
            _date(key.created), _date(key.revoked),
        ]  # fmt: skip
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)


def _date(seconds: float | None) -> str:
    if seconds is None:
        return ""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d %H:%M")

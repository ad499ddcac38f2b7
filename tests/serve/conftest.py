"""The app around a scripted model, the real sandbox and the real index."""

from __future__ import annotations

import io
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
import structlog
from tests.serve.scripted import Service

from deepcoder.config import Config
from deepcoder.knowledge import KnowledgeIndex, open_index
from deepcoder.sandbox import Sandbox, open_sandbox
from deepcoder.serve.tracing import Tracing

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """One event loop for all tests here: they share one sandbox, which is slow to open."""
    for item in items:
        if item.path.is_relative_to(HERE) and pytest_asyncio.is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="package"), append=False)


@pytest.fixture(scope="session")
def index() -> KnowledgeIndex:
    return open_index()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def box() -> AsyncIterator[Sandbox]:
    async with open_sandbox(Config().sandbox) as box:
        yield box


@pytest.fixture
def logs() -> Iterator[io.StringIO]:
    """What the service logs, as `configure_logs` would format it."""
    before = structlog.get_config()
    stream = io.StringIO()
    structlog.configure(
        processors=[structlog.processors.add_log_level, structlog.processors.JSONRenderer()],
        logger_factory=structlog.PrintLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    yield stream
    structlog.configure(**before)


@pytest_asyncio.fixture(loop_scope="package")
async def make_service(
    box: Sandbox, index: KnowledgeIndex, logs: io.StringIO, tmp_path: Path
) -> AsyncIterator[Callable[..., Service]]:
    """`make_service(max_queue=0, ...)`: an app with these values in the config's `serve` section."""
    made: list[Service] = []

    def make(agent: dict[str, Any] | None = None, tracing: Tracing | None = None, **serve: Any) -> Service:
        serve = {"keys_file": tmp_path / f"keys-{len(made)}.sqlite", **serve}
        config = Config.model_validate({"serve": serve, "agent": agent or {}})
        made.append(Service(config, box, index, logs, tracing))
        return made[-1]

    yield make
    for service in made:
        await service.client.aclose()
        await service.app.state.gate.aclose()
        service.keys.close()


@pytest.fixture
def service(make_service: Callable[..., Service]) -> Service:
    return make_service()

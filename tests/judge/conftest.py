from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from deepcoder.config import SandboxConfig
from deepcoder.sandbox import Sandbox, open_sandbox


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def box() -> AsyncIterator[Sandbox]:
    async with open_sandbox(SandboxConfig()) as sandbox:
        yield sandbox

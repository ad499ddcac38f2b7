"""The connections to one OpenAI-compatible server, by aiohttp's client.

httpx took 40% of the CPU time of a step in the service, this a quarter of that (benchmarks/serve_load.py): a parser in
C, and a request leaves in one write. A connection that fails is tried again; a request that was sent is not, since the
engine may be at work on it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cached_property

import aiohttp
import httpx

CONNECT_S = 5.0
CONNECT_PAUSES_S = (0.0, 0.5)  # before each further try
MAX_CONNECTIONS = 512
IDLE_S = 4.0  # uvicorn, and so vLLM, closes an idle connection after 5 s: what is sent on it just then would be lost


class Wire:
    """Sends requests with `headers`; an answer may pause for `timeout_s` and no longer. Used in one event loop.

    Raises aiohttp.ClientError where the connection fails and TimeoutError where nothing comes.
    """

    def __init__(self, headers: Mapping[str, str], timeout_s: float) -> None:
        self._headers = headers
        self._timeout = aiohttp.ClientTimeout(None, sock_connect=min(CONNECT_S, timeout_s), sock_read=timeout_s)

    async def send(self, method: str, url: str, body: bytes | None = None) -> aiohttp.ClientResponse:
        """The answer, as soon as its head is there. The caller closes it, by `async with`."""
        for pause_s in CONNECT_PAUSES_S:
            try:
                return await self._send(method, url, body)
            except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError):
                await asyncio.sleep(pause_s)
        return await self._send(method, url, body)

    async def aclose(self) -> None:
        """Close the connections."""
        if "_session" in vars(self):
            await self._session.close()

    async def _send(self, method: str, url: str, body: bytes | None) -> aiohttp.ClientResponse:
        return await self._session.request(method, url, data=body, allow_redirects=False)

    @cached_property
    def _session(self) -> aiohttp.ClientSession:
        """Made with the first request: it belongs to the event loop, and engines are opened in threads."""
        connector = aiohttp.TCPConnector(
            limit=MAX_CONNECTIONS, keepalive_timeout=IDLE_S,
            ssl=httpx.create_ssl_context(),  # the certificates that every other part of the program trusts
        )  # fmt: skip
        return aiohttp.ClientSession(
            connector=connector, timeout=self._timeout, headers=self._headers, cookie_jar=aiohttp.DummyCookieJar(),
            skip_auto_headers=["Accept-Encoding"],
        )  # fmt: skip

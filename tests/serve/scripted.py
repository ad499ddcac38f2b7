"""A chat model that follows a script, the app around it, and a real server on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import socket
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI
from langchain_core.callbacks import AsyncCallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult

from deepcoder.config import Config
from deepcoder.errors import DeepCoderError
from deepcoder.knowledge import KnowledgeIndex
from deepcoder.sandbox import Sandbox
from deepcoder.serve.app import create_app
from deepcoder.serve.keys import KeyStore
from deepcoder.serve.tracing import Tracing

RUN = "Thought: I will compute it.\nAction: execute_python\nAction Input:\n```python\n{code}\n```"
FINISH = "Thought: I have it.\nAction: finish\nAction Input:\n{answer}"

Script = Callable[[list[BaseMessage]], str]


def two_steps(messages: list[BaseMessage]) -> str:
    """Run a program, then finish with what it printed."""
    last = str(messages[-1].content)
    if last.startswith("Observation: "):
        return FINISH.format(answer=last.removeprefix("Observation: "))
    return RUN.format(code="print(6 * 7)")


def echo(messages: list[BaseMessage]) -> str:
    """Finish at once with the problem itself."""
    return FINISH.format(answer=str(messages[0].content))


class ScriptedModel(BaseChatModel):
    """Answers with `script(messages)`; `gate`, where set, is awaited first."""

    script: Any = two_steps
    gate: Any = None
    asked: int = 0
    cancelled: int = 0

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError

    async def _agenerate(
        self, messages: list[BaseMessage], stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None, **kwargs: Any,
    ) -> ChatResult:  # fmt: skip
        text = await self._text(messages)
        usage = {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110}
        return ChatResult(generations=[ChatGeneration(message=AIMessage(text, usage_metadata=usage))])

    async def _astream(
        self, messages: list[BaseMessage], stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None, **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:  # fmt: skip
        text = await self._text(messages)
        for start in range(0, len(text), 20):
            yield ChatGenerationChunk(message=AIMessageChunk(text[start : start + 20]))
        usage = {"input_tokens": 100, "output_tokens": 10, "total_tokens": 110}
        yield ChatGenerationChunk(message=AIMessageChunk("", usage_metadata=usage))

    async def _text(self, messages: list[BaseMessage]) -> str:
        self.asked += 1
        try:
            if self.gate is not None:
                await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled += 1
            raise
        result = self.script(messages)
        if isinstance(result, Exception):
            raise result
        return result


class ScriptedModels:
    """ChatModels around one scripted model."""

    name = "scripted"

    def __init__(self, model: ScriptedModel | None = None) -> None:
        self.model = model or ScriptedModel()
        self.failure: DeepCoderError | None = None

    def for_problem(self, problem_id: str) -> BaseChatModel:
        return self.model

    async def preflight(self) -> None:
        if self.failure is not None:
            raise self.failure

    async def aclose(self) -> None:
        pass


class Service:
    """One app with all its parts at hand."""

    def __init__(
        self, config: Config, box: Sandbox, index: KnowledgeIndex, logs: io.StringIO, tracing: Tracing | None = None
    ) -> None:
        self.config, self.box, self.logs = config, box, logs
        self.models = ScriptedModels()
        self.model = self.models.model
        self.keys = KeyStore(config.serve.keys_file)
        self.key = self.keys.create("test")
        self.headers = {"authorization": f"Bearer {self.key}"}
        self.app: FastAPI = create_app(
            config, models=self.models, box=box, index=index, keys=self.keys, tracing=tracing
        )
        self.client = httpx.AsyncClient(
            transport=httpx.ASGITransport(self.app), base_url="http://service", headers=self.headers, timeout=20
        )

    async def ask(self, problem: str = "What is 6 * 7?", **fields: Any) -> httpx.Response:
        return await self.client.post("/v1/agent", json={"problem": problem, **fields})

    async def metric(self, line: str) -> float:
        """The value of one line of /metrics, 0 where it is not there."""
        text = (await self.client.get("/metrics")).text
        return next((float(each.split()[-1]) for each in text.splitlines() if each.rpartition(" ")[0] == line), 0.0)

    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.logs.getvalue().splitlines()]


@contextlib.asynccontextmanager
async def listening(app: FastAPI) -> AsyncIterator[tuple[str, int]]:
    """A real uvicorn on loopback: host and port."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off", ws="none", access_log=False))
        task = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:  # noqa: ASYNC110 - uvicorn has no event for it
            await asyncio.sleep(0.01)
        try:
            yield listener.getsockname()
        finally:
            server.should_exit = True
            await task

"""A student that fails in known ways: in place of what `deepcoder.models.local.open_engine` opens."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from deepcoder.config import EngineConfig
from deepcoder.errors import ModelUnavailable
from deepcoder.models.asynchronous import AsyncChatModel

RUN = "Thought: {}\nAction: execute_python\nAction Input:\n```python\n{}\n```"
FINISH = "Thought: done\nAction: finish\nAction Input:\n{}"


def stumbling(messages: list[BaseMessage]) -> str:
    """times/0: right. times/1: a program that fails, then a guess. times/2: a right program, a wrong answer."""
    number = int(str(messages[0].text).rsplit("What is ", 1)[1].split()[0])
    seen = str(messages[-1].text) if len(messages) > 1 else ""
    if not seen:
        return RUN.format("multiply", "print(1 / 0)" if number == 1 else f"print({number} * 7)")
    return FINISH.format(seen.removeprefix("Observation: ") if number == 0 else "999")


class Student(AsyncChatModel):
    """Answers by `think` and keeps what it was asked with."""

    think: Callable[[list[BaseMessage]], str]
    asked: list[dict[str, Any]]

    @property
    def _llm_type(self) -> str:
        return "student"

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self.asked.append(kwargs | {"first": messages[0].text})
        return ChatResult(generations=[ChatGeneration(message=AIMessage(self.think(messages)))])


class Students:
    name = "final"

    def __init__(self) -> None:
        self.model = Student(think=stumbling, asked=[])
        self.engines: list[EngineConfig] = []
        self.served = True

    def for_problem(self, problem_id: str) -> BaseChatModel:
        return self.model

    async def preflight(self) -> None:
        if not self.served:
            raise ModelUnavailable("the server does not serve final", hint="engine.model is one of: older")

    async def aclose(self) -> None: ...

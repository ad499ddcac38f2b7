"""The agent's three tools and the user's own, as LangChain tools with schemas.

A tool takes one argument. It returns the observation; one that failed raises ToolException, which
LangChain turns into a message with status `error`, and the loop into a step with `tool_failed`.
Its description is what the instructions say of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import BaseModel, Field

from deepcoder.agent.extra import SHORT, load_tools
from deepcoder.agent.observation import of_entries, of_run
from deepcoder.agent.prompts import ENDING, EXECUTION, STANDARD, Offer, retrieval
from deepcoder.config import AgentConfig, Config
from deepcoder.errors import ConfigError
from deepcoder.knowledge import STDLIB, KnowledgeIndex, subject
from deepcoder.records import Action
from deepcoder.sandbox import Sandbox, Status


class ExecutePython(BaseModel):
    """The argument of execute_python."""

    code: str = Field(description="a whole Python program; only what it prints comes back")


class RetrieveKnowledge(BaseModel):
    """The argument of retrieve_knowledge."""

    query: str = Field(description="a symbol, or a few words")


class Finish(BaseModel):
    """The argument of finish."""

    answer: str = Field(description="the answer alone: a value, or the whole code that was asked for")


def make_tools(box: Sandbox, index: KnowledgeIndex, config: AgentConfig) -> list[BaseTool]:
    """The tools named in `config.tools`, in that order, with `config.extra_tools` before `finish`.

    Raises ConfigError for an unknown name, and for a tool of one's own that cannot be used.
    """
    known: dict[str, BaseTool] = {
        Action.EXECUTE_PYTHON: _execute_python(box, config.max_observation_chars),
        Action.RETRIEVE_KNOWLEDGE: _retrieve_knowledge(index, config.max_observation_chars),
        Action.FINISH: _finish(),
    }
    extra = {tool.name: tool for tool in load_tools(config.extra_tools, config.max_observation_chars)}
    return [extra.get(name) or known[name] for name in _names(config, list(extra))]


def offers_of(config: Config) -> tuple[Offer, ...]:
    """What the instructions say of a config's tools; the same as of those that `make_tools` gives.

    For who needs the prompt without running anything. Raises ConfigError as `make_tools` does.
    """
    standard = {offer.name: offer for offer in (EXECUTION, retrieval(subject(config.knowledge)), ENDING)}
    extra = {tool.name: offer_of(tool) for tool in load_tools(config.agent.extra_tools)}
    return tuple({**standard, **extra}[name] for name in _names(config.agent, list(extra)))


def offer_of(tool: BaseTool) -> Offer:
    """What the instructions say of a tool."""
    short = (tool.metadata or {}).get(SHORT)
    if short is None:
        known = next((offer for offer in STANDARD if offer.name == tool.name), None)
        return known or Offer(tool.name, tool.description, tool.description.partition("\n")[0])
    return Offer(tool.name, tool.description, short)


def argument_of(tool: BaseTool) -> str:
    """The name of a tool's only argument."""
    return next(iter(tool.args))


def _names(config: AgentConfig, extra: Sequence[str]) -> list[str]:
    for name in config.tools:
        if name not in tuple(Action):
            raise ConfigError(
                f"agent.tools: there is no tool {name!r}; there are {', '.join(Action)}",
                hint="tools of your own: agent.extra_tools='[package.module:function]'",
            )
    end = config.tools.index(Action.FINISH) if Action.FINISH in config.tools else len(config.tools)
    return [*config.tools[:end], *extra, *config.tools[end:]]


def _execute_python(box: Sandbox, max_chars: int) -> BaseTool:
    async def execute_python(code: str) -> str:
        result = await box.run(code)
        text = of_run(result, box.limits, max_chars)
        if result.status is not Status.OK:
            raise ToolException(text)
        return text

    return StructuredTool.from_function(
        coroutine=execute_python,
        name=Action.EXECUTE_PYTHON.value,
        description=EXECUTION.full,
        metadata={SHORT: EXECUTION.short},
        args_schema=ExecutePython,
        handle_tool_error=True,
    )


def _retrieve_knowledge(index: KnowledgeIndex, max_chars: int) -> BaseTool:
    offer = retrieval(index.about or STDLIB)

    async def retrieve_knowledge(query: str) -> str:
        entries = await asyncio.to_thread(index.search, query)  # a large index, an embedding server: it takes a while
        text = of_entries(query, entries, max_chars)
        if not entries:
            raise ToolException(text)
        return text

    return StructuredTool.from_function(
        coroutine=retrieve_knowledge,
        name=Action.RETRIEVE_KNOWLEDGE.value,
        description=offer.full,
        metadata={SHORT: offer.short},
        args_schema=RetrieveKnowledge,
        handle_tool_error=True,
    )


def _finish() -> BaseTool:
    async def finish(answer: str) -> str:
        return answer

    return StructuredTool.from_function(
        coroutine=finish,
        name=Action.FINISH.value,
        description=ENDING.full,
        metadata={SHORT: ENDING.short},
        args_schema=Finish,
        return_direct=True,
    )

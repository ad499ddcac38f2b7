"""The agent's three tools, as LangChain tools with schemas.

A tool takes one argument. It returns the observation; one that failed raises ToolException, which
LangChain turns into a message with status `error`, and the loop into a step with `tool_failed`.
Own tools with one argument can be passed to `run_agent` beside these.
"""

from __future__ import annotations

from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import BaseModel, Field

from deepcoder.agent.observation import of_entries, of_run
from deepcoder.config import AgentConfig
from deepcoder.errors import ConfigError
from deepcoder.knowledge import KnowledgeIndex
from deepcoder.records import Action
from deepcoder.sandbox import Sandbox, Status


class ExecutePython(BaseModel):
    """The argument of execute_python."""

    code: str = Field(description="a whole Python program; only what it prints comes back")


class RetrieveKnowledge(BaseModel):
    """The argument of retrieve_knowledge."""

    query: str = Field(description="a symbol of the standard library, or a few words")


class Finish(BaseModel):
    """The argument of finish."""

    answer: str = Field(description="the answer alone: a value, or the whole code that was asked for")


def make_tools(box: Sandbox, index: KnowledgeIndex, config: AgentConfig) -> list[BaseTool]:
    """The tools named in `config.tools`, in that order. Raises ConfigError for an unknown name."""
    known: dict[str, BaseTool] = {
        Action.EXECUTE_PYTHON: _execute_python(box, config.max_observation_chars),
        Action.RETRIEVE_KNOWLEDGE: _retrieve_knowledge(index, config.max_observation_chars),
        Action.FINISH: _finish(),
    }
    for name in config.tools:
        if name not in known:
            raise ConfigError(f"agent.tools: there is no tool {name!r}; there are {', '.join(known)}")
    return [known[name] for name in config.tools]


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
        description="Runs a Python program in a fresh interpreter and returns what it printed.",
        args_schema=ExecutePython,
        handle_tool_error=True,
    )


def _retrieve_knowledge(index: KnowledgeIndex, max_chars: int) -> BaseTool:
    async def retrieve_knowledge(query: str) -> str:
        entries = index.search(query)
        text = of_entries(query, entries, max_chars)
        if not entries:
            raise ToolException(text)
        return text

    return StructuredTool.from_function(
        coroutine=retrieve_knowledge,
        name=Action.RETRIEVE_KNOWLEDGE.value,
        description="Searches the documentation of Python's standard library.",
        args_schema=RetrieveKnowledge,
        handle_tool_error=True,
    )


def _finish() -> BaseTool:
    async def finish(answer: str) -> str:
        return answer

    return StructuredTool.from_function(
        coroutine=finish,
        name=Action.FINISH.value,
        description="Ends the work with the answer.",
        args_schema=Finish,
        return_direct=True,
    )

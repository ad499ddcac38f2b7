"""Tools of the user's own, named in the config as `package.module:function`.

They run in this process, with all its rights, and their argument is a model's text: nothing of the sandbox is around
them. A function (its docstring tells the model what it does) or a LangChain tool, with one argument.
"""

from __future__ import annotations

import importlib
import inspect
import re
from collections.abc import Sequence
from typing import Any

from langchain_core.tools import BaseTool, StructuredTool, ToolException
from pydantic import Field, create_model

from deepcoder.agent.observation import truncate
from deepcoder.errors import ConfigError
from deepcoder.records import Action

# The key of a tool's metadata under which its short description stands.
SHORT = "short"
_NAME = re.compile(r"[A-Za-z_]\w*")


def load_tools(specs: Sequence[str], max_chars: int = 2000) -> list[BaseTool]:
    """The tools in the order of `specs`; an observation has at most `max_chars` characters.

    Raises ConfigError, which names the spec: it cannot be imported, is no function with one argument and a
    docstring, or has a name that is taken.
    """
    tools: dict[str, BaseTool] = {}
    for spec in specs:
        tool = _adapted(_found(spec), spec, max_chars)
        if tool.name in tools or tool.name in tuple(Action):
            raise _error(spec, f"is called {tool.name}, and so is another tool", "rename it")
        tools[tool.name] = tool
    return list(tools.values())


def _found(spec: str) -> BaseTool:
    """The function or tool that a spec names, as a LangChain tool."""
    module, colon, name = spec.partition(":")
    if not colon or not module or not name:
        raise _error(spec, "is not of the form package.module:function", "")
    try:
        value = getattr(importlib.import_module(module), name)
    except ImportError as error:
        raise _error(spec, f"cannot be imported: {error}", "install its package, or set PYTHONPATH") from error
    except AttributeError:
        raise _error(spec, f"does not exist: {module} has no {name}", "") from None
    except Exception as error:
        raise _error(spec, f"cannot be imported: {type(error).__name__}: {error}", "") from error
    if isinstance(value, BaseTool):
        return value
    if not callable(value) or inspect.isclass(value):
        raise _error(spec, f"is a {type(value).__name__}, not a function or a LangChain tool", "")
    if not inspect.getdoc(value):
        raise _error(spec, "has no docstring", "the docstring is what the model is told of the tool")
    try:
        if inspect.iscoroutinefunction(value):
            return StructuredTool.from_function(coroutine=value)
        return StructuredTool.from_function(value)
    except Exception as error:
        raise _error(spec, f"cannot be made a tool: {error}", "give its parameter a plain type, such as str") from error


def _adapted(tool: BaseTool, spec: str, max_chars: int) -> BaseTool:
    """The tool with its one argument as text, its result as text, and its exceptions as observations."""
    if len(tool.args) != 1:
        raise _error(spec, f"takes {len(tool.args)} arguments: {', '.join(tool.args)}", "a tool takes one")
    if not _NAME.fullmatch(tool.name):
        raise _error(spec, f"is called {tool.name!r}", "letters, digits and _ make a name that a model can write")
    [(argument, schema)] = tool.args.items()

    async def call(**given: str) -> str:
        try:
            result: Any = await tool.ainvoke({argument: given[argument]})
        except ToolException as error:
            raise ToolException(truncate(str(error), max_chars)) from error
        except Exception as error:
            raise ToolException(truncate(f"{type(error).__name__}: {error}", max_chars)) from error
        return truncate(str(result), max_chars)

    first, *_ = tool.description.strip().splitlines()
    about = schema.get("description")
    fields: Any = {argument: (str, Field(description=about))}
    return StructuredTool.from_function(
        coroutine=call,
        name=tool.name,
        description=" ".join(tool.description.split()) + (f" The argument: {about}." if about else ""),
        metadata={SHORT: first.strip()},
        args_schema=create_model(tool.name, **fields),
        handle_tool_error=True,
    )


def _error(spec: str, problem: str, hint: str) -> ConfigError:
    return ConfigError(f"agent.extra_tools: {spec!r} {problem}", hint=hint)

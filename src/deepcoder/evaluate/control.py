"""The control without tools: what is left of a student when its programs are not run."""

from __future__ import annotations

from collections.abc import Sequence

from langchain_core.tools import BaseTool, StructuredTool, ToolException

from deepcoder.records import Action

UNAVAILABLE = "execute_python is not available."


def without_execution(tools: Sequence[BaseTool]) -> list[BaseTool]:
    """The same tools, except that execute_python answers that it is not available."""
    return [_unavailable(tool) if tool.name == Action.EXECUTE_PYTHON else tool for tool in tools]


def _unavailable(tool: BaseTool) -> BaseTool:
    async def execute_python(code: str) -> str:
        raise ToolException(UNAVAILABLE)

    return StructuredTool.from_function(
        coroutine=execute_python, name=tool.name, description=tool.description, args_schema=tool.args_schema,
        metadata=tool.metadata, handle_tool_error=True,
    )  # fmt: skip

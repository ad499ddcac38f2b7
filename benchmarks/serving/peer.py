"""LangGraph's agent loop on the same engine and the same sandbox, in an environment of its own; prints one JSON object.

    PYTHONPATH=src peer-python benchmarks/serving/peer.py http://127.0.0.1:PORT/v1 RUNS CLIENTS SECONDS

It is used as a library in one process: no HTTP service, no key, no limit. First RUNS runs one after the other, of
which the first tenth warms up, then CLIENTS at once for SECONDS.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from importlib.metadata import version
from typing import Any

from langchain.agents import create_agent  # type: ignore[import-not-found]
from langchain_core.tools import StructuredTool
from langchain_openai import ChatOpenAI

from deepcoder.config import SandboxConfig
from deepcoder.sandbox import Sandbox, open_sandbox


class Timed(StructuredTool):
    """Its seconds are taken where the service takes its own: around the whole call of the tool."""

    spent: float = 0.0

    async def ainvoke(self, *args: Any, **kwargs: Any) -> Any:
        """The tool's message, and its seconds added to `spent`."""
        start = time.perf_counter()
        try:
            return await super().ainvoke(*args, **kwargs)
        finally:
            self.spent += time.perf_counter() - start


def execution(box: Sandbox) -> Timed:
    async def execute_python(code: str) -> str:
        """Run Python."""
        return (await box.run(code)).stdout

    made = Timed.from_function(coroutine=execute_python, name="execute_python", description="Run Python.")
    assert isinstance(made, Timed)
    return made


async def main(base_url: str, runs: int, clients: int, seconds: float) -> None:
    async with open_sandbox(SandboxConfig(workers=2)) as box:
        run_python = execution(box)
        model = ChatOpenAI(model="student", base_url=base_url, api_key="none", temperature=0, max_retries=0)
        agent = create_agent(model, [run_python])

        async def run() -> float:
            start = time.perf_counter()
            result = await agent.ainvoke({"messages": [{"role": "user", "content": "What is 6 * 7?"}]})
            messages = result["messages"]
            assert messages[-1].content == "42", messages
            assert [each.content for each in messages if each.type == "tool"] == ["42\n"] * 2, messages
            return time.perf_counter() - start

        for _ in range(runs // 10):
            await run()
        alone, tools, cpu = [], [], time.process_time()
        for _ in range(runs):
            run_python.spent = 0.0
            alone.append(await run())
            tools.append(run_python.spent)
        alone_cpu, cpu, start = time.process_time() - cpu, time.process_time(), time.perf_counter()
        loaded: list[float] = []

        async def work() -> None:
            while time.perf_counter() - start < seconds:
                loaded.append(await run())

        await asyncio.gather(*(work() for _ in range(clients)))
        told = {
            "name": f"langchain {version('langchain')}, langgraph {version('langgraph')}",
            "seconds": alone, "tools": tools, "cpu_s": alone_cpu,
            "loaded": loaded, "loaded_cpu_s": time.process_time() - cpu, "wall_s": time.perf_counter() - start,
        }  # fmt: skip
    print(json.dumps(told))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])))

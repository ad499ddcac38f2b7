"""LangGraph's agent loop on the same engine, in an environment of its own; prints one JSON object.

    peer-python benchmarks/serving/peer.py http://127.0.0.1:PORT/v1 RUNS

It is used as a library in one process: no HTTP service, no key, no limit, a tool that answers at once.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from importlib.metadata import version

from langchain.agents import create_agent  # type: ignore[import-not-found]
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI

STEPS = 3


@tool
async def execute_python(code: str) -> str:
    """Run Python."""
    return "42"


async def main(base_url: str, runs: int) -> None:
    model = ChatOpenAI(model="student", base_url=base_url, api_key="none", temperature=0, max_retries=0)
    agent = create_agent(model, [execute_python])
    seconds = []
    for _ in range(runs):
        start = time.perf_counter()
        result = await agent.ainvoke({"messages": [{"role": "user", "content": "What is 6 * 7?"}]})
        seconds.append((time.perf_counter() - start) / STEPS)
        assert result["messages"][-1].content == "42"
    versions = f"langchain {version('langchain')}, langgraph {version('langgraph')}"
    print(json.dumps({"name": versions, "seconds": seconds}))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2])))

"""A fast OpenAI-compatible engine: two tool calls, then an answer, as quickly as one process can say it.

It speaks both dialects: the text protocol of this project, and tool calls where a request offers `tools` (LangGraph).
Prints its port. It needs nothing but the standard library.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

TOOL_CALLS = 2
RUN = "Thought: I will compute it.\nAction: execute_python\nAction Input:\n```python\nprint(6 * 7)\n```"
FINISH = "Thought: I have it.\nAction: finish\nAction Input:\n42"


def message_of(request: dict[str, Any]) -> dict[str, Any]:
    """The assistant's next message: a tool call until there were enough observations, then the answer."""
    messages = request["messages"]
    if request.get("tools"):
        done = sum(message["role"] == "tool" for message in messages)
        if done >= TOOL_CALLS:
            return {"role": "assistant", "content": "42"}
        call = {"name": "execute_python", "arguments": '{"code": "print(6 * 7)"}'}
        calls = [{"id": f"call-{done}", "type": "function", "function": call}]
        return {"role": "assistant", "content": None, "tool_calls": calls}
    done = sum(str(message["content"]).startswith("Observation:") for message in messages)
    return {"role": "assistant", "content": FINISH if done >= TOOL_CALLS else RUN}


def reply(request: dict[str, Any]) -> bytes:
    message = message_of(request)
    reason = "tool_calls" if "tool_calls" in message else "stop"
    body = {
        "id": "x", "object": "chat.completion", "created": 1, "model": "student",
        "choices": [{"index": 0, "message": message, "finish_reason": reason}],
        "usage": {"prompt_tokens": 300, "completion_tokens": 40, "total_tokens": 340},
    }  # fmt: skip
    return json.dumps(body).encode()


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while True:
            head = await reader.readuntil(b"\r\n\r\n")
            at = head.lower().find(b"content-length:")
            length = int(head[at + 15 : head.index(b"\r", at)]) if at >= 0 else 0
            sent = await reader.readexactly(length)
            raw = reply(json.loads(sent)) if sent else b'{"data": [{"id": "student", "object": "model"}]}'
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(raw), raw)
            )
            await writer.drain()
    except (asyncio.IncompleteReadError, ConnectionError):
        writer.close()


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())

"""A small student's success on held-out problems: transformers beside llama.cpp at 16, 8 and 4 bit.

    python benchmarks/gguf_agent.py RUN [--limit 20] [--bits 16 4]            (pip install llama-cpp-python)

RUN: a trained run of nano's kind (`make demo`). llama.cpp cannot cut text as nano's tokenizer does, so the files are
served by a process that tokenizes with the student's own tokenizer, as the local engine does; in 16 bit also with
llama.cpp's. Greedy, one request at a time, the agent with its tools; needs the run's `checkpoints/final` alone. Results
and traces go into a temporary folder.
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table
from transformers import AutoTokenizer

from deepcoder.config import load_config
from deepcoder.evaluate import run_on
from deepcoder.runs import RunFolder
from deepcoder.train.gguf_file import Bits, write_gguf

CONTEXT, END = 2048, "<|im_end|>"


class Student:
    """One GGUF file; `tokenizer` None: llama.cpp's own."""

    def __init__(self, file: Path, tokenizer: Any, template: Any) -> None:
        from llama_cpp import Llama

        self.model = Llama(str(file), n_ctx=CONTEXT, n_threads=1, verbose=False)
        self.tokenizer, self.template = tokenizer, template
        self.lock = threading.Lock()
        self.end = int(template.convert_tokens_to_ids(END))

    def reply(self, messages: list[dict[str, str]], limit: int) -> tuple[str, int, int, str]:
        """Text, tokens read, tokens written, why it ended."""
        prompt = self.template.apply_chat_template(messages, tokenize=False, add_generation_prompt=True)
        if self.tokenizer is None:
            ids = self.model.tokenize(prompt.encode(), add_bos=False, special=True)
        else:
            ids = self.tokenizer(prompt, add_special_tokens=False).input_ids
        found: list[int] = []
        with self.lock:
            for token in self.model.generate(ids, temp=0.0):
                if token == self.end or len(found) == min(limit, CONTEXT - len(ids) - 1):
                    break
                found.append(int(token))
        return self.template.decode(found), len(ids), len(found), "length" if len(found) == limit else "stop"


@contextmanager
def served(student: Student) -> Iterator[str]:
    """The base_url of a server of OpenAI's protocol."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *args: object) -> None:
            """Nothing."""

        def answer(self, body: dict[str, Any]) -> None:
            data = json.dumps(body).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def do_GET(self) -> None:
            """The list of models."""
            self.answer({"data": [{"id": "student"}]})

        def do_POST(self) -> None:
            """A completion."""
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            text, read, wrote, reason = student.reply(asked["messages"], asked["max_completion_tokens"])
            message = {"role": "assistant", "content": text}
            usage = {"prompt_tokens": read, "completion_tokens": wrote}
            self.answer({"choices": [{"message": message, "finish_reason": reason}], "usage": usage})

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/v1"
    finally:
        server.shutdown()
        server.server_close()


def passed(run: Path, out: Path, limit: int, base_url: str | None) -> tuple[int, int]:
    """Problems solved, problems."""
    overrides = [
        f"run.dir={run}", "evaluate.models=[student]", f"evaluate.limit={limit}", "evaluate.tool_calls=0",
        "evaluate.concurrency=1",
    ]  # fmt: skip
    if base_url:
        overrides += ["engine.engine=openai", f"engine.base_url={base_url}", "engine.model=student"]
    config = load_config(Path("configs/demo.yaml"), overrides)
    run_on(config, RunFolder(config), out, Console(quiet=True))
    student = json.loads((out / "summary.json").read_text())["student"]
    return student["passed"], student["n"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", type=Path)
    parser.add_argument("--limit", type=int, default=20, help="problems a split, of three")
    parser.add_argument("--bits", type=int, nargs="*", default=[16, 8, 4], choices=(16, 8, 4))
    args = parser.parse_args()
    final = args.run / "checkpoints" / "final"
    tokenizer = AutoTokenizer.from_pretrained(final)
    table = Table("engine", "tokenized by", "passed", title=f"{args.limit} problems of each held-out split")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        right, whole = passed(args.run, folder / "local", args.limit, None)
        table.add_row("transformers, fp32", "the student's tokenizer", f"{right}/{whole}")
        print(f"transformers {right}/{whole}", flush=True)
        for bits in args.bits:
            width: Bits = bits
            file = write_gguf(final, folder / f"{bits}.gguf", bits=width, show=lambda line: None)
            for own in (False, True) if bits == 16 else (False,):
                with served(Student(file, None if own else tokenizer, tokenizer)) as base_url:
                    right, whole = passed(args.run, folder / f"{bits}-{own}", args.limit, base_url)
                by = "llama.cpp" if own else "the student's tokenizer"
                table.add_row(f"llama.cpp, {bits} bit", by, f"{right}/{whole}")
                print(f"llama.cpp {bits} bit, {by} {right}/{whole}", flush=True)
    Console(width=110).print(table)


if __name__ == "__main__":
    main()

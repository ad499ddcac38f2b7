from __future__ import annotations

from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from langchain_core.tools import BaseTool, tool
from tests.fakes.provider import KEY, FakeProvider, Reply

from deepcoder.config import AgentConfig, NativeConfig, load_config
from deepcoder.evaluate.native import native_absence, open_native, read_reply, run_native
from deepcoder.records import StepError, StopReason, Trajectory


class Caller(BaseChatModel):
    """Says what it is told to, one message a turn, and keeps what it was asked."""

    replies: list[AIMessage]
    asked: list[tuple[list[BaseMessage], dict[str, Any]]]

    @property
    def _llm_type(self) -> str:
        return "caller"

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError

    async def _agenerate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        self.asked.append((list(messages), kwargs))
        return ChatResult(generations=[ChatGeneration(message=self.replies[len(self.asked) - 1])])


@tool
async def execute_python(code: str) -> str:
    """Run."""
    return "42"


@tool
async def finish(answer: str) -> str:
    """End."""
    return answer


TOOLS: list[BaseTool] = [execute_python, finish]
USAGE = {"input_tokens": 7, "output_tokens": 5, "total_tokens": 12}


def calling(*calls: tuple[str, dict[str, Any]], text: str = "", reasoning: str | None = None) -> AIMessage:
    made = [{"name": name, "args": args, "id": f"c{number}"} for number, (name, args) in enumerate(calls)]
    extra = {"reasoning_content": reasoning} if reasoning else {}
    return AIMessage(text, tool_calls=made, additional_kwargs=extra, usage_metadata=USAGE)


async def run(*replies: AIMessage, **agent: Any) -> tuple[Trajectory, Caller]:
    model = Caller(replies=list(replies), asked=[])
    done = await run_native(
        model,
        "What is 6 * 7?",
        problem_id="p",
        name="base",
        tools=TOOLS,
        config=AgentConfig(**agent),
        native=NativeConfig(),
    )
    return done, model


async def test_calls_become_steps_and_go_back_as_tool_messages() -> None:
    done, model = await run(
        calling(("execute_python", {"code": "print(6 * 7)"}), reasoning="Six times seven."),
        calling(("finish", {"answer": "42"}), text="Done."),
    )
    assert (done.stop_reason, done.answer) == (StopReason.FINISHED, "42")
    assert [(s.action, s.input, s.thought, s.observation) for s in done.steps] == [
        ("execute_python", "print(6 * 7)", "", "42"), ("finish", "42", "Done.", None),
    ]  # fmt: skip
    assert done.steps[0].reasoning == "Six times seven."
    assert done.steps[0].output_tokens == 5
    messages, options = model.asked[1]
    assert isinstance(messages[-1], ToolMessage)
    assert messages[-1].tool_call_id == "c0"
    assert {each["function"]["name"] for each in options["tools"]} == {"execute_python", "finish"}
    assert options["extra_body"] == {"chat_template_kwargs": {"enable_thinking": True}}


async def test_a_reply_without_a_call_is_the_answer() -> None:
    done, _ = await run(AIMessage("<think>easy</think>\n```python\nprint(42)\n```", usage_metadata=USAGE))
    assert (done.stop_reason, done.answer) == (StopReason.FINISHED, "print(42)")


async def test_what_cannot_be_read_is_told_and_counts() -> None:
    broken = AIMessage(
        "", invalid_tool_calls=[{"name": "finish", "args": "{", "id": "c0", "error": "no JSON"}], usage_metadata=USAGE
    )
    done, model = await run(calling(("nothing", {"x": "y"})), broken, AIMessage(""), max_steps=3)
    assert done.stop_reason is StopReason.MAX_STEPS
    assert [step.error for step in done.steps] == [
        StepError.UNKNOWN_ACTION, StepError.NO_ACTION, StepError.TRUNCATED,
    ]  # fmt: skip
    assert "no tool 'nothing'" in str(model.asked[1][0][-1].text)


async def test_so_many_steps_in_a_row_that_cannot_be_read_end_a_run() -> None:
    nothing, works = calling(("nothing", {"x": "y"})), calling(("execute_python", {"code": "1"}))
    done, _ = await run(nothing, works, nothing, AIMessage(""), works, max_unreadable=2)
    assert (done.stop_reason, len(done.steps), done.answer) == (StopReason.UNREADABLE, 4, None)


def test_several_calls_of_one_reply_share_its_tokens_once() -> None:
    steps = read_reply(calling(("execute_python", {"code": "a"}), ("execute_python", {"code": "b"})), 1.5)
    assert [step.output_tokens for step, _ in steps] == [5, 0]
    assert sum(step.model_s for step, _ in steps) == 1.5


def test_it_needs_a_server_and_a_tokenizer_with_tool_calls() -> None:
    nano = load_config(None, ["evaluate.base_native.enabled=true"])
    assert "nano" in native_absence(nano)
    local = load_config(None, ["student.model=Qwen/Qwen3-8B"])
    assert "evaluate.base_native.base_url" in native_absence(local)
    served = load_config(None, ["student.model=Qwen/Qwen3-8B", "evaluate.base_native.base_url=http://127.0.0.1:9/v1"])
    assert native_absence(served) == ""
    assert open_native(served).name == "vllm:Qwen/Qwen3-8B"


async def test_the_server_is_sent_the_tools_and_the_switch(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATIVE_KEY", KEY)
    with FakeProvider(lambda messages: Reply("42", reasoning="Six sevens."), models=["base"]) as server:
        config = load_config(
            None, ["student.model=base", f"evaluate.base_native.base_url={server.base_url}",
                   "evaluate.base_native.api_key_env=NATIVE_KEY"],
        )  # fmt: skip
        models = open_native(config)
        await models.preflight()
        done = await run_native(
            models.for_problem("p"), "?", problem_id="p", name="base", tools=TOOLS, config=AgentConfig(),
            native=config.evaluate.base_native,
        )  # fmt: skip
        await models.aclose()
    (body,) = server.requests
    assert [each["function"]["name"] for each in body["tools"]] == ["execute_python", "finish"]
    assert body["chat_template_kwargs"] == {"enable_thinking": True}
    assert (done.answer, done.steps[0].reasoning) == ("42", "Six sevens.")


@pytest.mark.parametrize("thinking", [True, False])
async def test_thinking_is_a_switch(thinking: bool) -> None:
    model = Caller(replies=[AIMessage("42")], asked=[])
    await run_native(
        model,
        "?",
        problem_id="p",
        name="base",
        tools=TOOLS,
        config=AgentConfig(),
        native=NativeConfig(thinking=thinking),
    )
    assert model.asked[0][1]["extra_body"]["chat_template_kwargs"] == {"enable_thinking": thinking}

"""The untrained base in its own best mode: its own chat template, thinking and tool calls, on a server that has them.

The server renders the template and reads the calls (vLLM: --enable-auto-tool-choice and a --tool-call-parser); the
same three tools are offered with their schemas, budgets and judge are those of every other model. A reply without a
call is taken as the answer. One call is one step: thought what was said beside it, reasoning what was thought.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from deepcoder.agent.loop import FATAL, budget_spent
from deepcoder.agent.tools import argument_of
from deepcoder.config import AgentConfig, Config, NativeConfig, TeacherConfig
from deepcoder.errors import ProviderError
from deepcoder.models import ChatModels
from deepcoder.models.clock import time_budget
from deepcoder.models.providers import open_provider
from deepcoder.parser import answer_text, as_thought, without_reasoning
from deepcoder.records import Action, Step, StepError, StopReason, Trajectory
from deepcoder.runs import hash_of

PROMPT = (
    "{problem}\n\nUse the tools where they help. When you know the answer, call finish with the answer alone: a value, "
    "or, where a function or a program is asked for, its whole code."
)


def native_absence(config: Config) -> str:
    """Why the base has no mode of its own here; empty where it has."""
    if config.student.model == "nano":
        return "nano's tokenizer has neither tool calls nor thinking of its own"
    if _base_url(config) is None:
        return (
            "the local engine speaks the student's template; serve the base with its own one and its tool calls, and "
            "name the server: evaluate.base_native.base_url"
        )
    return ""


def native_name(config: Config) -> str:
    """What the server calls the base."""
    return config.evaluate.base_native.model or config.student.model


def open_native(config: Config) -> ChatModels:
    """The base on its server."""
    native = config.evaluate.base_native
    server = TeacherConfig(
        model=f"vllm:{native_name(config)}", base_url=_base_url(config), api_key_env=native.api_key_env,
        temperature=native.temperature, max_tokens=native.max_new_tokens, timeout_s=config.teacher.timeout_s,
    )  # fmt: skip
    return open_provider(server)


def thinking(native: NativeConfig) -> dict[str, Any]:
    """Options of a request that switch the template's thinking on or off."""
    return {"extra_body": {"chat_template_kwargs": {"enable_thinking": native.thinking}}}


def _base_url(config: Config) -> str | None:
    return config.evaluate.base_native.base_url or (
        config.engine.base_url if config.engine.engine == "openai" else None
    )


async def run_native(
    model: BaseChatModel,
    problem: str,
    *,
    problem_id: str,
    name: str,
    tools: Sequence[BaseTool],
    config: AgentConfig,
    native: NativeConfig,
) -> Trajectory:
    """One run on one problem; the verdict is None. A provider's errors end it or are raised as in the agent loop."""
    prompt = PROMPT.format(problem=problem)
    steps: list[Step] = []
    start, error = time.monotonic(), ""
    try:
        async with asyncio.timeout(config.timeout_s) as timeout:
            with time_budget(timeout):  # waiting for a provider's limits is no time of the run
                stop = await _until_stopped(model, prompt, steps, tools, config, native)
    except TimeoutError:
        stop = StopReason.TIMEOUT
    except FATAL:
        raise
    except ProviderError as failure:
        stop, error = StopReason.MODEL_ERROR, str(failure)
    said = [(step.thought, step.action, step.input) for step in steps]
    return Trajectory(
        trajectory_id=hash_of([problem_id, name, "native", said]),
        problem_id=problem_id,
        problem=problem,
        prompt=prompt,
        steps=tuple(steps),
        answer=answer_text(steps[-1].input) if stop is StopReason.FINISHED else None,
        stop_reason=stop,
        model=name,
        wall_s=time.monotonic() - start,
        error=error,
    )


async def _until_stopped(
    model: BaseChatModel,
    prompt: str,
    steps: list[Step],
    tools: Sequence[BaseTool],
    config: AgentConfig,
    native: NativeConfig,
) -> StopReason:
    known = {tool.name: tool for tool in tools}
    offered = [convert_to_openai_tool(tool) for tool in tools]
    chat: list[BaseMessage] = [HumanMessage(prompt)]
    while (stop := budget_spent(steps, config)) is None:
        start = time.monotonic()
        message = await model.ainvoke(chat, tools=offered, **thinking(native))
        new = read_reply(message, time.monotonic() - start)
        chat.append(message)
        for step, call_id in new:
            if step.action == Action.FINISH:
                steps.append(step)
                return StopReason.FINISHED
            step = await _act(step, known)
            steps.append(step)
            if call_id:
                chat.append(ToolMessage(step.observation or "", tool_call_id=call_id))
            else:
                chat.append(HumanMessage(step.observation or ""))
            if len(steps) >= config.max_steps:
                break
    return stop


def read_reply(message: AIMessage, seconds: float) -> list[tuple[Step, str]]:
    """A reply's calls as steps, each with its call's id; the first carries the thought, the tokens and the time."""
    text = as_thought(without_reasoning(str(message.text)))
    kept = message.additional_kwargs.get("reasoning_content") or message.additional_kwargs.get("reasoning")
    usage = message.usage_metadata
    tokens = {"input_tokens": usage["input_tokens"], "output_tokens": usage["output_tokens"]} if usage else {}
    about: dict[str, Any] = {"reasoning": str(kept) if kept else None, "model_s": seconds, **tokens}
    calls = [(call["name"], _argument(call["args"]), call["id"] or "") for call in message.tool_calls]
    if not calls and not message.invalid_tool_calls:
        cut = message.response_metadata.get("finish_reason") == "length" or not text
        if cut:
            note = "The reply was cut off or empty. Call a tool, or finish."
            return [(Step(thought=text, action="", input="", observation=note, error=StepError.TRUNCATED, **about), "")]
        answer = without_reasoning(str(message.text)).strip()
        return [(Step(thought="", action=Action.FINISH, input=answer, **about), "")]
    steps = [(Step(thought="", action=name, input=argument), call_id) for name, argument, call_id in calls]
    for bad in message.invalid_tool_calls:
        raw = f"{bad.get('name')}({bad.get('args')})"
        note = f"The call could not be read: {bad.get('error') or 'its arguments are no JSON object'}"
        step = Step(thought="", action="", input="", observation=note, error=StepError.NO_ACTION, raw=raw)
        steps.append((step, bad.get("id") or ""))
    first, call_id = steps[0]
    steps[0] = (first.model_copy(update={"thought": text, **about}), call_id)
    return steps


def _argument(arguments: Mapping[str, Any]) -> str:
    """Our tools take one text."""
    values = list(arguments.values())
    return values[0] if len(values) == 1 and isinstance(values[0], str) else json.dumps(dict(arguments))


async def _act(step: Step, tools: Mapping[str, BaseTool]) -> Step:
    if not step.action:
        return step
    tool = tools.get(step.action)
    if tool is None:
        note = f"There is no tool {step.action[:60]!r}."
        return step.model_copy(
            update={"action": "", "input": "", "raw": f"{step.action}({step.input})", "observation": note,
                    "error": StepError.UNKNOWN_ACTION}
        )  # fmt: skip
    start = time.monotonic()
    arguments = {argument_of(tool): step.input}
    message = await tool.ainvoke({"type": "tool_call", "id": "0", "name": tool.name, "args": arguments})
    return step.model_copy(
        update={"observation": str(message.text), "tool_s": time.monotonic() - start,
                "error": StepError.TOOL_FAILED if message.status == "error" else None}
    )  # fmt: skip

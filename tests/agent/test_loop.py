from __future__ import annotations

import asyncio
from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.tools import BaseTool, StructuredTool, ToolException
from tests.agent.scripted_model import ScriptedModel, StreamingModel

from deepcoder.agent import AgentEvent, EventKind, Start, first_message, run_agent
from deepcoder.config import AgentConfig
from deepcoder.errors import AuthenticationError, ConfigError, ContextFull, ModelUnavailable, ProviderError
from deepcoder.models.allowance import allowed
from deepcoder.records import StepError, StopReason

CONFIG = AgentConfig(instructions="bare")
FINISH = "Thought: done\nAction: finish\nAction Input:\n42"


def execute(code: str, thought: str = "run it") -> str:
    return f"Thought: {thought}\nAction: execute_python\nAction Input:\n```python\n{code}\n```"


def tools(*, seconds: float = 0.0, log: list[str] | None = None) -> list[BaseTool]:
    async def execute_python(code: str) -> str:
        """Runs it."""
        try:
            await asyncio.sleep(seconds)
        except asyncio.CancelledError:
            if log is not None:
                log.append("killed")
            raise
        if log is not None:
            log.append(code)
        if "raise" in code:
            raise ToolException("ValueError: no (line 1)")
        return "42"

    async def finish(answer: str) -> str:
        """Ends."""
        raise AssertionError("finish is never executed")

    return [
        StructuredTool.from_function(coroutine=execute_python, handle_tool_error=True),
        StructuredTool.from_function(coroutine=finish),
    ]


async def run(*turns: Any, model: type[ScriptedModel] = ScriptedModel, **settings: Any) -> Any:
    given = settings.pop("tools", None)
    return await run_agent(
        model(turns=list(turns)), "6 * 7?", problem_id="p", tools=tools() if given is None else given, config=CONFIG,
        **settings,
    )  # fmt: skip


async def test_a_run_is_what_the_model_saw_and_wrote() -> None:
    model = ScriptedModel(turns=[execute("print(6 * 7)"), FINISH])
    result = await run_agent(model, "6 * 7?", problem_id="p", tools=tools(), config=CONFIG)
    assert (result.answer, result.stop_reason, result.verdict) == ("42", StopReason.FINISHED, None)
    assert [step.observation for step in result.steps] == ["42", None]
    assert [(step.input_tokens, step.output_tokens) for step in result.steps] == [(10, 5), (10, 5)]
    told = [(message.type, message.text) for message in model.seen[-1]]
    roles = {"human": "user", "ai": "assistant"}
    assert [(roles[role], text) for role, text in told] == [
        (message.role, message.content) for message in result.messages()[:-1]
    ]
    assert result.messages()[-1].content == FINISH


async def test_the_same_run_has_the_same_id() -> None:
    first, again, other = await run(FINISH), await run(FINISH), await run(FINISH.replace("42", "43"))
    assert first.trajectory_id == again.trajectory_id != other.trajectory_id


async def test_what_cannot_be_read_is_fed_back() -> None:
    result = await run("Hmm.", "Action: google\nAction Input: x", "Action: finish", FINISH)
    assert [step.error for step in result.steps] == [
        StepError.NO_ACTION, StepError.UNKNOWN_ACTION, StepError.EMPTY_INPUT, None,
    ]  # fmt: skip
    assert result.steps[0].raw == "Hmm."
    assert "Action:" in result.steps[0].observation
    assert result.messages()[1].content == "Hmm."
    assert result.answer == "42"


async def test_what_is_not_canonical_is_kept_beside_the_canonical_form() -> None:
    result = await run("**Thought:** done\n**Action:** finish(42)\nObservation: right!")
    assert result.messages()[-1].content == FINISH
    assert "Observation: right!" in result.steps[0].raw
    assert (await run(FINISH)).steps[0].raw is None


@pytest.mark.parametrize("text", ["", "  \n", "Thought: I will write a very long prog", FINISH])
async def test_a_step_cut_off_by_the_token_limit_is_an_error(text: str) -> None:
    cut = AIMessage(text, response_metadata={"finish_reason": "length"})
    result = await run(cut, FINISH)
    assert result.steps[0].error is StepError.TRUNCATED
    assert result.steps[0].action == ""
    assert result.messages()[1].content
    assert result.answer == "42"


async def test_an_empty_answer_is_an_error_that_leaves_no_empty_message() -> None:
    result = await run("", FINISH)
    assert result.steps[0].error is StepError.TRUNCATED
    assert all(message.content for message in result.messages())


async def test_a_tool_that_fails_is_marked() -> None:
    result = await run(execute("raise ValueError"), FINISH)
    assert result.steps[0].error is StepError.TOOL_FAILED
    assert result.steps[0].observation == "ValueError: no (line 1)"


async def test_reasoning_is_kept_apart_from_the_thought() -> None:
    field = AIMessage(FINISH, additional_kwargs={"reasoning_content": "six sevens"})
    assert (await run(field)).steps[0].reasoning == "six sevens"
    tags = await run(f"<think>six sevens</think>\n{FINISH}")
    assert (tags.steps[0].reasoning, tags.steps[0].thought) == ("six sevens", "done")


async def test_text_without_a_utf8_form_is_repaired() -> None:
    result = await run("Thought: \ud800\nAction: finish\nAction Input:\n1")
    assert result.steps[0].thought == "?"
    result.model_dump_json()


async def test_the_budget_of_steps() -> None:
    config = AgentConfig(max_steps=3)
    turns = [execute("1")] * 9
    result = await run_agent(ScriptedModel(turns=turns), "?", tools=tools(), config=config)
    assert (len(result.steps), result.stop_reason, result.answer) == (3, StopReason.MAX_STEPS, None)
    assert result.messages()[-1].role == "assistant"


async def test_the_budget_of_tokens() -> None:
    config = AgentConfig(max_tokens=9, max_steps=50)
    result = await run_agent(ScriptedModel(turns=[execute("1")] * 9), "?", tools=tools(), config=config)
    assert (len(result.steps), result.stop_reason) == (2, StopReason.MAX_TOKENS)


@pytest.mark.parametrize(
    ("limit", "turns", "steps", "stop"),
    [
        (2, ["?", "", execute("1"), FINISH], 2, StopReason.UNREADABLE),
        (2, ["?", execute("1"), "?", execute("1"), "?", FINISH], 6, StopReason.FINISHED),
        (2, [execute("1"), "?", execute("raise"), "?", "?", FINISH], 5, StopReason.UNREADABLE),
        (1, ["?", FINISH], 1, StopReason.UNREADABLE),
        (None, ["?"] * 6, 6, StopReason.MAX_STEPS),
    ],
)
async def test_steps_in_a_row_that_cannot_be_read(
    limit: int | None, turns: list[str], steps: int, stop: StopReason
) -> None:
    config = AgentConfig(max_unreadable=limit)
    result = await run_agent(ScriptedModel(turns=turns), "?", tools=tools(), config=config)
    assert (len(result.steps), result.stop_reason) == (steps, stop)
    assert (result.answer == "42") == (stop is StopReason.FINISHED)


async def test_unreadable_steps_that_a_run_begins_with_are_not_its_own() -> None:
    config = AgentConfig(max_unreadable=2)
    first = await run_agent(ScriptedModel(turns=["?", "?"]), "?", tools=tools(), config=config)
    again = await run_agent(
        ScriptedModel(turns=["?", FINISH]), "?", tools=tools(), config=config, begin=Start(steps=first.steps)
    )
    assert (first.stop_reason, len(first.steps)) == (StopReason.UNREADABLE, 2)
    assert (again.stop_reason, len(again.steps)) == (StopReason.FINISHED, 4)


async def test_each_reply_may_have_what_is_left_of_the_tokens() -> None:
    left: list[int] = []

    def turn(messages: list[BaseMessage]) -> str:
        left.append(allowed(100))
        return execute("1")

    config = AgentConfig(max_tokens=12)
    result = await run_agent(ScriptedModel(turns=[turn] * 9), "?", tools=tools(), config=config)
    assert (left, len(result.steps)) == ([12, 7, 2], 3)  # the scripted model says that a reply has 5
    assert allowed(100) == 100


@pytest.mark.parametrize("slow", ["model", "tool"])
async def test_the_budget_of_time_keeps_the_steps_so_far(slow: str) -> None:
    config = AgentConfig(timeout_s=0.2)
    log: list[str] = []
    turns = [execute("1"), 9.0, FINISH] if slow == "model" else ["Hmm.", execute("1")]
    seconds = 0.0 if slow == "model" else 9.0
    result = await run_agent(ScriptedModel(turns=turns), "?", tools=tools(seconds=seconds, log=log), config=config)
    assert (len(result.steps), result.stop_reason) == (1, StopReason.TIMEOUT)
    assert log == (["1"] if slow == "model" else ["killed"])


async def test_cancelling_kills_the_running_program() -> None:
    log: list[str] = []
    task = asyncio.create_task(run(execute("1"), tools=tools(seconds=9, log=log)))
    await asyncio.sleep(0.05)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert log == ["killed"]


async def test_a_provider_that_gives_up_ends_the_run() -> None:
    result = await run(execute("1"), ProviderError("down"))
    assert (result.stop_reason, result.error, len(result.steps)) == (StopReason.MODEL_ERROR, "down", 1)


async def test_a_caller_can_have_a_kind_of_provider_error_raised() -> None:
    with pytest.raises(ContextFull):
        await run(execute("1"), ContextFull("long"), raised=(ContextFull,))
    assert (await run(ContextFull("long"))).stop_reason is StopReason.MODEL_ERROR
    assert (await run(ProviderError("down"), raised=(ContextFull,))).stop_reason is StopReason.MODEL_ERROR


@pytest.mark.parametrize("error", [AuthenticationError("key"), ModelUnavailable("gone")])
async def test_what_no_other_problem_can_survive_is_raised(error: Exception) -> None:
    with pytest.raises(type(error)):
        await run(error)


@pytest.mark.parametrize("stream", [False, True])
async def test_events_come_as_things_happen(stream: bool) -> None:
    events: list[AgentEvent] = []

    async def note(event: AgentEvent) -> None:
        events.append(event)

    await run(execute("1"), FINISH, model=StreamingModel, on_event=note, stream=stream)
    tokens = [event for event in events if event.kind is EventKind.TOKEN]
    rest = [(event.step, event.kind.value) for event in events if event.kind is not EventKind.TOKEN]
    assert rest == [
        (0, "model_started"), (0, "thought"), (0, "action"), (0, "observation"),
        (1, "model_started"), (1, "thought"), (1, "action"), (2, "finished"),
    ]  # fmt: skip
    assert bool(tokens) is stream
    assert (events[-1].text, events[-1].stop_reason) == ("42", StopReason.FINISHED)


async def test_a_tool_of_ones_own() -> None:
    async def look_up(key: str) -> str:
        """Looks a key up."""
        return f"value of {key}"

    own = StructuredTool.from_function(coroutine=look_up)
    result = await run("Thought: x\nAction: look_up\nAction Input:\nalpha", FINISH, tools=[own, *tools()])
    assert result.steps[0].observation == "value of alpha"


def test_the_first_message() -> None:
    problem = "What is {x} in 'Problem:'?"
    assert first_message(problem, "bare") == problem
    for kind in ("full", "short"):
        text = first_message(problem, kind)
        assert text.endswith(f"Problem:\n{problem}")
        assert all(label in text for label in ("Thought:", "Action:", "Action Input:", "finish"))
    with pytest.raises(ConfigError, match="long"):
        first_message(problem, "long")

"""Tools of one's own: found by name, told of in the prompt, read by the parser, run like the others."""

from __future__ import annotations

from typing import Any

import pytest
from tests.agent.scripted_model import ScriptedModel

from deepcoder.agent import first_message, make_tools, offers_of, run_agent
from deepcoder.agent.extra import load_tools
from deepcoder.agent.tools import offer_of
from deepcoder.config import AgentConfig, Config, KnowledgeConfig
from deepcoder.errors import ConfigError
from deepcoder.records import StepError, render_step

HERE = "tests.agent.own_tools"
FINISH = "Thought: done\nAction: finish\nAction Input:\n42"


def step(action: str) -> str:
    return f"Thought: x\nAction: {action}"


async def run(*turns: str, extra: tuple[str, ...] = ("exchange_rate", "square", "weather")) -> tuple[Any, Any]:
    config = AgentConfig(extra_tools=[f"{HERE}:{name}" for name in extra], tools=["finish"])
    model = ScriptedModel(turns=[*turns, FINISH])
    tools = make_tools(None, NoIndex(), config)  # type: ignore[arg-type]
    return await run_agent(model, "p", tools=tools, config=config), model


class NoIndex:
    about = ""


@pytest.mark.parametrize(
    ("written", "observation"),
    [
        ("exchange_rate\nAction Input:\nUSD", "1.1"),
        ('exchange_rate\nAction Input:\n{"currency": "USD"}', "1.1"),
        ('exchange_rate(currency="USD")', "1.1"),
        ("square\nAction Input:\n12", "144"),
        ("Weather\nAction Input:\nParis", "rain in Paris"),
    ],
)
async def test_they_are_read_and_run(written: str, observation: str):
    result, _ = await run(step(written))
    assert result.steps[0].observation == observation
    assert result.steps[0].error is None
    assert result.answer == "42"
    assert render_step(result.steps[0]).splitlines()[-1] in ("USD", "12", "Paris")


@pytest.mark.parametrize(
    ("written", "observation"),
    [
        ("exchange_rate\nAction Input:\nGBP", "KeyError: 'GBP'"),
        ("weather\nAction Input:\nAtlantis", "there is no such city"),
        ("square\nAction Input:\ntwelve", "ValidationError: 1 validation error for square"),
    ],
)
async def test_a_tool_that_fails_is_an_observation(written: str, observation: str):
    result, _ = await run(step(written))
    assert result.steps[0].error is StepError.TOOL_FAILED
    assert str(result.steps[0].observation).startswith(observation)


async def test_the_model_is_told_of_them():
    _, model = await run()
    prompt = str(model.seen[0][0].text)
    assert "Action: exchange_rate | square | weather | finish\n" in prompt
    assert "- exchange_rate: The price of one euro in a currency, such as USD.\n" in prompt
    assert "execute_python" not in prompt  # neither is it there, nor can anything be checked by running code
    assert "running code" not in prompt


async def test_an_observation_has_its_limit():
    [tool] = load_tools([f"{HERE}:weather"], max_chars=80)
    assert len(await tool.ainvoke({"city": "x" * 500})) == 80


@pytest.mark.parametrize("instructions", ["full", "short"])
def test_the_prompt_is_the_same_without_running_anything(instructions: str):
    knowledge = KnowledgeConfig(paths=["docs"], about="the handbook")
    config = Config(agent=AgentConfig(extra_tools=[f"{HERE}:square"]), knowledge=knowledge)
    index = NoIndex()
    index.about = "the documentation of Python's standard library and the handbook"
    tools = make_tools(None, index, config.agent)  # type: ignore[arg-type]
    told = first_message("p", instructions, [offer_of(tool) for tool in tools])
    assert told == first_message("p", instructions, offers_of(config))
    assert "standard library and the handbook" in told
    assert [tool.name for tool in tools] == ["execute_python", "retrieve_knowledge", "square", "finish"]


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ("square", "not of the form"),
        ("tests.agent.no_such_module:f", "cannot be imported"),
        (f"{HERE}:nothing", "has no nothing"),
        (f"{HERE}:constant", "is a int"),
        (f"{HERE}:undocumented", "no docstring"),
        (f"{HERE}:two", "takes 2 arguments: one, other"),
        (f"{HERE}:finish", "is called finish, and so is another"),
        (f"{HERE}:renamed", "is called 'exchange rate'"),
    ],
)
def test_what_is_no_tool_is_named(spec: str, words: str):
    with pytest.raises(ConfigError, match=words) as caught:
        load_tools([spec])
    assert repr(spec) in str(caught.value)


def test_unknown_standard_tools_point_to_the_key_for_own_ones():
    with pytest.raises(ConfigError, match=r"no tool 'square'.*\n.*agent\.extra_tools"):
        make_tools(None, NoIndex(), AgentConfig(tools=["square"]))  # type: ignore[arg-type]

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from tests.agent.scripted_model import ScriptedModel
from tests.agent.test_loop import CONFIG, execute, tools

from deepcoder.agent import Start, begun, run_agent
from deepcoder.config import AgentConfig
from deepcoder.parser import parse_step
from deepcoder.records import Step, StepError, StopReason, render_step

FINISH = "Thought: done\nAction: finish\nAction Input:\n42"
FAILED = Step(
    thought="try", action="execute_python", input="1/0", observation="ZeroDivisionError", error=StepError.TOOL_FAILED
)


async def test_the_note_is_seen_until_a_step_is_read_and_never_stored() -> None:
    model = ScriptedModel(turns=["no step at all", execute("1"), FINISH])
    run = await run_agent(
        model, "6 * 7?", tools=tools(), config=CONFIG, begin=Start(thought="First, look.", note="(only for you)")
    )
    prompt = "6 * 7?"
    assert str(model.seen[0][0].text) == f"{prompt}\n\n(only for you)"
    assert str(model.seen[1][0].text) == prompt
    assert str(model.seen[1][-1].text).endswith("\n\n(only for you)")
    assert not any("only for you" in str(message.text) for message in model.seen[2])
    assert not any("only for you" in message.content for message in run.messages())
    assert run.steps[1].thought.startswith("First, look.\n")
    assert not run.steps[2].thought.startswith("First, look.")


async def test_what_was_said_before_is_part_of_the_run() -> None:
    model = ScriptedModel(turns=[FINISH])
    run = await run_agent(model, "6 * 7?", tools=tools(), config=CONFIG, begin=Start((FAILED,)))
    assert run.steps[0] == FAILED
    assert [step.action for step in run.steps] == ["execute_python", "finish"]
    assert [str(message.text) for message in model.seen[0]] == [each.content for each in run.messages()[:-1]]
    alone = await run_agent(ScriptedModel(turns=[FINISH]), "6 * 7?", tools=tools(), config=CONFIG)
    assert run.trajectory_id != alone.trajectory_id


async def test_steps_before_count_towards_the_budget() -> None:
    config = AgentConfig(max_steps=2)
    run = await run_agent(
        ScriptedModel(turns=[execute("1"), FINISH]), "?", tools=tools(), config=config, begin=Start((FAILED,))
    )
    assert run.stop_reason is StopReason.MAX_STEPS
    assert len(run.steps) == 2


def test_words_that_were_repeated_are_not_put_twice() -> None:
    step = Step(thought="First,  look. Then act.", action="finish", input="1")
    assert begun(step, "First, look.") == step


@given(st.text(max_size=60), st.text(max_size=60))
def test_a_led_step_stays_readable(words: str, thought: str) -> None:
    step = parse_step(f"Thought: {thought}\nAction: finish\nAction Input:\n42")
    if not isinstance(step, Step):
        return
    led = begun(step, words)
    assert begun(led, words) == led
    again = parse_step(render_step(led))
    assert isinstance(again, Step)
    assert (again.action, again.input) == ("finish", "42")

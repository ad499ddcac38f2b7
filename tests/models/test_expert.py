from __future__ import annotations

from collections.abc import Sequence

import pytest
from langchain_core.messages import AIMessage, HumanMessage

from deepcoder.config import TeacherConfig
from deepcoder.errors import ModelUnavailable
from deepcoder.models import open_teacher
from deepcoder.models.expert import ExpertChatModel, steps_of
from deepcoder.records import Action, Step, render_observation, render_step


class Adding:
    """Runs a sum, then answers with what it saw, whatever that was."""

    def next_step(self, steps: Sequence[Step]) -> Step:
        if not steps:
            return Step(thought="Add.", action=Action.EXECUTE_PYTHON, input="print(1 + 1)")
        return Step(thought="Seen.", action=Action.FINISH, input=steps[-1].observation or "nothing")


async def test_it_reacts_to_the_real_observation() -> None:
    model = ExpertChatModel(policy=Adding())
    chat = [HumanMessage("1 + 1?")]
    first = await model.ainvoke(chat)
    assert first.text == render_step(Adding().next_step([]))
    for seen in ("2", "MemoryError", "Observation: 7"):
        second = await model.ainvoke([*chat, first, HumanMessage(render_observation(seen))])
        assert str(second.text).endswith(f"Action Input:\n{seen}")
    assert second.usage_metadata is None


async def test_it_streams_the_same_text() -> None:
    model = ExpertChatModel(policy=Adding())
    pieces = [str(chunk.text) async for chunk in model.astream([HumanMessage("?")])]
    assert len(pieces) > 3
    assert "".join(pieces) == (await model.ainvoke([HumanMessage("?")])).text == model.invoke([HumanMessage("?")]).text


def test_steps_are_read_back_from_the_chat() -> None:
    step = Step(thought="t", action=Action.EXECUTE_PYTHON, input='print("""\nObservation: 1\n""")')
    chat = [HumanMessage("?"), AIMessage(render_step(step)), HumanMessage("Observation: 1\n2"), AIMessage("what?")]
    first, second = steps_of(chat)
    assert first == step.model_copy(update={"observation": "1\n2"})
    assert (second.action, second.observation) == ("", None)


def test_a_problem_without_a_known_solution() -> None:
    teacher = open_teacher(TeacherConfig(), lambda problem_id: Adding() if problem_id == "known" else None)
    assert isinstance(teacher.for_problem("known"), ExpertChatModel)
    with pytest.raises(ModelUnavailable, match="other"):
        teacher.for_problem("other")

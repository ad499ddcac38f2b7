from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from deepcoder.errors import ProviderError
from deepcoder.models.ledger import Ledger, LedgeredChatModel, request_key

MESSAGE = AIMessage(
    "hello",
    additional_kwargs={"reasoning_content": "hm"},
    usage_metadata={"input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100},
    response_metadata={"finish_reason": "stop", "attempts": 3},
)


class Counted(BaseChatModel):
    asked: list[int] = []  # noqa: RUF012  pydantic copies it
    fail: bool = False

    @property
    def _llm_type(self) -> str:
        return "counted"

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        self.asked.append(1)
        if self.fail:
            raise ProviderError("down")
        return ChatResult(generations=[ChatGeneration(message=MESSAGE)])


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    ledger = Ledger(tmp_path / "ledger.sqlite")
    yield ledger
    ledger.close()


def view(inner: BaseChatModel, ledger: Ledger, problem_id: str = "p", **settings: Any) -> LedgeredChatModel:
    return LedgeredChatModel(inner=inner, ledger=ledger, problem_id=problem_id, settings=settings, model_name="m")


async def test_an_answered_request_is_not_asked_again(ledger: Ledger, tmp_path: Path) -> None:
    inner = Counted()
    chat = [HumanMessage("a")]
    first = await view(inner, ledger).ainvoke(chat)
    ledger.close()
    again = Ledger(tmp_path / "ledger.sqlite")
    second = await view(inner, again).ainvoke(chat)
    assert len(inner.asked) == 1
    for message in (first, second):
        assert message.text == "hello"
        assert message.additional_kwargs["reasoning_content"] == "hm"
        assert message.response_metadata["finish_reason"] == "stop"
        assert message.usage_metadata == MESSAGE.usage_metadata
    assert (again.spent.requests, again.spent.attempts, again.spent.cost(2.0, 10.0)) == (1, 3, pytest.approx(0.003))
    again.close()


async def test_requests_differ_by_all_that_decides_the_answer(ledger: Ledger) -> None:
    inner = Counted()
    await view(inner, ledger, "p", temperature=0.6).ainvoke([HumanMessage("a")])
    await view(inner, ledger, "q", temperature=0.6).ainvoke([HumanMessage("a")])
    await view(inner, ledger, "p", temperature=0.7).ainvoke([HumanMessage("a")])
    await view(inner, ledger, "p", temperature=0.6).ainvoke([HumanMessage("b")])
    await view(inner, ledger, "p", temperature=0.6).ainvoke([HumanMessage("a"), AIMessage("a")])
    assert len(inner.asked) == ledger.spent.requests == 5
    assert request_key("p", {}, [HumanMessage("a")]) != request_key("p", {}, [AIMessage("a")])


async def test_a_failed_request_is_noted_and_asked_again(ledger: Ledger, tmp_path: Path) -> None:
    inner = Counted(fail=True)
    with pytest.raises(ProviderError):
        await view(inner, ledger).ainvoke([HumanMessage("a")])
    assert ledger.spent.requests == 0
    inner.fail = False
    await view(inner, ledger).ainvoke([HumanMessage("a")])
    database = sqlite3.connect(tmp_path / "ledger.sqlite")
    assert database.execute("SELECT status, attempts FROM requests").fetchall() == [("answered", 3)]
    database.close()


async def test_texts_go_when_the_trajectory_is_stored_and_figures_stay(ledger: Ledger) -> None:
    inner = Counted()
    await view(inner, ledger, "p").ainvoke([HumanMessage("a")])
    await view(inner, ledger, "q").ainvoke([HumanMessage("a")])
    ledger.forget("p")
    await view(inner, ledger, "q").ainvoke([HumanMessage("a")])
    assert len(inner.asked) == 2
    assert ledger.find(request_key("p", {}, [HumanMessage("a")])) is None
    assert ledger.spent.requests == 2

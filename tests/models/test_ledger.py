from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from deepcoder.errors import BudgetSpent, ProviderError
from deepcoder.models.ledger import Ledger, LedgeredChatModel, Prices, request_key

MESSAGE = AIMessage(
    "hello",
    additional_kwargs={"reasoning_content": "hm"},
    usage_metadata={
        "input_tokens": 1000, "output_tokens": 100, "total_tokens": 1100, "input_token_details": {"cache_read": 400},
    },
    response_metadata={"finish_reason": "stop", "attempts": 3, "seconds": 2.5},
)  # fmt: skip


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
    assert (again.spent.requests, again.spent.attempts) == (1, 3)
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


def test_prices_are_for_a_million() -> None:
    assert Prices(2.0, 10.0).of(1000, 100, 400) == pytest.approx(0.003)
    assert Prices(2.0, 10.0, cached=0.5).of(1000, 100, 400) == pytest.approx((600 * 2 + 400 * 0.5 + 1000) / 1e6)
    assert not Prices().known


async def test_cost_cached_tokens_and_seconds_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    ledger = Ledger(path)
    await view(Counted(), ledger, "p").ainvoke([HumanMessage("a")])
    assert (ledger.spent.cost, ledger.spent.cached_tokens, ledger.spent.seconds) == (0, 400, 2.5)
    ledger.close()
    ledger = Ledger(path, Prices(2.0, 10.0))  # the first session that knows prices
    await view(Counted(), ledger, "q").ainvoke([HumanMessage("a")])
    assert ledger.spent.cost == pytest.approx(0.006)
    ledger.close()
    ledger = Ledger(path, Prices(4.0, 20.0))  # prices that changed since: what was paid stays
    assert ledger.spent.cost == pytest.approx(0.006)
    ledger.close()


async def test_nothing_is_asked_beyond_the_cost_allowed(tmp_path: Path) -> None:
    inner = Counted()
    ledger = Ledger(tmp_path / "ledger.sqlite", Prices(2.0, 10.0), max_cost=0.005)
    for problem_id in ("p", "q"):
        await view(inner, ledger, problem_id).ainvoke([HumanMessage("a")])
    with pytest.raises(BudgetSpent, match=r"max_cost is 0\.005"):
        await view(inner, ledger, "r").ainvoke([HumanMessage("a")])
    await view(inner, ledger, "p").ainvoke([HumanMessage("a")])  # paid for already
    assert len(inner.asked) == 2
    ledger.close()


def test_a_ledger_of_the_first_version_is_upgraded(tmp_path: Path) -> None:
    path = tmp_path / "ledger.sqlite"
    database = sqlite3.connect(path)
    database.execute(
        "CREATE TABLE requests (key TEXT PRIMARY KEY, problem_id TEXT NOT NULL, status TEXT NOT NULL, attempts INTEGER "
        "NOT NULL, input_tokens INTEGER NOT NULL, output_tokens INTEGER NOT NULL, seconds REAL NOT NULL, at REAL NOT "
        "NULL, error TEXT NOT NULL DEFAULT '', message TEXT)"
    )
    database.execute("INSERT INTO requests VALUES ('k', 'p', 'answered', 1, 1000, 100, 1.0, 0.0, '', NULL)")
    database.commit()
    database.close()
    ledger = Ledger(path, Prices(2.0, 10.0))
    assert (ledger.spent.requests, ledger.spent.cached_tokens) == (1, 0)
    assert ledger.spent.cost == pytest.approx(0.003)
    ledger.close()

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.clock import JumpClock

from deepcoder.models.clock import seconds_of, time_budget, unbilled
from deepcoder.models.pacing import DECREASE, Budget, Pacer


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("2", 2), ("7.66s", 7.66), ("120ms", 0.12), ("1m30.5s", 90.5), ("2h3m", 7380), ("1d", 86400), ("soon", None)],
)
def test_durations(text: str, seconds: float | None) -> None:
    assert seconds_of(text) == (None if seconds is None else pytest.approx(seconds))


@given(st.text())
def test_any_text_as_a_duration(text: str) -> None:
    assert seconds_of(text) is None or isinstance(seconds_of(text), float)


def test_a_budget_fills_steadily() -> None:
    budget = Budget()
    assert budget.delay(1e9, 0) == 0  # nothing is known yet
    budget.update(limit=6000, remaining=1000, reset_s=50, at=0, sent=0)
    assert budget.delay(1000, 0) == 0
    assert budget.delay(1500, 0) == pytest.approx(5, rel=0.01)  # 500 more at 100 a second
    budget.take(900, 0)
    assert budget.available(0) == pytest.approx(100)
    assert budget.available(1000) == 6000
    assert budget.delay(90_000, 0) == pytest.approx(59, rel=0.01)  # more than the bucket holds: a full one will do


def test_what_was_sent_since_is_not_available() -> None:
    budget = Budget()
    mark = budget.take(1, 0)
    budget.take(8, 1)
    budget.update(limit=100, remaining=10, reset_s=9, at=0, sent=mark)
    assert budget.available(0) == 2
    assert budget.available(1) == pytest.approx(12, rel=0.01)


async def test_the_window_doubles_until_the_first_429() -> None:
    pacer = Pacer(clock=JumpClock().clock, window=4)
    async with pacer.slot() as ticket:
        for _ in range(4):
            pacer.succeeded(ticket)
        assert pacer.window == 8


async def test_headers_of_an_earlier_request_are_old_news() -> None:
    pacer = Pacer(clock=JumpClock().clock)
    told = {"x-ratelimit-limit-requests": "100", "x-ratelimit-reset-requests": "50s"}
    async with pacer.slot() as first, pacer.slot() as second:
        pacer.observe(second, {**told, "x-ratelimit-remaining-requests": "7"})
        pacer.observe(first, {**told, "x-ratelimit-remaining-requests": "90"})
    assert pacer.requests.available(0) == 7


async def test_one_decrease_a_burst_and_one_more_a_window() -> None:
    pacer = Pacer(clock=JumpClock().clock, window=8)
    async with pacer.slot() as first, pacer.slot() as second:
        pacer.refused(first, 1)
        pacer.refused(second, 3)
        assert (pacer.window, pacer.bursts) == (pytest.approx(8 * DECREASE), 1)
        pacer.succeeded(second)  # sent before the decrease
        assert pacer.window == pytest.approx(8 * DECREASE)
    async with pacer.slot() as later:
        for _ in range(6):
            pacer.succeeded(later)
        assert pacer.window == pytest.approx(8 * DECREASE + 1, abs=0.1)
        pacer.refused(later, 0)
        assert pacer.bursts == 2


async def test_a_pause_holds_everyone_back() -> None:
    time = JumpClock()
    pacer = Pacer(clock=time.clock)
    async with pacer.slot() as ticket:
        pacer.refused(ticket, 65)
    async with pacer.slot():
        assert time.time == pytest.approx(65)


async def test_no_more_in_flight_than_the_window_and_in_order() -> None:
    pacer = Pacer(clock=JumpClock().clock, window=3)
    now = most = 0
    order: list[int] = []

    async def request(number: int) -> None:
        nonlocal now, most
        async with pacer.slot():
            order.append(number)
            now += 1
            most = max(most, now)
            await asyncio.sleep(0.001)
            now -= 1

    await asyncio.gather(*(request(number) for number in range(20)))
    assert most == 3
    assert order == list(range(20))


async def test_a_cancelled_wait_leaves_no_hole() -> None:
    pacer = Pacer(clock=JumpClock().clock, window=1)

    async def hold(seconds: float) -> None:
        async with pacer.slot():
            await asyncio.sleep(seconds)

    holder = asyncio.create_task(hold(0.02))
    await asyncio.sleep(0)
    waiters = [asyncio.create_task(hold(0)) for _ in range(4)]
    await asyncio.sleep(0.001)
    waiters[0].cancel()
    waiters[2].cancel()
    await asyncio.wait_for(asyncio.gather(holder, waiters[1], waiters[3]), 1)
    async with pacer.slot():
        pass


async def test_headers_set_the_budgets_and_the_pace() -> None:
    time = JumpClock()
    pacer = Pacer(clock=time.clock)
    async with pacer.slot() as ticket:
        pacer.observe(ticket, {
            "x-ratelimit-limit-requests": "100", "x-ratelimit-remaining-requests": "0",
            "x-ratelimit-reset-requests": "50s",
            "x-ratelimit-limit-tokens": "x",
        })  # fmt: skip
    async with pacer.slot():
        assert time.time == pytest.approx(0.5, rel=0.01)
    async with pacer.slot():
        assert time.time == pytest.approx(1.0, rel=0.01)


async def test_waiting_for_a_provider_is_not_billed_to_the_run() -> None:
    async with asyncio.timeout(0.05) as timeout:
        with time_budget(timeout):
            with unbilled():
                await asyncio.sleep(0.08)


async def test_other_time_is_billed() -> None:
    async def run() -> None:
        async with asyncio.timeout(0.03) as timeout:
            with time_budget(timeout):
                with unbilled():
                    await asyncio.sleep(0.01)
                await asyncio.sleep(1)

    with pytest.raises(TimeoutError):
        await run()


async def test_without_a_budget_nothing_is_billed() -> None:
    with unbilled():
        await asyncio.sleep(0)

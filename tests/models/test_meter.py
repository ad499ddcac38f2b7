from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.fakes.clock import JumpClock

from deepcoder.models.clock import duration
from deepcoder.models.meter import Meter, TokenGuess
from deepcoder.models.pacing import Pacer


async def test_rates_are_of_the_last_minute() -> None:
    time = JumpClock()
    meter = Meter(time.clock.now)
    for _ in range(30):
        await time.sleep(1)
        meter.add(100)
    assert meter.rates() == (pytest.approx(60), pytest.approx(6000))  # scaled up from half a minute
    await time.sleep(45.5)
    assert meter.rates() == (15, 1500)
    await time.sleep(60)
    assert meter.rates() == (0, 0)


def test_a_guess_follows_the_length_and_the_usage() -> None:
    guess = TokenGuess()
    assert guess.of(400) == 100
    guess.learn(1000, 300, 50)
    assert guess.of(2000) == pytest.approx(650)
    assert guess.of(0) == guess.typical == 350
    guess.refused()
    assert guess.of(2000) == pytest.approx(715)


@given(st.lists(st.tuples(st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10_000)), max_size=30))
def test_a_guess_is_never_negative_nor_out_of_reach(answers: list[tuple[int, int, int]]) -> None:
    guess = TokenGuess()
    for characters, given_, made in answers:
        guess.learn(characters, given_, made)
        guess.refused()
    assert 0 <= guess.of(0) <= 2 * 20_000


async def test_a_pacer_tells_its_pace() -> None:
    time = JumpClock()
    pacer = Pacer(clock=time.clock, requests_per_minute=30, tokens_per_minute=6000)
    async with pacer.slot(400) as ticket:
        pace = pacer.pace()
        assert (pace.in_flight, pace.waiting, pace.window) == (1, 0, 4)
        assert (pace.requests_limit, pace.tokens_limit, pace.holding) == (30, 6000, "")
        pacer.succeeded(ticket, 900, 100)
        assert pacer.pace().holding.startswith("teacher.tokens_per_minute")
        pacer.refused(ticket, 65)
    assert pacer.pace().holding == "the provider's Retry-After: 65 s"
    assert pacer.pace().in_flight == 0
    assert pacer.pace().tokens > 0


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (65, "65 s"), (600, "10 min"), (7380, "2 h 3 min"), (7200, "2 h"), (200_000, "2 d 7 h")],
)
def test_durations_for_people(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_an_endless_duration() -> None:
    assert duration(float("inf")) == "for ever"

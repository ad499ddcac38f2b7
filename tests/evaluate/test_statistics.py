from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deepcoder.evaluate.statistics import bootstrap_mean, bootstrap_ratio, mean, median, pass_at_k, wilson


def test_wilson_against_published_values() -> None:
    # Newcombe 1998, table I: 81 of 263, 15 of 148, 0 of 20, 1 of 29
    for (successes, n), bounds in {
        (81, 263): (0.2553, 0.3662), (15, 148): (0.0624, 0.1605), (0, 20): (0.0, 0.1611), (1, 29): (0.0061, 0.1718),
    }.items():  # fmt: skip
        assert wilson(successes, n) == pytest.approx(bounds, abs=5e-5)
    assert wilson(0, 0) == (0.0, 1.0)
    assert wilson(20, 20)[1] == 1.0


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_wilson_holds_the_share_and_mirrors(case: tuple[int, int]) -> None:
    successes, n = case
    low, high = wilson(successes, n)
    assert 0 <= low <= successes / n <= high <= 1
    assert wilson(n - successes, n) == pytest.approx((1 - high, 1 - low))


@given(st.integers(1, 7).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_pass_at_k_is_the_share_of_draws_with_a_success(case: tuple[int, int, int]) -> None:
    n, correct, k = case
    draws = list(combinations([True] * correct + [False] * (n - correct), k))
    assert pass_at_k(n, correct, k) == pytest.approx(sum(map(any, draws)) / len(draws))


def test_pass_at_k_needs_k_samples() -> None:
    with pytest.raises(ValueError, match="pass@2"):
        pass_at_k(1, 1, 2)


def test_the_bootstrap_covers_the_mean_about_95_times_in_100() -> None:
    random = np.random.default_rng(0)
    hits = 0
    for seed in range(200):
        low, high = bootstrap_mean(list(random.random(60) < 0.4), 400, seed)
        hits += low <= 0.4 <= high
    assert 180 <= hits <= 198


def test_a_paired_ratio_has_no_width_where_both_agree() -> None:
    same = [True, False, True, True] * 10
    assert bootstrap_ratio(same, same, 500) == (1.0, 1.0)
    low, high = bootstrap_ratio([True, False] * 20, [True] * 40, 500) or (0, 0)
    assert 0.3 < low < 0.5 < high < 0.7


def test_a_ratio_to_nothing_is_undefined() -> None:
    assert bootstrap_ratio([True], [False], 100) is None
    assert bootstrap_ratio([True, False], [True, False], 1000) is None, "a quarter of the draws have nothing below"
    with pytest.raises(ValueError, match="same problems"):
        bootstrap_ratio([True], [], 100)


def test_empty_lists() -> None:
    assert (mean([]), median([]), bootstrap_mean([], 10)) == (0.0, 0.0, (0.0, 1.0))

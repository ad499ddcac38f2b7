from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deepcoder.losses import lambda_at

weights = st.floats(0, 100)


@given(weights, st.floats(-1, 2))
def test_constant_without_an_end(start: float, progress: float) -> None:
    assert lambda_at(progress, start) == start


def test_linear_between_start_and_end() -> None:
    assert [lambda_at(x, 1.0, 3.0) for x in (0, 0.25, 0.5, 1)] == [1.0, 1.5, 2.0, 3.0]


@given(weights, weights, st.floats(-10, 10))
def test_never_outside_start_and_end(start: float, end: float, progress: float) -> None:
    assert min(start, end) - 1e-9 <= lambda_at(progress, start, end) <= max(start, end) + 1e-9

"""The few statistics of a report: Wilson intervals, pass@k, bootstrap intervals. Pure functions."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

Interval = tuple[float, float]
Array = npt.NDArray[np.float64]
Z95 = 1.959963984540054


def wilson(successes: int, n: int, z: float = Z95) -> Interval:
    """The Wilson score interval of a share; (0, 1) where n is 0.

    centre, half = (p + z²/2n) / (1 + z²/n), z·sqrt(p(1-p)/n + z²/4n²) / (1 + z²/n)
    """
    if n == 0:
        return 0.0, 1.0
    p = successes / n
    scale = 1 + z * z / n
    centre = (p + z * z / (2 * n)) / scale
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n)) / scale
    # At 0 of n and n of n the bounds are exact; rounding would put them a hair outside.
    return (0.0 if successes == 0 else max(0.0, centre - half), 1.0 if successes == n else min(1.0, centre + half))


def pass_at_k(n: int, correct: int, k: int) -> float:
    """The unbiased estimate from n samples of one problem: 1 - C(n - correct, k) / C(n, k). Needs k <= n."""
    if not 0 < k <= n:
        raise ValueError(f"pass@{k} needs at least {k} samples, there are {n}")
    return 1.0 - math.comb(n - correct, k) / math.comb(n, k)


def bootstrap_mean(values: Sequence[float], repeats: int, seed: int = 0) -> Interval:
    """The 95 % percentile interval of a mean, values (problems) drawn with replacement; (0, 1) for none."""
    if not values:
        return 0.0, 1.0
    array = np.asarray(values, dtype=np.float64)
    return _interval(array[_draws(len(array), repeats, seed)].mean(axis=1))


def bootstrap_ratio(
    numerator: Sequence[bool], denominator: Sequence[bool], repeats: int, seed: int = 0
) -> Interval | None:
    """The 95 % interval of sum(numerator) / sum(denominator) over the same problems, drawn in pairs.

    None where the ratio is undefined (the denominator is 0), in the data or in more than 2.5 % of the draws.
    """
    if len(numerator) != len(denominator):
        raise ValueError("a paired ratio needs the same problems on both sides")
    if not any(denominator):
        return None
    draws = _draws(len(numerator), repeats, seed)
    above = np.asarray(numerator, dtype=np.float64)[draws].sum(axis=1)
    below = np.asarray(denominator, dtype=np.float64)[draws].sum(axis=1)
    defined = below > 0
    if defined.mean() < 0.975:
        return None
    return _interval(above[defined] / below[defined])


def bootstrap_paired(
    columns: Sequence[Array], statistic: Callable[..., Array], repeats: int, seed: int = 0
) -> Interval | None:
    """The 95 % interval of a statistic of several measures of the same problems, drawn together.

    `columns`: arrays of length n. `statistic` takes them as (draws, n) and gives (draws,). None where it is not
    finite in more than 2.5 % of the draws. Memory: some 16 MB a column, whatever n is.
    """
    n = len(columns[0])
    source, found = np.random.default_rng(seed), []
    for start in range(0, repeats, rows := max(1, 2_000_000 // n)):
        draws = source.integers(0, n, size=(min(rows, repeats - start), n))
        with np.errstate(divide="ignore", invalid="ignore"):
            found.append(statistic(*(column[draws] for column in columns)))
    values = np.concatenate(found)
    defined = values[np.isfinite(values)]
    return _interval(defined) if len(defined) >= 0.975 * len(values) else None


def median(values: Sequence[float]) -> float:
    """The p50; 0 for no values."""
    return float(np.median(values)) if values else 0.0


def percentile(values: Sequence[float], q: float) -> float:
    """The value that `q` of a hundred do not exceed; 0 for no values."""
    return float(np.percentile(values, q)) if values else 0.0


def mean(values: Sequence[float]) -> float:
    """The mean; 0 for no values."""
    return float(np.mean(values)) if values else 0.0


def _draws(size: int, repeats: int, seed: int) -> npt.NDArray[np.int64]:
    return np.random.default_rng(seed).integers(0, size, size=(repeats, size))


def _interval(values: npt.NDArray[np.float64]) -> Interval:
    low, high = np.percentile(values, [2.5, 97.5])
    return float(low), float(high)

"""A provider's limits as it states them: in headers, or as its user copied them into the config."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from deepcoder.config import TeacherConfig

DAY_S = 86_400.0


@dataclass(frozen=True)
class Limits:
    """Requests and tokens that are allowed a minute and a day; None: not known."""

    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    requests_per_day: float | None = None
    tokens_per_day: float | None = None

    def over(self, other: Limits) -> Limits:
        """These limits, and those of `other` where these are not known."""
        pairs = zip(astuple(self), astuple(other), strict=True)
        return Limits(*(mine if mine is not None else theirs for mine, theirs in pairs))

    def hours(self, requests: float, tokens: float) -> float | None:
        """The least time for so much work in hours; None where no limit is known.

        A limit a minute: work / limit. A limit a day, with a full day's allowance at the start:
        24 * (ceil(work / limit) - 1), the days on which it must go on.
        """
        least: list[float] = []
        for work, minute, day in (
            (requests, self.requests_per_minute, self.requests_per_day),
            (tokens, self.tokens_per_minute, self.tokens_per_day),
        ):
            if minute is not None:
                least.append(work / minute / 60)
            if day is not None:
                least.append(24.0 * max(0, -(-work // day) - 1))
        return max(least, default=None)


def limits_of(headers: Mapping[str, str], requests_per_s: float) -> Limits | None:
    """The x-ratelimit-limit-* headers; `requests_per_s`: the seconds that the one of requests speaks of."""
    requests, tokens = (number_of(headers.get(f"x-ratelimit-limit-{name}")) for name in ("requests", "tokens"))
    if requests is None and tokens is None:
        return None
    if requests_per_s >= DAY_S:
        return Limits(requests_per_day=requests, tokens_per_minute=tokens)
    return Limits(requests_per_minute=requests, tokens_per_minute=tokens)


def limits_in(config: TeacherConfig) -> Limits:
    """The limits that the config states."""
    return Limits(config.requests_per_minute, config.tokens_per_minute, config.requests_per_day, config.tokens_per_day)


def number_of(text: str | None) -> float | None:
    """A header's number; None where it is missing or none."""
    try:
        return float(text) if text is not None else None
    except ValueError:
        return None

"""Tools as a user might write them, named in the tests' configs."""

from __future__ import annotations

from langchain_core.tools import StructuredTool, ToolException, tool

RATES = {"EUR": 1.0, "USD": 1.1}


def exchange_rate(currency: str) -> float:
    """The price of one euro in a currency, such as USD."""
    return RATES[currency]


async def square(number: int) -> int:
    """The square of a whole number."""
    return number * number


@tool
def weather(city: str) -> str:
    """Today's weather."""
    if city == "Atlantis":
        raise ToolException("there is no such city")
    return f"rain in {city}"


def undocumented(text: str) -> str:
    return text


def two(one: str, other: str) -> str:
    """Two arguments."""
    return one + other


def finish(answer: str) -> str:
    """A name that is taken."""
    return answer


renamed = StructuredTool.from_function(exchange_rate, name="exchange rate")
constant = 3

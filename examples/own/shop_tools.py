"""A tool of one's own. It runs in deepcoder's process, outside the sandbox, with a model's text as its argument."""

from __future__ import annotations

# Fixed, so that a run can be repeated; a real tool might ask a service.
RATES = {"USD": 1.25, "GBP": 0.85, "EUR": 1.0}


def exchange_rate(currency: str) -> str:
    """The price of one euro in another currency, given as its three letters."""
    code = currency.strip().upper()
    if code not in RATES:
        raise ValueError(f"no rate for {currency!r}; there are {', '.join(RATES)}")
    return f"1 EUR = {RATES[code]} {code}"

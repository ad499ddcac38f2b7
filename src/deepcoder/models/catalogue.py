"""A provider's list of models: what it serves, and what to name instead of a model that is gone."""

from __future__ import annotations

import difflib

import aiohttp
import httpx

from deepcoder.errors import ModelUnavailable, ProviderError


async def model_ids(client: httpx.AsyncClient, base_url: str, key: str | None) -> list[str] | None:
    """The ids that `GET base_url/models` lists as active; None where the server has no such list.

    Raises httpx errors (`fault_of` reads them) and ProviderError for a list that is none.
    """
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    response = await client.get(f"{base_url.rstrip('/')}/models", headers=headers)
    if response.status_code in (404, 405, 501):
        return None
    if response.status_code >= 400:
        raise RefusedError(response.status_code, response.text, response)
    try:
        rows = response.json()["data"]
        return [str(row["id"]) for row in rows if row.get("active", True)]
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ProviderError(
            f"{base_url}/models answered something else than a list of models",
            hint="check teacher.base_url: it ends where /chat/completions begins, often in /v1",
        ) from None


def unavailable(model: str, ids: list[str], said: str = "", *, section: str = "teacher") -> ModelUnavailable:
    """The error for a model that is not in the list; it names the nearest ones."""
    close = difflib.get_close_matches(model, ids, n=5, cutoff=0.3)
    named = list(dict.fromkeys([*close, *sorted(ids)]))[:8]
    more = f" and {len(ids) - len(named)} more" if len(ids) > len(named) else ""
    served = f"it serves: {', '.join(named)}{more}" if named else "it serves none"
    return ModelUnavailable(
        said or f"the provider does not serve {model} (any more)",
        hint=f"choose another {section}.model; {served}",
    )


class RefusedError(Exception):
    """A refusal in the shape of the SDKs' errors."""

    def __init__(self, status_code: int, body: str, response: httpx.Response | aiohttp.ClientResponse) -> None:
        super().__init__(f"HTTP {status_code}")
        self.status_code = status_code
        self.body = body
        self.response = response  # for its headers

"""What a provider's failure means: is it fatal, a rate limit, or worth another try?

The SDKs of Groq and OpenAI raise classes of the same shape; they are told apart here by what they
carry (`status_code`, `response`, `body`), so that neither SDK is imported.

    401, 403                    AuthenticationError      fatal
    404, model_decommissioned   ModelUnavailable         fatal
    429                         RateLimited              waits as the provider says, apart from the tries
    408, 409, 498, 5xx,
    transport, unreadable body  Transient                tried again with jitter
    other 4xx                   ProviderError            this request is wrong: not tried again
"""

from __future__ import annotations

import email.utils
import json
import re
import time
from collections.abc import Mapping
from typing import Any

from deepcoder.errors import AuthenticationError, ModelUnavailable, ProviderError, RateLimited
from deepcoder.models.clock import seconds_of


class Transient(ProviderError):
    """A failure of the moment: the server's 5xx, the network, a body that cannot be read."""


_TRANSIENT_STATUS = frozenset({408, 409, 425, 498})
_NO_MODEL = frozenset({"model_not_found", "model_decommissioned", "model_not_active"})
# Groq's and OpenAI's own words, for proxies that drop Retry-After.
_TRY_AGAIN = re.compile(r"try again in ((?:[\d.]+(?:ms|[dhms]))+)")
# What LangChain and the SDKs raise over a body that is not what it should be.
_UNREADABLE = (ValueError, TypeError, KeyError, IndexError, AttributeError)


def fault_of(error: Exception, model: str, key_env: str | None, *, section: str = "teacher") -> ProviderError:
    """The error that this exception amounts to, ready to be raised or tried again; hints name keys of `section`."""
    if isinstance(error, ProviderError):
        return error
    status = getattr(error, "status_code", None)
    if isinstance(status, int):
        return _of_status(error, status, model, key_env, section)
    if isinstance(error, TimeoutError):
        return Transient(f"{model}: no answer within the time limit ({section}.timeout_s)")
    if _is_transport(error):
        return Transient(f"{model}: the connection failed: {_cause(error)}")
    if isinstance(error, _UNREADABLE):
        return Transient(f"{model}: the provider's answer could not be read ({type(error).__name__}: {_short(error)})")
    raise error


def retry_after(headers: Mapping[str, str], now: float | None = None) -> float | None:
    """Seconds from `retry-after-ms` or `retry-after` (seconds or an HTTP date); None without either."""
    try:
        return max(0.0, float(headers["retry-after-ms"]) / 1000)
    except (KeyError, ValueError):
        pass
    value = headers.get("retry-after", "")
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        date = email.utils.parsedate_to_datetime(value)
    except (ValueError, TypeError):
        return None
    return max(0.0, date.timestamp() - (time.time() if now is None else now))


def _of_status(error: Exception, status: int, model: str, key_env: str | None, section: str) -> ProviderError:
    body = getattr(error, "body", None)
    code, said = _body(body, error)
    if status in (401, 403):
        where = f"the key in {key_env}" if key_env else "the request (no key was sent)"
        return AuthenticationError(
            f"{model}: the provider refused {where} ({status}): {said}",
            hint=f"check {key_env}, or make a new key with the provider"
            if key_env
            else f"name a key: {section}.api_key_env",
        )
    if code in _NO_MODEL or (status == 404 and "model" in said.lower()):
        return ModelUnavailable(f"{model} is not served: {said}")
    if status == 404:
        return ModelUnavailable(
            f"{model}: the provider knows no such address (404): {said}", hint=f"check {section}.base_url"
        )
    if status == 429:
        seconds = float("inf") if code == "insufficient_quota" else retry_after(_headers(error))
        if seconds is None and (told := _TRY_AGAIN.search(said)):
            seconds = seconds_of(told[1])
        return RateLimited(f"{model}: rate limit: {said}", retry_after=seconds)
    if status >= 500 or status in _TRANSIENT_STATUS:
        return Transient(f"{model}: the provider failed ({status}): {said}")
    return ProviderError(f"{model}: the provider refused the request ({status}): {said}")


def _headers(error: Exception) -> Mapping[str, str]:
    response = getattr(error, "response", None)
    headers = getattr(response, "headers", None)
    return headers if isinstance(headers, Mapping) else {}


def _body(body: Any, error: Exception) -> tuple[str, str]:
    """The error's code and message: `{"error": {...}}`, or that object alone, or text."""
    if isinstance(body, str):
        try:
            body = json.loads(body)
        except ValueError:
            return "", _clip(body)
    if isinstance(body, dict):
        inner = body.get("error", body)
        if isinstance(inner, dict):
            return str(inner.get("code") or ""), _clip(str(inner.get("message") or error))
        return "", _clip(str(inner))
    return "", _short(error)


def _is_transport(error: Exception) -> bool:
    """Connection errors of both SDKs, of httpx (which has two packages) and of aiohttp, told by their names."""
    names = {each.__name__ for each in type(error).__mro__}
    transport = {"APIConnectionError", "TransportError", "RequestError", "ConnectionError", "ClientError", "OSError"}
    return bool(names & transport) or ({"APIError", "StreamError"} & names != set())


def _cause(error: Exception) -> str:
    deepest: BaseException = error
    while deepest.__cause__ is not None:
        deepest = deepest.__cause__
    return f"{type(deepest).__name__}: {_short(deepest)}" if str(deepest) else type(deepest).__name__


def _short(error: BaseException) -> str:
    return _clip(str(error))


def _clip(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()[:300]

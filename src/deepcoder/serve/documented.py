"""What the OpenAPI document says about every route: the key and the problem responses."""

from __future__ import annotations

from typing import Any

from fastapi import Security
from fastapi.params import Depends
from fastapi.security import HTTPBearer

from deepcoder.serve.problem import MEDIA_TYPE, ProblemDetails

# For the document only: the gate has checked the key before FastAPI comes to its dependencies.
KEY: list[Depends] = [
    Security(HTTPBearer(auto_error=False, scheme_name="API key", description="deepcoder keys create"))
]

_MEANING = {
    400: "The body is not JSON that can be read, or the problem does not fit the student's context",
    401: "No valid API key",
    403: "The key is not for this kind of request",
    404: "There is no such thing",
    408: "The body came too slowly",
    413: "The body is too large",
    415: "The body is not declared as JSON",
    422: "The body is not what this document asks for",
    429: "The key's rate limit is spent; see Retry-After",
    500: "The service failed",
    503: "Overloaded, draining, or the engine is down; see Retry-After",
}
_SCHEMA = {"$ref": f"#/components/schemas/{ProblemDetails.__name__}"}


def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that can fail in these ways."""
    return {status: _response(status) for status in statuses}


def _response(status: int) -> dict[str, Any]:
    response: dict[str, Any] = {"description": _MEANING[status], "content": {MEDIA_TYPE: {"schema": _SCHEMA}}}
    if status in (429, 503):
        response["headers"] = {"Retry-After": {"description": "seconds", "schema": {"type": "integer"}}}
    return response

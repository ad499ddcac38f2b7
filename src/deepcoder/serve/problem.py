"""Errors as application/problem+json (RFC 9457), without a word of what the client sent.

Every refusal is an `ApiError`; FastAPI's own errors are turned into one. On OpenAI's routes the body also
has the `error` object that OpenAI's clients read. A validation error names the known part of the path and
the rule, never the value, and never the name of an unknown field: that too is the client's text.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

MEDIA_TYPE = "application/problem+json"


class FieldError(BaseModel):
    """One thing that is wrong with the request."""

    location: list[str | int] = Field(description="path of the field, such as ['body', 'problem']")
    message: str
    type: str


class OpenAIError(BaseModel):
    """The error object that OpenAI's clients read."""

    message: str
    type: str
    param: str | None = None
    code: str | None = None


class ProblemDetails(BaseModel):
    """RFC 9457. `type` is a stable name for programs; `detail` is for people."""

    type: str = Field(examples=["urn:deepcoder:error:rate-limited"])
    title: str
    status: int
    detail: str
    request_id: str
    errors: list[FieldError] | None = None
    checks: dict[str, str] | None = None
    error: OpenAIError | None = None


class ApiError(HTTPException):
    """A request that is refused or failed. `name` ends the problem's type; nothing here is the client's text.

    An HTTPException, since FastAPI lets only those pass when they are raised while it reads a body.
    """

    detail: str
    headers: dict[str, str]

    def __init__(
        self, status: int, name: str, detail: str, *,
        retry_after: float | None = None, headers: Mapping[str, str] | None = None,
        errors: list[FieldError] | None = None, checks: dict[str, str] | None = None,
    ) -> None:  # fmt: skip
        sent = dict(headers or {})
        if retry_after is not None:
            sent["retry-after"] = str(max(1, math.ceil(retry_after)))
        super().__init__(status, detail, sent)
        self.name = name
        self.errors, self.checks = errors, checks


def problem_body(error: ApiError, request_id: str, *, openai: bool = False) -> dict[str, Any]:
    """The problem document as a JSON object; fields that are not set are left out."""
    details = ProblemDetails(
        type=f"urn:deepcoder:error:{error.name}", title=_title(error.status_code), status=error.status_code,
        detail=error.detail, request_id=request_id, errors=error.errors, checks=error.checks,
        error=_openai(error) if openai else None,
    )  # fmt: skip
    return details.model_dump(mode="json", exclude_none=True)


def problem_response(error: ApiError, scope: Mapping[str, Any]) -> JSONResponse:
    """The HTTP response for an error."""
    body = problem_body(error, scope.get("request_id", ""), openai=_is_openai_path(scope.get("path", "")))
    return JSONResponse(body, status_code=error.status_code, headers=error.headers, media_type=MEDIA_TYPE)


async def on_api_error(request: Request, error: Exception) -> JSONResponse:
    """FastAPI's handler for `ApiError`."""
    assert isinstance(error, ApiError)
    return problem_response(error, request.scope)


async def on_http_exception(request: Request, error: Exception) -> JSONResponse:
    """FastAPI's handler for its own refusals: 404, 405 and bodies that cannot be read."""
    assert isinstance(error, HTTPException)
    status = error.status_code
    details = {
        400: "The body could not be read as JSON.",
        404: "There is nothing at this address.",
        405: "This address does not answer this method.",
    }
    name = _title(status).lower().replace(" ", "-")
    return problem_response(
        ApiError(status, name, details.get(status, _title(status)), headers=error.headers), request.scope
    )


async def on_validation_error(request: Request, error: Exception) -> JSONResponse:
    """FastAPI's handler for bodies that are not what the schema asks for: 422, nothing echoed."""
    assert isinstance(error, RequestValidationError)
    found = [_field_error(item) for item in error.errors()[:20]]
    first = f"{'.'.join(str(part) for part in found[0].location)}: {found[0].message}" if found else ""
    detail = f"The request is not valid: {first}"
    return problem_response(ApiError(422, "invalid-request", detail, errors=found), request.scope)


def invalid(location: list[str | int], message: str, kind: str) -> ApiError:
    """A 422 for a rule that the schema alone cannot state."""
    where = ".".join(str(part) for part in location)
    return ApiError(
        422, "invalid-request", f"The request is not valid: {where}: {message}",
        errors=[FieldError(location=location, message=message, type=kind)],
    )  # fmt: skip


def _field_error(item: Mapping[str, Any]) -> FieldError:
    kind = str(item["type"])
    location = list(item["loc"])
    if kind == "extra_forbidden":  # the last part is a name that the client made up
        return FieldError(location=location[:-1], message="A field is not known here", type=kind)
    if kind == "json_invalid":
        return FieldError(location=["body"], message=f"Not valid JSON at character {location[-1]}", type=kind)
    if kind == "union_tag_invalid":  # pydantic's message quotes what was sent
        return FieldError(location=location, message=f"Must be one of {item['ctx']['expected_tags']}", type=kind)
    return FieldError(location=location, message=str(item["msg"]), type=kind)


def _openai(error: ApiError) -> OpenAIError:
    kinds = {401: "authentication_error", 403: "permission_error", 429: "rate_limit_error"}
    kind = kinds.get(error.status_code, "server_error" if error.status_code >= 500 else "invalid_request_error")
    param = None
    if error.errors and len(error.errors[0].location) > 1:
        param = ".".join(str(part) for part in error.errors[0].location[1:])
    return OpenAIError(message=error.detail, type=kind, param=param, code=error.name.replace("-", "_"))


def _is_openai_path(path: str) -> bool:
    return path.startswith(("/v1/chat/", "/v1/models"))


def _title(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"

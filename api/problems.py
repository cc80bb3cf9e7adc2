"""Errors as clients see them: RFC 9457 `application/problem+json`, without an echo of the input.

Every 4xx says what to change. A 5xx says nothing of the inside; it carries an id that the log has too.
"""

import logging
import math
import secrets
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from contract.errors import RequestError, TooMany, Unavailable

log = logging.getLogger(__name__)

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = 3


class FieldError(BaseModel):
    """What is wrong with one part of the request."""

    loc: list[str | int] = Field(description='Where: `["body", "steps"]`, `["query", "limit"]`, ...')
    msg: str


class ProblemDetails(BaseModel):
    """An error, as RFC 9457 has it."""

    type: str = Field("about:blank", description="`about:blank`: the status says it all.")
    title: str = Field(description="The status in words.")
    status: int
    detail: str = Field(description="What is wrong and what to change.")
    instance: str = Field(description="The path asked for; of a 5xx the id under which the log tells more.")
    errors: list[FieldError] = Field(default_factory=list, description="Field by field, where fields are at fault.")


_MEANINGS = {
    400: "The body ended too early, or is a form that cannot be read.",
    401: "No key, or a wrong one, and no session.",
    403: "The key has not the scope for this, a write of a session has no CSRF token, or a page of another site asks.",
    404: "No such job, picture or route.",
    408: "The body stalls.",
    409: "The state of the job forbids it, or the Idempotency-Key came with another request before.",
    413: "The body is too large.",
    415: "Not a media type this route takes.",
    421: "Darkroom does not go by the name in `Host`.",
    422: "A field, or fields together, that cannot work; `errors` names them.",
    429: "The queue is full, or a quota or rate limit used up; `Retry-After` says in how many seconds to try again.",
    500: "A fault of ours; `instance` is its id in the log.",
    503: "Redis, the library, the disk or every worker is away; `Retry-After` says in how many seconds to try again.",
}
_ANYWHERE = (403, 421, 500)

_WORDS = {  # pydantic's error type → what to do about it, where its own words do not say
    "missing": "is required",
    "model_attributes_type": "must be a JSON object",
    "extra_forbidden": "is not a field this takes; take it out",
    "finite_number": "must be a finite number",
    "string_unicode": "must be valid Unicode, without halves of surrogate pairs",
}

_DRAWINGS = ("txt2img", "img2img", "inpaint")
_KINDS_OF_JOB = (*_DRAWINGS, "grid", "upscale")
# As pydantic lists them, which does not tell where the kind is missing.
_BASE_KINDS, _KINDS = (", ".join(map(repr, kinds)) for kinds in (_DRAWINGS, _KINDS_OF_JOB))

_HINTS = {
    404: "Nothing is at this address; check the path and the id. /docs lists every route.",
    405: "This address does not take that method; /docs lists those it takes.",
}


def meaning(status: int) -> str:
    """What a status says, in general."""
    return _MEANINGS[status]


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses=` of a route that may answer with these statuses."""
    with_body = (400, 408) if 413 in statuses else ()
    return {
        status: {"model": ProblemDetails, "description": _MEANINGS[status]}
        for status in (*statuses, *with_body, *_ANYWHERE)
    }


def problem(
    status: int,
    detail: str,
    instance: str,
    errors: list[FieldError] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """An error answer."""
    body = ProblemDetails(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=_encodable(detail),
        instance=instance,
        errors=errors or [],
    )
    return Response(body.model_dump_json(), status, headers, MEDIA_TYPE)


def install(app: FastAPI) -> None:
    """Have every error of the app answered in this form."""
    app.add_exception_handler(RequestError, _on_request_error)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(ClientDisconnect, _on_disconnect)
    app.add_exception_handler(Unavailable, _on_unavailable)
    app.add_exception_handler(RedisError, _on_unavailable)
    app.add_exception_handler(Exception, _on_unexpected)


async def _on_request_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)
    fields = [FieldError(loc=["body", *error.field.split(".")], msg=error.detail)] if error.field else []
    headers = {"Retry-After": str(max(1, math.ceil(error.retry_after)))} if isinstance(error, TooMany) else None
    return problem(error.status, error.detail, path_of(request.scope), fields, headers)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    fields = [_field_error(e) for e in error.errors()]
    detail = "; ".join(f"{'.'.join(map(str, field.loc[1:] or field.loc))}: {field.msg}" for field in fields)
    return problem(422, detail, path_of(request.scope), fields)


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = _HINTS.get(error.status_code, error.detail)
    return problem(error.status_code, detail, path_of(request.scope), headers=error.headers)


async def _on_disconnect(request: Request, _: Exception) -> Response:
    return problem(400, "The body ended too early; send it again.", path_of(request.scope))


async def _on_unavailable(request: Request, error: Exception) -> Response:
    return unavailable(request, error)


def unavailable(request: Request, error: Exception) -> Response:
    """What is answered while Redis, the disk or every worker is away."""
    told = str(error) if isinstance(error, Unavailable) else "The queue (Redis) does not answer at the moment"
    error_id = _new_id()
    log.warning("%s %s: %s: %s", error_id, path_of(request.scope), type(error).__name__, error)
    return problem(503, f"{told}; try again.", error_id, headers={"Retry-After": str(RETRY_SECONDS)})


async def _on_unexpected(request: Request, error: Exception) -> Response:
    error_id = _new_id()
    log.error("%s %s", error_id, path_of(request.scope), exc_info=error)
    detail = "Something went wrong on the server; its log tells more under the id in `instance`."
    return problem(500, detail, error_id, headers={"X-Content-Type-Options": "nosniff"})


def path_of(scope: Mapping[str, Any]) -> str:
    """The path asked for, as it may stand in an answer or in the log."""
    return quote(scope["path"], errors="replace")[:200]


def _field_error(error: Mapping[str, Any]) -> FieldError:
    """pydantic's error without input and context."""
    kind, loc = error["type"], list(error["loc"])
    if loc[0] == "body":
        if kind == "json_invalid":
            return FieldError(loc=["body"], msg=f"is not JSON as it should be: {error['ctx']['error']}")
        if loc[1:2] and loc[1] in _KINDS_OF_JOB:
            # Without the kinds of job, which pydantic puts before the fields: its own, and that of a grid's base.
            loc = ["body", *loc[2:3], *(loc[4:] if loc[1:3] == ["grid", "base"] else loc[3:])]
        if kind in ("union_tag_invalid", "union_tag_not_found"):
            known = error["ctx"].get("expected_tags", _BASE_KINDS if loc[1:] else _KINDS)
            return FieldError(loc=[*loc, "kind"], msg=f"must be one of {known}")
    words = _WORDS.get(kind, error["msg"].removeprefix("Value error, "))
    return FieldError(loc=[_encodable(part)[:100] if isinstance(part, str) else part for part in loc], msg=words)


def _encodable(text: str) -> str:
    """Halves of surrogate pairs become question marks: they cannot be written as UTF-8."""
    return text.encode("utf-8", "replace").decode()


def _new_id() -> str:
    return f"error_{secrets.token_hex(8)}"

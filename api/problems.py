"""Errors as clients see them: RFC 9457 `application/problem+json`, without an echo of the input.

Every 4xx says what to change. A 5xx says nothing of the inside; it carries an id that the log has too. Its words are in
the language that whoever asks has the pages in, as `Content-Language` says; programs get English.
"""

import logging
import math
import secrets
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import quote

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from redis.exceptions import RedisError
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import Response
from starlette.types import Scope

from contract.errors import RequestError, TooMany, Unavailable
from contract.phrases import Phrase, words_of
from web.languages import ENGLISH, VARY, asked_in

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


class Fault(NamedTuple):
    """What is wrong with one part of a request. message: a Phrase, or a sentence by itself."""

    loc: list[str | int]
    message: str


def problem(
    scope: Scope,
    status: int,
    detail: str,
    faults: Sequence[Fault] = (),
    headers: Mapping[str, str] | None = None,
    instance: str | None = None,
) -> Response:
    """An error answer to the request of this scope. detail: as a Fault's message; "" = what the faults say.

    instance: None = the path asked for.
    """
    language = asked_in(HTTPConnection(scope))
    errors = [FieldError(loc=loc, msg=_encodable(language.told(message))) for loc, message in faults]
    told = language.told(detail) if detail else "; ".join(map(_listed, errors))
    body = ProblemDetails(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=_encodable(told),
        instance=instance or path_of(scope),
        errors=errors,
    )
    said = filter(None, (detail, *(fault.message for fault in faults)))
    spoken = language if all(map(language.knows, said)) else ENGLISH
    more = {"Content-Language": spoken.code, "Vary": VARY}
    return Response(body.model_dump_json(), status, {**more, **(headers or {})}, MEDIA_TYPE)


def _listed(error: FieldError) -> str:
    return f"{'.'.join(map(str, error.loc[1:] or error.loc))}: {error.msg}"


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
    faults = [Fault(["body", *error.field.split(".")], error.detail)] if error.field else []
    headers = {"Retry-After": str(max(1, math.ceil(error.retry_after)))} if isinstance(error, TooMany) else None
    return problem(request.scope, error.status, error.detail, faults, headers)


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return problem(request.scope, 422, "", [_fault(each) for each in error.errors()])


async def _on_http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    detail = _HINTS.get(error.status_code, error.detail)
    return problem(request.scope, error.status_code, detail, headers=error.headers)


async def _on_disconnect(request: Request, _: Exception) -> Response:
    return problem(request.scope, 400, "The body ended too early; send it again.")


async def _on_unavailable(request: Request, error: Exception) -> Response:
    return unavailable(request, error)


def unavailable(request: Request, error: Exception) -> Response:
    """What is answered while Redis, the disk or every worker is away."""
    told = (
        error.args[0] if isinstance(error, Unavailable) else Phrase("The queue (Redis) does not answer at the moment")
    )
    error_id = _new_id()
    log.warning("%s %s: %s: %s", error_id, path_of(request.scope), type(error).__name__, error)
    detail, headers = Phrase("{told}; try again.", told=Phrase.of(told)), {"Retry-After": str(RETRY_SECONDS)}
    return problem(request.scope, 503, detail, headers=headers, instance=error_id)


async def _on_unexpected(request: Request, error: Exception) -> Response:
    error_id = _new_id()
    log.error("%s %s", error_id, path_of(request.scope), exc_info=error)
    detail = "Something went wrong on the server; its log tells more under the id in `instance`."
    headers = {"X-Content-Type-Options": "nosniff"}
    return problem(request.scope, 500, detail, headers=headers, instance=error_id)


def path_of(scope: Mapping[str, Any]) -> str:
    """The path asked for, as it may stand in an answer or in the log."""
    return quote(scope["path"], errors="replace")[:200]


def _fault(error: Mapping[str, Any]) -> Fault:
    """pydantic's error without input and context."""
    kind, loc = error["type"], list(error["loc"])
    if loc[0] == "body":
        if kind == "json_invalid":
            why = error["ctx"]["error"]
            return Fault(["body"], Phrase("is not JSON as it should be: {why}", why=why))
        if loc[1:2] and loc[1] in _KINDS_OF_JOB:
            # Without the kinds of job, which pydantic puts before the fields: its own, and that of a grid's base.
            loc = ["body", *loc[2:3], *(loc[4:] if loc[1:3] == ["grid", "base"] else loc[3:])]
        if kind in ("union_tag_invalid", "union_tag_not_found"):
            known = error["ctx"].get("expected_tags", _BASE_KINDS if loc[1:] else _KINDS)
            return Fault([*loc, "kind"], Phrase("must be one of {names}", names=known))
    words = _WORDS.get(kind) or words_of(error)
    return Fault([_encodable(part)[:100] if isinstance(part, str) else part for part in loc], words)


def _encodable(text: str) -> str:
    """Halves of surrogate pairs become question marks: they cannot be written as UTF-8."""
    return text.encode("utf-8", "replace").decode()


def _new_id() -> str:
    return f"error_{secrets.token_hex(8)}"

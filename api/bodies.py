"""Request bodies at the door: how large they may be, and JSON read as RFC 8259 has it, not as Python does."""

import json
from collections.abc import Callable, Collection, Coroutine
from typing import Any, NoReturn

from anyio import fail_after
from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.problems import problem
from contract.errors import UnsupportedMedia
from contract.phrases import Phrase

JSON_LIMIT = 1024 * 1024  # bytes
FORM_OVERHEAD = 64 * 1024  # bytes that multipart may add to a picture
STALL_SECONDS = 20.0  # without a byte of a body that has begun

Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class _StrictRequest(Request):
    """Refuses what Python's parser would take or choke on: NaN, UTF-16, doubled fields, endless nesting."""

    async def json(self) -> Any:
        body = await self.body()
        try:
            return json.loads(body.decode(), parse_constant=_not_a_number, object_pairs_hook=_without_doubles)
        except json.JSONDecodeError as error:
            where = f" at character {error.pos}" if error.doc else ""  # what we refuse ourselves has no place
            raise json.JSONDecodeError(f"{error.msg}{where}", "", 0) from None
        except UnicodeDecodeError:
            raise json.JSONDecodeError("the text must be UTF-8", "", 0) from None
        except (ValueError, RecursionError) as error:
            told = "nested too deeply" if isinstance(error, RecursionError) else "a number has too many digits"
            raise json.JSONDecodeError(told, "", 0) from None


def _not_a_number(constant: str) -> NoReturn:
    raise json.JSONDecodeError(f"{constant} is no JSON number", "", 0)


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise json.JSONDecodeError("a field is given twice", "", 0)
    return found


class StrictJSONRoute(APIRoute):
    """A route whose body, if it takes one, is strict JSON."""

    def get_route_handler(self) -> Handler:
        return strictly(super().get_route_handler(), takes_body=self.body_field is not None)


def strictly(handle: Handler, *, takes_body: bool) -> Handler:
    """A handler that is given strict JSON only, and whose requests read it so."""

    async def strict(request: Request) -> Response:
        media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if takes_body and media_type != "application/json":
            raise UnsupportedMedia("Send the request as JSON, with the header Content-Type: application/json.")
        return await handle(_StrictRequest(request.scope, request.receive))

    return strict


class BodyLimit:
    """Answers 413 to a body that is too large, before it is in memory. ASGI middleware."""

    def __init__(self, app: ASGIApp, upload_paths: Collection[str], upload_limit: int) -> None:
        self._app, self._upload_paths, self._upload_limit = app, frozenset(upload_paths), upload_limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        upload = scope["path"] in self._upload_paths
        limit = self._upload_limit + FORM_OVERHEAD if upload else JSON_LIMIT
        declared = dict(scope["headers"]).get(b"content-length", b"0")
        if declared.isdigit() and int(declared) > limit:
            await problem(scope, 413, _too_large(limit))(scope, receive, send)
            return
        received, whole = 0, False

        async def counted() -> Message:
            nonlocal received, whole
            if whole:  # what follows is only that the client has gone, which may take its time
                return await receive()
            try:
                with fail_after(STALL_SECONDS):
                    message = await receive()
            except TimeoutError:
                raise HTTPException(408, "The body stalls; send it again, without pauses.") from None
            whole = not message.get("more_body", False)
            received += len(message.get("body", b""))
            if received > limit:
                raise HTTPException(413, _too_large(limit))
            return message

        await self._app(scope, counted, send)


def _too_large(limit: int) -> Phrase:
    return Phrase("The body is larger than {limit} bytes, the most this address takes; send less.", limit=limit)

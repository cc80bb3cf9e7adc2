"""Routes that are asked most: what their functions take is worked out once.

FastAPI goes through a function's signature anew with every request, and opens stacks for what may have to be closed
after it: more than half of what a poll took of the api. Such a route is described by its signature as ever, and its
parameters are FastAPI's own; only the walk through them is ours, and goes no further than our functions need.
"""

import json
from collections.abc import Awaitable, Callable, Iterator
from functools import partial
from inspect import iscoroutinefunction
from typing import Any, get_type_hints

from fastapi import Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.dependencies.utils import request_body_to_args, request_params_to_args
from fastapi.exceptions import RequestValidationError
from pydantic_core import PydanticUndefined
from starlette.concurrency import run_in_threadpool
from starlette.routing import request_response
from starlette.types import ASGIApp

from api.bodies import StrictJSONRoute, strictly

_Errors = list[Any]
_Read = Callable[[Request], tuple[dict[str, Any], _Errors]]


class DirectRoute(StrictJSONRoute):
    """A route whose function, where it makes its `Response` itself, is called without FastAPI."""

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        super().__init__(path, endpoint, **options)
        if get_type_hints(endpoint)["return"] is Response:
            self.app = self._called_directly(endpoint)

    def _called_directly(self, endpoint: Callable[..., Any]) -> ASGIApp:
        wanted = _Wanted(self.dependant)
        call = endpoint if iscoroutinefunction(endpoint) else partial(run_in_threadpool, endpoint)

        async def handle(request: Request) -> Response:
            answer: Response = await call(**await wanted.of(request))
            return answer

        return request_response(strictly(handle, takes_body=self.body_field is not None))


class _Wanted:
    """What a function, or one that it depends on, takes: dependencies, parameters, and a body in JSON."""

    def __init__(self, signature: Dependant) -> None:
        self._needs = [(str(each.name), _awaitable(each.call), _Wanted(each)) for each in signature.dependencies]
        self._reads = list(_reads(signature))
        self._body = signature.body_params
        self._request = signature.request_param_name

    async def of(self, request: Request) -> dict[str, Any]:
        """The arguments. Raises RequestValidationError for all that is wrong with the request."""
        found: dict[str, Any] = {self._request: request} if self._request else {}
        errors: _Errors = []
        for name, call, wanted in self._needs:
            found[name] = await call(**await wanted.of(request))
        for read in self._reads:
            values, wrong = read(request)
            found |= values
            errors += wrong
        if self._body:
            body = await _json_of(request)
            values, wrong = await request_body_to_args(self._body, body, embed_body_fields=False)
            found |= values
            errors += wrong
        if errors:
            raise RequestValidationError(errors)
        return found


def _awaitable(call: Callable[..., Any] | None) -> Callable[..., Awaitable[Any]]:
    assert iscoroutinefunction(call), f"{call} is no coroutine function; api/deps.py has no other"
    return call


def _reads(signature: Dependant) -> Iterator[_Read]:
    """How to read the parameters from path, query and headers. Where a request has none, the defaults are known."""
    assert not signature.cookie_params
    assert all(field.field_info.annotation is str and not field.field_info.metadata for field in signature.path_params)
    if signature.path_params:
        yield lambda request: (request.path_params, [])  # their pattern has been looked at by then
    if query := signature.query_params:
        defaults = request_params_to_args(query, {})
        yield (
            lambda request: (
                request_params_to_args(query, request.query_params) if request.scope["query_string"] else defaults
            )
        )
    if headers := signature.header_params:
        names = {field.alias.encode() for field in headers}
        without = request_params_to_args(headers, {})
        yield (
            lambda request: (
                request_params_to_args(headers, request.headers)
                if any(name in names for name, _ in request.scope["headers"])
                else without
            )
        )


async def _json_of(request: Request) -> Any:
    """What the body says, PydanticUndefined when there is none. Raises RequestValidationError as FastAPI words it."""
    try:
        return await request.json() if await request.body() else PydanticUndefined
    except json.JSONDecodeError as error:
        told = {"type": "json_invalid", "loc": ("body", error.pos), "msg": "JSON decode error"}
        raise RequestValidationError([{**told, "ctx": {"error": error.msg}}]) from error

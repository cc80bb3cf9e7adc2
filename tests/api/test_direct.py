"""A route that is called directly takes what FastAPI would give its function, and refuses what FastAPI would refuse."""

from typing import Annotated, Any

import pytest
from fastapi import APIRouter, Body, Depends, FastAPI, Header, Query, Request, Response
from fastapi.testclient import TestClient
from pydantic import BaseModel, ConfigDict, Field

from api import problems
from api.bodies import StrictJSONRoute
from api.direct import DirectRoute


class Asked(BaseModel):
    """A body."""

    model_config = ConfigDict(extra="forbid")
    steps: int = Field(ge=1, le=9)


async def _agent(request: Request) -> str:
    return request.headers.get("user-agent", "")


async def _shout(agent: Annotated[str, Depends(_agent)]) -> str:
    return agent.upper()


def served(route_class: type[StrictJSONRoute]) -> TestClient:
    """The same two functions, as routes of this class."""
    router = APIRouter(prefix="/things", route_class=route_class)

    @router.get("/{name}")
    async def look(
        name: str,
        request: Request,
        agent: Annotated[str, Depends(_shout)],
        wait: Annotated[float, Query(ge=0, le=30, allow_inf_nan=False)] = 0,
        tag: Annotated[list[str] | None, Query()] = None,
        if_none_match: Annotated[str | None, Header(max_length=3)] = None,
    ) -> Response:
        return Response(repr((name, request.method, agent, wait, tag, if_none_match)))

    @router.post("", status_code=202)
    def make(
        asked: Annotated[Asked, Body()], agent: Annotated[str, Depends(_shout)], x_key: Annotated[str, Header()]
    ) -> Response:
        return Response(repr((asked, agent, x_key)), 202)

    app = FastAPI()
    problems.install(app)
    app.router.routes.extend(router.routes)
    return TestClient(app, raise_server_exceptions=False)


JSON = {"Content-Type": "application/json", "X-Key": "k"}
REQUESTS: list[tuple[str, str, dict[str, Any]]] = [
    ("GET", "/things/a", {}),
    ("GET", "/things/a%20b?wait=2.5&tag=x&tag=y", {"headers": {"If-None-Match": "abc"}}),
    ("GET", "/things/a?wait=nan", {}),
    ("GET", "/things/a?wait=31&wait=5", {"headers": {"If-None-Match": "abcd"}}),
    ("GET", "/things/a?wait=&unknown=1", {}),
    ("HEAD", "/things/a", {}),
    ("POST", "/things/a", {}),
    ("POST", "/things", {"headers": JSON, "content": b'{"steps": 3}'}),
    ("POST", "/things", {"headers": {**JSON, "Content-Type": "application/json; a=b"}, "content": b'{"steps": 3}'}),
    ("POST", "/things", {"headers": JSON, "content": b'{"steps": 10, "more": 1}'}),
    ("POST", "/things", {"headers": {"Content-Type": "application/json"}, "content": b'{"steps": "x"}'}),
    ("POST", "/things", {"headers": JSON, "content": b""}),
    ("POST", "/things", {"headers": JSON, "content": b"null"}),
    ("POST", "/things", {"headers": JSON, "content": b'{"steps": NaN}'}),
    ("POST", "/things", {"headers": JSON, "content": b'{"steps": 1, "steps": 2}'}),
    ("POST", "/things", {"headers": JSON, "content": b'{"steps": 1'}),
    ("POST", "/things", {"headers": {"X-Key": "k", "Content-Type": "text/plain"}, "content": b'{"steps": 1}'}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "options"), REQUESTS)
def test_it_answers_as_fastapi_would(method: str, path: str, options: dict[str, Any]) -> None:
    answers = [served(route_class).request(method, path, **options) for route_class in (DirectRoute, StrictJSONRoute)]
    direct, by_fastapi = [(answer.status_code, answer.text, answer.headers.get("content-type")) for answer in answers]
    assert direct == by_fastapi


def test_it_is_described_as_fastapi_would() -> None:
    direct, by_fastapi = (
        served(route_class).get("/openapi.json").json() for route_class in (DirectRoute, StrictJSONRoute)
    )
    assert direct == by_fastapi
    assert set(direct["paths"]) == {"/things", "/things/{name}"}

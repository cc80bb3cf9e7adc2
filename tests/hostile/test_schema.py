"""Every route under cases made from the API's own description, fitting and unfitting: it answers as it says it would.

schemathesis makes the cases and is the judge: no 5xx, no status, media type or body that the description does not know.
"""

from collections import Counter
from typing import Any

import pytest
import requests
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis.checks import not_a_server_error
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.deps import Services
from tests.api.kit import MODEL, Worker, noise, png
from tests.api.test_openapi import ROUTES
from tests.worker.engine.tiny import tokenizer

PER_ROUTE, PER_ROUTE_SLOW = 100, 1000  # cases; 2,000 and 20,000 over twenty routes
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
TRACES = ("Traceback", 'File \\"', "site-packages", "api/routes/")

# What any request may carry besides, for routes without parameters too.
HEADERS = st.dictionaries(
    st.sampled_from(["Accept", "Cookie", "If-None-Match", "If-Modified-Since", "Range", "Accept-Language", "X-Odd"]),
    st.text(st.characters(min_codepoint=32, max_codepoint=255, exclude_characters="\x7f"), max_size=20).map(str.strip),
    max_size=2,
)


class Fuzz:
    """Sends cases, judges and counts the answers."""

    def __init__(self, client: TestClient, services: Services) -> None:
        self.schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
        self._client, self._services = client, services
        self.statuses: Counter[int] = Counter()
        job_id = client.post("/api/v1/jobs", json={"kind": "txt2img", "prompt": "a cat"}).json()["id"]
        picture = client.post("/api/v1/images", content=png(noise(32, 32)), headers={"Content-Type": "image/png"})
        Worker(services.store, services.blobs).do(job_id)
        services.store.publish_tokenizer(MODEL, tokenizer().dump)
        self._known = {"job_id": job_id, "image_id": picture.json()["id"]}

    def cases(self, route: str) -> Any:
        """Fitting and unfitting ones; for a route with an id, half of them with one that exists."""
        method, path = route.split()
        operation = self.schema[path][method]
        known = {name: value for name, value in self._known.items() if f"{{{name}}}" in path}
        ways = [operation.as_strategy(GenerationMode.POSITIVE, path_parameters=given) for given in ({}, known)]
        if operation.body or operation.query or operation.path_parameters:
            ways.append(operation.as_strategy(GenerationMode.NEGATIVE))
        return st.one_of(ways)

    def send(self, case: Any, headers: dict[str, str]) -> None:
        self._services.store.redis.delete("darkroom:queued")  # a full queue would refuse before anything is read
        asked = requests.Request(**case.as_transport_kwargs(base_url="http://testserver")).prepare()
        own = {name: value for name, value in asked.headers.items() if name.lower() != "content-length"}
        sent = [(name, value.encode("latin-1")) for name, value in {**headers, **own, "X-Requested-With": "x"}.items()]
        answer = self._client.request(str(asked.method), str(asked.url), content=asked.body, headers=sent)
        self.statuses[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)
        assert not [trace for trace in TRACES if trace in answer.text]


def fuzz(client: TestClient, services: Services, route: str, cases: int) -> None:
    tried = Fuzz(client, services)

    @settings(
        max_examples=cases, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=[*HealthCheck]
    )
    @given(tried.cases(route), HEADERS)
    def send(case: Any, headers: dict[str, str]) -> None:
        tried.send(case, headers)

    send()
    assert sum(tried.statuses.values()) >= cases, tried.statuses
    print(route, dict(sorted(tried.statuses.items())))


@pytest.mark.parametrize("route", ROUTES)
def test_every_route_answers_as_described(client: TestClient, services: Services, route: str) -> None:
    fuzz(client, services, route, PER_ROUTE)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("route", ROUTES)
def test_every_route_answers_as_described_at_length(client: TestClient, services: Services, route: str) -> None:
    fuzz(client, services, route, PER_ROUTE_SLOW)

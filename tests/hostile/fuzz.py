"""Sends what schemathesis makes of the API's own description, as four different people, and judges the answers."""

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from urllib.parse import unquote

import requests
import schemathesis
from fastapi.testclient import TestClient
from hypothesis import HealthCheck, Phase, assume, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from api.deps import Services
from contract import keys
from contract.access import Scope
from contract.store import Claim
from tests.api.kit import MODEL, Worker, announce, key_of, noise, png
from tests.api.test_access import scopes_of
from tests.contract.vocabulary import tokenizer

Person = Literal["nobody", "stranger", "reader", "admin"]  # no key, a wrong one, one that may only read, one for all

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
TRACES = (b"Traceback", b'File \\"', b"site-packages", b"api/routes/")
AFAR = ("203.0.113.9", 1234)  # an address that is let in by nothing but a key
LONGEST = 65_536  # characters of an address: the client sends none longer
WRONG = "Bearer darkroom_aaaaaaaa_" + "a" * 52
CREDENTIALS = ("authorization", "x-api-key", "cookie")
KNOWN = {"job_id": "job_" + "a" * 26, "image_id": "img_" + "a" * 26}  # stand for ids of things that exist


def generate(cases: int, **more: Any) -> settings:
    """Hypothesis's settings: so many cases, and nothing of it kept, shrunk or timed."""
    return settings(
        max_examples=cases, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=[*HealthCheck], **more,
    )  # fmt: skip


class Fuzz:
    """The API with two keys, and what an admin has made."""

    def __init__(self, client: TestClient, services: Services) -> None:
        self.client, self.services = client, services
        self.schema = schemathesis.openapi.from_dict(client.get("/openapi.json").json())
        self.statuses: dict[Person, Counter[int]] = {}

    def begin(self) -> None:
        """Nothing is there but the two keys, a worker that has announced its model, and a job and a picture."""
        self.services.store.redis.flushall()
        # A worker that is never silent: /readyz is 503 fifteen seconds after the last heartbeat.
        announce(self.services.store, heartbeat_at=datetime.now(UTC) + timedelta(days=1))
        self.services.store.publish_tokenizer(MODEL, tokenizer().dump)
        self.keys = {
            "reader": key_of(self.services, "reader", Scope.READ)[1],
            "admin": key_of(self.services, "root", Scope.ADMIN)[1],
        }
        self.statuses = {person: Counter() for person in ("nobody", "stranger", "reader", "admin")}
        self._make()

    def _make(self) -> None:
        admin = self.keys["admin"]
        job = self.client.post("/api/v1/jobs", json={"kind": "txt2img", "prompt": "a cat"}, headers=admin)
        picture = self.client.post(
            "/api/v1/images", content=png(noise(32, 32)), headers={**admin, "Content-Type": "image/png"}
        )
        self._do(job.json()["id"])
        self._known = {"job_id": job.json()["id"], "image_id": picture.json()["id"]}

    def _do(self, job_id: str) -> None:
        """Run this job to its end, whatever a walk has left before it; that waits on."""
        store = self.services.store
        store.redis.delete(keys.PAUSE)
        others: list[Claim] = []
        while True:
            claim = store.claim(f"helper-{len(others)}", 600)  # one that has a suspect takes no more
            assert claim
            if claim.job_id == job_id:
                break
            others.append(claim)
        Worker(self.services).picture(claim)
        assert store.finish(claim)
        for other in others:
            store.release(other)

    def send(self, case: Any, person: Person, headers: dict[str, str] | None = None) -> Any:
        """The answer, counted and found right. `headers`: more of them, unless the case has them."""
        asked = requests.Request(**case.as_transport_kwargs(base_url="http://testserver")).prepare()
        url = str(asked.url)
        for name, stands in KNOWN.items():
            url = url.replace(stands, self._known[name])
        assume(len(url) <= LONGEST)
        own = {name: value for name, value in asked.headers.items() if name.lower() != "content-length"}
        sent = {**(headers or {}), **own, "X-Requested-With": "x"}
        if person != "stranger":
            sent = {name: value for name, value in sent.items() if name.lower() not in CREDENTIALS}
        elif not any(sent.get(name) for name in sent if name.lower() in CREDENTIALS):
            sent["Authorization"] = WRONG
        sent |= self.keys.get(person, {})
        answer = self.client.request(
            str(asked.method), url, content=asked.body, headers=[(n, v.encode("latin-1")) for n, v in sent.items()]
        )
        self._judge(case, person, url, answer)
        if answer.status_code == 204 and any(known in url for known in self._known.values()):
            self._make()
        return answer

    def _judge(self, case: Any, person: Person, url: str, answer: Any) -> None:
        self.statuses[person][answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)
        assert not [trace for trace in TRACES if trace in answer.content]
        needed = scopes_of(case.operation.method.upper(), case.operation.path)
        if not unquote(url.partition("?")[0]).isprintable():
            assert answer.status_code == 404
        elif needed and person in ("nobody", "stranger"):
            assert answer.status_code == 401
        elif needed and person == "reader" and Scope.READ not in needed:
            assert answer.status_code == 403
        else:
            assert answer.status_code not in (401, 403, 429)


@contextmanager
def fuzzing(client: TestClient) -> Iterator[Fuzz]:
    """The API as seen from another machine."""
    app: Any = client.app
    transport: Any = client._transport
    before, transport.client = transport.client, AFAR
    yield Fuzz(client, app.state.services)
    transport.client = before
    app.state.services.store.redis.flushall()

"""Answers that take long end with the right to them: a revoked or expired key, a session that ended, the first key."""

import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api import access
from api.deps import Services
from api.routes import jobs
from contract.access import Quota, Scope
from tests.api.kit import key_of

JOB = {"kind": "txt2img", "prompt": "a cat", "steps": 4}
BOTH = (Scope.GENERATE, Scope.READ)


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (access, jobs):
        monkeypatch.setattr(module, "REVIEW_SECONDS", 0.2)


class Call(threading.Thread):
    """A request that runs beside the test."""

    def __init__(self, client: TestClient, path: str, headers: dict[str, str]) -> None:
        super().__init__(daemon=True)
        self.answer: Any = None
        self._ask: Callable[[], Any] = lambda: client.get(path, headers=headers)
        self.start()

    def run(self) -> None:
        self.answer = self._ask()

    def result(self) -> Any:
        self.join(60)
        assert not self.is_alive(), "it goes on"
        return self.answer


@pytest.fixture
def job(client: TestClient, services: Services) -> Iterator[tuple[str, dict[str, str]]]:
    """A waiting job's address, and its owner alice's key."""
    _, alice = key_of(services, "alice")
    path = f"/api/v1/jobs/{client.post('/api/v1/jobs', json=JOB, headers=alice).json()['id']}"
    yield path, alice
    services.store.cancel(path.rpartition("/")[2])  # ends what a failed test left


def held(services: Services, path: str, *calls: Call) -> None:
    """Until these calls wait for the job to change; and several reviews do not end them."""
    job_id, deadline = path.rpartition("/")[2], time.monotonic() + 60
    while len(services.changes._waiting.get(job_id, ())) < len(calls):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    time.sleep(0.7)
    assert all(call.is_alive() for call in calls)


Ending = Callable[[Services, dict[str, str]], Any]
ENDINGS: dict[str, Ending] = {
    "revoked": lambda services, alice: services.keys.revoke("alice"),
    "expired": lambda services, alice: services.keys.rotate("alice", 0.5),
    "signed out": lambda services, alice: services.keys.sign_out(alice["Cookie"].partition("=")[2]),
}


def as_sent(services: Services, how: str, alice: dict[str, str]) -> dict[str, str]:
    """alice's key, or her session."""
    if how != "signed out":
        return alice
    return {"Cookie": f"darkroom_session={services.keys.sign_in(alice['Authorization'].split()[1])}"}


def ended(client: TestClient, services: Services, job: tuple[str, dict[str, str]], rest: str, how: str) -> Any:
    """The answer to a call that was held when alice's way in ended."""
    path, alice = job
    sent = as_sent(services, how, alice)
    call = Call(client, path + rest, sent)
    held(services, path, call)
    ENDINGS[how](services, sent)
    return call.result()


@pytest.mark.parametrize("how", ENDINGS)
def test_a_stream_ends(client: TestClient, services: Services, job: tuple[str, dict[str, str]], how: str) -> None:
    answer = ended(client, services, job, "/events", how)
    assert (answer.status_code, "event: state" in answer.text, "event: done" in answer.text) == (200, True, False)
    assert services.store.counts() == (1, 0)  # the job waits on


@pytest.mark.parametrize("how", ENDINGS)
def test_a_long_poll_ends(client: TestClient, services: Services, job: tuple[str, dict[str, str]], how: str) -> None:
    answer = ended(client, services, job, "?wait=30", how)
    assert (answer.status_code, answer.headers["content-type"]) == (401, "application/problem+json")
    assert answer.headers["www-authenticate"].startswith("Bearer")


def test_who_came_before_the_first_key_goes_with_it(client: TestClient, services: Services) -> None:
    path = f"/api/v1/jobs/{client.post('/api/v1/jobs', json=JOB).json()['id']}"
    calls = [Call(client, path + rest, {}) for rest in ("?wait=30", "/events")]
    held(services, path, *calls)
    services.keys.add("first", BOTH, Quota())
    poll, stream = (call.result() for call in calls)
    assert (poll.status_code, stream.status_code, "event: done" in stream.text) == (401, 200, False)


def test_a_key_with_a_new_text_keeps_its_streams_of_the_new_one(
    client: TestClient, services: Services, job: tuple[str, dict[str, str]]
) -> None:
    path, alice = job
    _, text = services.keys.rotate("alice", 0.5)
    old, new = (Call(client, f"{path}/events", headers) for headers in (alice, {"Authorization": f"Bearer {text}"}))
    assert "event: done" not in old.result().text
    held(services, path, new)
    services.store.cancel(path.rpartition("/")[2])
    assert "event: done" in new.result().text

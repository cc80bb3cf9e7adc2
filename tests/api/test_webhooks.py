"""Webhooks from the request to the receiver: refused or taken, signed, sent again, and seen by their owner."""

import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.courier import Courier
from api.deps import Services
from api.main import create_app
from contract import keys
from contract.access import Scope
from contract.deliveries import Deliveries
from tests.api.kit import LOOPBACK, Worker, key_of
from tests.api.receiver import Receiver, receiving
from tests.conftest import plain_settings

JOBS = "/api/v1/jobs"
URL = "https://hooks.studio.example/told"


def job(url: str = URL, **webhook: Any) -> dict[str, Any]:
    return {"kind": "txt2img", "prompt": "a cat", "steps": 4, "webhook": {"url": url, **webhook}}


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


@pytest.fixture
def open_client(client: TestClient, services: Services, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """The app as if webhooks were allowed from now on; no courier of its own runs."""
    assert isinstance(client.app, FastAPI)
    settings = services.settings.model_copy(update={"webhooks": True})
    monkeypatch.setitem(client.app.state._state, "services", replace(services, settings=settings))
    return client


@pytest.fixture
def courier(services: Services, receiver: Receiver) -> Courier:
    return Courier(services.store, services.keys, receiver.outbound())


@pytest.fixture
def ended(open_client: TestClient, worker: Worker, receiver: Receiver) -> Callable[..., str]:
    """Submit a job that is told to the receiver, and run it; its id."""

    def make(headers: dict[str, str] | None = None, **webhook: Any) -> str:
        answer = open_client.post(JOBS, json=job(receiver.url, **webhook), headers=headers)
        assert answer.status_code == 202, answer.text
        job_id: str = answer.json()["id"]
        worker.do(job_id)
        return job_id

    return make


def deliver_due(courier: Courier) -> int:
    taken = courier.take()
    for each in taken:
        courier.deliver(each)
    return len(taken)


def make_due(services: Services, job_id: str) -> None:
    services.store.redis.zadd(keys.DELIVERIES, {job_id: 1}, xx=True)


def deliveries(client: TestClient, job_id: str, headers: dict[str, str] | None = None) -> Any:
    answer = client.get(f"{JOBS}/{job_id}/deliveries", headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


# --- at the door -----------------------------------------------------------------------------------


def test_off_unless_allowed(client: TestClient, services: Services) -> None:
    answer = client.post(JOBS, json=job())
    assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (422, ["body", "webhook"])
    assert "DARKROOM_WEBHOOKS" in answer.json()["detail"]
    grid = {"kind": "grid", "base": job(), "x": {"field": "steps", "values": "4-5"}}
    answer = client.post(JOBS, json=grid)
    assert (answer.status_code, answer.json()["errors"][0]["loc"]) == (422, ["body", "base", "webhook"])
    assert services.store.counts() == (0, 0)
    assert client.post(JOBS, json={**job(), "webhook": None}).status_code == 202


BAD = ["http://a.example/", "https://127.0.0.1/", "https://u:p@a.example/", "https://a.example:25/"]


@pytest.mark.parametrize("url", BAD)
def test_a_bad_address_is_422_and_says_what_to_change(open_client: TestClient, url: str) -> None:
    answer = open_client.post(JOBS, json=job(url))
    (error,) = answer.json()["errors"]
    assert (answer.status_code, error["loc"]) == (422, ["body", "webhook", "url"])
    assert error["msg"].startswith("must ")
    assert url not in answer.text


def test_taken_and_told_with_the_request_but_not_with_the_pictures(open_client: TestClient) -> None:
    told = open_client.post(JOBS, json=job(events=["job.failed"])).json()["request"]["webhook"]
    assert told == {"url": URL, "events": ["job.failed"]}
    every = open_client.post(JOBS, json=job()).json()["request"]["webhook"]["events"]
    assert every == ["job.succeeded", "job.failed", "job.cancelled"]


def test_an_idempotency_key_knows_the_webhook(open_client: TestClient) -> None:
    headers = {"Idempotency-Key": "k"}
    assert open_client.post(JOBS, json=job(), headers=headers).status_code == 202
    assert open_client.post(JOBS, json=job(URL + "2"), headers=headers).status_code == 409


# --- what is sent ----------------------------------------------------------------------------------


def test_a_message_as_its_receiver_checks_it(
    open_client: TestClient, courier: Courier, receiver: Receiver, ended: Callable[..., str]
) -> None:
    job_id = ended()
    assert deliver_due(courier) == 1
    (heard,) = receiver.heard
    assert (heard.path, heard.headers["content-type"]) == ("/told?x=1", "application/json")
    told = json.loads(heard.body)
    assert (told["type"], told["data"]["id"], told["data"]["state"]) == ("job.succeeded", job_id, "succeeded")
    assert told["data"]["images"] == open_client.get(f"{JOBS}/{job_id}").json()["images"]
    # The signature, taken from the specification's words alone.
    secret = open_client.get("/api/v1/webhook-secret").json()["secret"]
    name, at = heard.headers["webhook-id"], heard.headers["webhook-timestamp"]
    signed = name.encode() + b"." + at.encode() + b"." + heard.body
    digest = hmac.new(base64.b64decode(secret.split("_", 1)[1]), signed, hashlib.sha256).digest()
    assert heard.headers["webhook-signature"] == "v1," + base64.b64encode(digest).decode()
    assert abs(int(at) - time.time()) < 300
    seen = deliveries(open_client, job_id)
    assert (seen["state"], seen["webhook_id"], seen["next_at"]) == ("delivered", name, None)
    (attempt,) = seen["attempts"]
    assert (attempt["number"], attempt["status"], attempt["error"]) == (1, 204, None)
    assert deliver_due(courier) == 0


def test_while_a_secret_is_replaced_both_sign(
    open_client: TestClient, courier: Courier, receiver: Receiver, ended: Callable[..., str]
) -> None:
    old = open_client.get("/api/v1/webhook-secret").json()["secret"]
    answer = open_client.post("/api/v1/webhook-secret")
    assert (answer.status_code, answer.json()["replaced"]) == (200, old)
    assert answer.headers["cache-control"] == "no-store"
    ended()
    deliver_due(courier)
    assert len(receiver.heard[0].headers["webhook-signature"].split(" ")) == 2


def test_what_fails_is_sent_again_as_the_specification_advises(
    open_client: TestClient, services: Services, courier: Courier, receiver: Receiver, ended: Callable[..., str]
) -> None:
    receiver.answers = [500, 302, 404, 503, 500, 500, 500, 500, 500, 500]
    job_id = ended()
    pauses = []
    for number in range(1, 11):
        make_due(services, job_id)
        assert deliver_due(courier) == 1
        seen = deliveries(open_client, job_id)
        assert len(seen["attempts"]) == number
        due = services.store.redis.zscore(keys.DELIVERIES, job_id)
        if isinstance(due, float):
            pauses.append(due / 1000 - services.store.now().timestamp())
    for pause, advised in zip(pauses, (5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400), strict=True):
        assert advised - 30 <= pause <= 1.1 * advised
    assert [each["status"] for each in seen["attempts"]] == [500, 302, 404, 503, 500, 500, 500, 500, 500, 500]
    assert (seen["state"], seen["next_at"]) == ("given_up", None)
    assert len({heard.headers["webhook-id"] for heard in receiver.heard}) == 1
    assert len({heard.body for heard in receiver.heard}) == 1
    assert deliver_due(courier) == 0


def test_a_receiver_that_is_gone_is_asked_no_more(
    open_client: TestClient, courier: Courier, receiver: Receiver, ended: Callable[..., str]
) -> None:
    receiver.answers = [410]
    job_id = ended()
    assert deliver_due(courier) == 1
    seen = deliveries(open_client, job_id)
    assert (seen["state"], seen["next_at"], seen["attempts"][0]["status"]) == ("given_up", None, 410)


def test_what_cannot_be_reached_is_told_without_what_is_inside(
    open_client: TestClient, services: Services, receiver: Receiver, ended: Callable[..., str]
) -> None:
    inside = receiver.outbound(resolve=lambda host, port: ["10.1.2.3"], allowed=lambda address: False)
    job_id = ended()
    deliver_due(Courier(services.store, services.keys, inside))
    seen = deliveries(open_client, job_id)
    assert (seen["state"], seen["attempts"][0]["status"]) == ("waiting", None)
    assert seen["attempts"][0]["error"] == "the name leads to an address that is not public"
    assert seen["next_at"] is not None
    assert receiver.heard == []


def test_a_process_that_dies_before_it_notes_the_answer_is_made_up_for(
    open_client: TestClient, services: Services, receiver: Receiver, ended: Callable[..., str]
) -> None:
    first = Courier(services.store, services.keys, receiver.outbound(), lease=0.2)
    second = Courier(services.store, services.keys, receiver.outbound())
    job_id = ended()

    def killed(*_: Any) -> None:
        raise SystemExit

    (taken,) = first.take()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Deliveries, "note", killed)
        with pytest.raises(SystemExit):
            first.deliver(taken)  # sent, and not a word of it written
    assert (len(receiver.heard), deliveries(open_client, job_id)["attempts"]) == (1, [])
    deadline = time.monotonic() + 30
    while not deliver_due(second):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert [heard.headers["webhook-id"] for heard in receiver.heard] == ["msg_" + job_id[4:]] * 2
    seen = deliveries(open_client, job_id)
    assert (seen["state"], [each["number"] for each in seen["attempts"]]) == ("delivered", [2])


def test_two_processes_send_each_message_once(
    services: Services, receiver: Receiver, ended: Callable[..., str]
) -> None:
    ids = {ended() for _ in range(6)}
    crowd = [Courier(services.store, services.keys, receiver.outbound()) for _ in range(3)]

    def rounds(each: Courier) -> None:
        for _ in range(4):
            deliver_due(each)

    threads = [threading.Thread(target=rounds, args=(each,)) for each in crowd]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(json.loads(heard.body)["data"]["id"] for heard in receiver.heard) == sorted(ids)


def test_a_revoked_keys_jobs_tell_nobody(
    open_client: TestClient, services: Services, courier: Courier, receiver: Receiver, ended: Callable[..., str]
) -> None:
    _, admin = key_of(services, "root", Scope.ADMIN)
    _, alice = key_of(services, "alice")
    job_id = ended(alice)
    services.keys.revoke("alice")
    assert deliver_due(courier) == 1
    seen = deliveries(open_client, job_id, admin)
    assert (seen["state"], seen["attempts"][0]["error"]) == ("given_up", "its key is revoked")
    assert receiver.heard == []


def test_secrets_are_each_keys_own(open_client: TestClient, services: Services) -> None:
    headers = [key_of(services, name)[1] for name in ("alice", "bob")]
    headers.append(key_of(services, "root", Scope.ADMIN)[1])
    secrets = [open_client.get("/api/v1/webhook-secret", headers=each).json()["secret"] for each in headers]
    assert len(set(secrets)) == 3
    assert open_client.get("/api/v1/webhook-secret").status_code == 401
    reader = key_of(services, "reader", Scope.READ)[1]
    assert open_client.post("/api/v1/webhook-secret", headers=reader).status_code == 403


def test_a_running_app_delivers_by_itself(
    services: Services, receiver: Receiver, worker: Worker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("api.main.Outbound", receiver.outbound)
    settings = plain_settings(data=tmp_path, redis_url=services.settings.redis_url, webhooks=True)
    with TestClient(create_app(settings), client=LOOPBACK) as client:
        job_id = client.post(JOBS, json=job(receiver.url)).json()["id"]
        worker.do(job_id)
        deadline = time.monotonic() + 60
        while deliveries(client, job_id)["state"] != "delivered":
            assert time.monotonic() < deadline
            time.sleep(0.1)
    assert len(receiver.heard) == 1

"""What steers the queue over HTTP: pause, resume, move, retry, deadlines, Idempotency-Key."""

import time

import pytest
from fastapi.testclient import TestClient

from contract.errors import ErrorCode
from tests.api.kit import Worker

JOBS = "/api/v1/jobs"
JOB = {"kind": "txt2img", "prompt": "a cat", "steps": 4}


def submit(client: TestClient, **more: object) -> str:
    answer = client.post(JOBS, json={**JOB, **more})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["id"])


def test_pausing_and_resuming_a_job(client: TestClient, worker: Worker) -> None:
    job_id = submit(client)
    answer = client.post(f"{JOBS}/{job_id}/pause")
    assert (answer.status_code, answer.json()["paused"], answer.json()["state"]) == (202, True, "queued")
    assert worker.store.claim("w1", 60) is None
    answer = client.post(f"{JOBS}/{job_id}/resume")
    assert (answer.status_code, answer.json()["paused"]) == (202, False)
    worker.do(job_id)
    for verb in ("pause", "resume", "move"):
        answer = client.post(f"{JOBS}/{job_id}/{verb}", json={"to": "first"})
        assert answer.status_code == 409, verb


def test_pausing_and_resuming_the_queue(client: TestClient, worker: Worker) -> None:
    job_id = submit(client)
    assert client.get("/api/v1/queue").json()["paused"] is False
    answer = client.post("/api/v1/queue/pause")
    assert (answer.status_code, answer.json()["paused"], answer.json()["queued"]) == (200, True, 1)
    assert worker.store.claim("w1", 60) is None
    assert client.post("/api/v1/queue/resume").json()["paused"] is False
    worker.do(job_id)


def test_moving_among_ones_own(client: TestClient) -> None:
    ids = [submit(client) for _ in range(3)]
    for to, position in (("first", 0), ("last", 2), (1, 1), ("earlier", 0), ("later", 1)):
        answer = client.post(f"{JOBS}/{ids[2]}/move", json={"to": to})
        assert (answer.status_code, answer.json()["progress"]["position"]) == (202, position)
    for wrong in ({"to": -1}, {"to": "up"}, {"to": "1"}, {}, {"to": 1, "by": 2}):
        assert client.post(f"{JOBS}/{ids[0]}/move", json=wrong).status_code == 422


def test_another_priority_while_it_waits(client: TestClient, worker: Worker) -> None:
    first, second = submit(client), submit(client)
    for _ in range(2):  # said twice, it is no error
        answer = client.patch(f"{JOBS}/{second}", json={"priority": "high"})
        assert (answer.status_code, answer.json()["progress"]["position"]) == (200, 0)
        assert answer.json()["request"]["priority"] == "high"
    assert client.get(f"{JOBS}/{first}").json()["progress"]["position"] == 1
    claim = worker.claim(second)
    answer = client.patch(f"{JOBS}/{second}", json={"priority": "low"})
    assert (answer.status_code, answer.json()["detail"]) == (
        409,
        "Only a job that waits can get another priority; this one is running.",
    )
    assert client.patch(f"{JOBS}/{second}", json={"priority": "high"}).status_code == 200
    worker.store.finish(claim)
    wrongs: list[object] = [{"priority": "urgent"}, {"priority": None}, {}, {"priority": "low", "steps": 3}, []]
    for wrong in wrongs:
        assert client.patch(f"{JOBS}/{first}", json=wrong).status_code == 422
    assert client.patch(f"{JOBS}/job_{'a' * 26}", json={"priority": "low"}).status_code == 404


def test_trying_a_failed_job_again(client: TestClient, worker: Worker) -> None:
    job_id = submit(client)
    assert client.post(f"{JOBS}/{job_id}/retry").status_code == 409
    worker.store.fail(worker.claim(job_id), ErrorCode.OUT_OF_MEMORY, "no room")
    answer = client.post(f"{JOBS}/{job_id}/retry")
    again = answer.json()
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"{JOBS}/{again['id']}"
    assert (again["state"], again["request"]) == ("queued", client.get(f"{JOBS}/{job_id}").json()["request"])


@pytest.mark.parametrize("field", ["start_within", "finish_within"])
def test_deadlines_are_positive_and_bounded(client: TestClient, field: str) -> None:
    submit(client, **{field: 3600})
    for wrong in (0, -1, 1e9):
        answer = client.post(JOBS, json={**JOB, field: wrong})
        assert answer.status_code == 422
        assert answer.json()["errors"][0]["loc"] == ["body", field]


def test_the_same_idempotency_key_is_the_same_job(client: TestClient) -> None:
    headers = {"Idempotency-Key": "order-1"}
    first = client.post(JOBS, json=JOB, headers=headers)
    again = client.post(JOBS, json=JOB, headers=headers)
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json()["id"] == first.json()["id"]
    assert again.headers["Location"] == first.headers["Location"]
    assert again.json()["request"]["seed"] == first.json()["request"]["seed"]
    other = client.post(JOBS, json={**JOB, "steps": 5}, headers=headers)
    assert other.status_code == 409
    assert other.headers["content-type"] == "application/problem+json"
    assert client.get("/api/v1/queue").json()["queued"] == 1
    assert client.post(JOBS, json=JOB, headers={"Idempotency-Key": "x" * 256}).status_code == 422


@pytest.mark.parametrize("verb", ["pause", "resume", "retry"])
def test_an_unknown_job_cannot_be_steered(client: TestClient, verb: str) -> None:
    assert client.post(f"{JOBS}/job_{'a' * 26}/{verb}").status_code == 404


def test_a_job_that_cannot_start_in_time_is_not_accepted(client: TestClient, worker: Worker) -> None:
    running = worker.claim(submit(client))
    worker.store.progress(running, 1)
    for _ in range(5):
        submit(client)
    time.sleep(0.2)  # a worker that takes so long for a step …
    worker.store.progress(running, 2)
    answer = client.post(JOBS, json={**JOB, "start_within": 0.01})
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) >= 1
    assert "start_within" in answer.json()["detail"]
    submit(client, start_within=3600)

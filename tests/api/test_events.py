"""Server-sent events of a job, read as a browser reads them."""

import json
import threading
from typing import Any

from fastapi.testclient import TestClient

from contract import keys
from tests.api.kit import Worker

JOBS = "/api/v1/jobs"
JOB = {"kind": "txt2img", "prompt": "a cat", "steps": 4}


def follow(client: TestClient, job_id: str, after: str | None = None) -> list[dict[str, Any]]:
    """Every event until the stream ends."""
    answer = client.get(f"{JOBS}/{job_id}/events", headers={"Last-Event-ID": after} if after else {})
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    found = []
    for block in answer.text.split("\n\n"):
        lines = [line.partition(": ")[::2] for line in block.splitlines() if not line.startswith(":")]
        if lines:
            event: dict[str, Any] = dict(lines)
            found.append({**event, "data": json.loads(event["data"])})
    return found


def test_a_job_is_told_from_its_submission_to_its_end(client: TestClient, worker: Worker) -> None:
    job_id = client.post(JOBS, json=JOB).json()["id"]
    heard: list[dict[str, Any]] = []
    listener = threading.Thread(target=lambda: heard.extend(follow(client, job_id)))
    listener.start()
    claim = worker.claim(job_id)
    worker.store.progress(claim, 2)
    worker.store.preview(claim, 0, b"jpeg")
    worker.picture(claim)
    worker.store.finish(claim)
    listener.join(20)
    assert [(e["event"], e["data"].get("state")) for e in heard] == [
        ("state", "queued"), ("state", "running"), ("progress", "running"), ("preview", None), ("picture", "running"),
        ("done", "succeeded"),
    ]  # fmt: skip
    assert heard[2]["data"] == {"state": "running", "step": 2, "steps": 4}
    assert heard[3]["data"] == {"index": 0, "url": f"{JOBS}/{job_id}/preview?index=0"}
    ids = [event["id"] for event in heard]
    assert len(set(ids)) == 6
    assert follow(client, job_id, ids[3]) == heard[4:]
    # Who has heard the end, and comes again, hears it once more and not for ever nothing.
    assert [e["event"] for e in follow(client, job_id, ids[5])] == ["done"]


def test_events_are_bounded_and_go_an_hour_after_the_end(client: TestClient, worker: Worker) -> None:
    job_id = client.post(JOBS, json={**JOB, "steps": 300}).json()["id"]
    claim = worker.claim(job_id)
    for step in range(1, 150):
        worker.store.progress(claim, step)
        worker.store.preview(claim, 0, b"jpeg")
    assert worker.store.redis.xlen(keys.events(job_id)) == 100
    worker.store.finish(claim)
    ttl = worker.store.redis.ttl(keys.events(job_id))
    assert isinstance(ttl, int)
    assert 3500 < ttl <= 3600
    worker.store.redis.delete(keys.events(job_id))
    assert [(e["event"], e["data"]) for e in follow(client, job_id)] == [("done", {"state": "succeeded"})]


def test_a_deleted_job_leaves_no_events(client: TestClient, worker: Worker) -> None:
    job_id = client.post(JOBS, json=JOB).json()["id"]
    claim = worker.claim(job_id)
    client.delete(f"{JOBS}/{job_id}")
    worker.store.cancelled(claim)
    worker.store.preview(claim, 0, b"late")
    assert not worker.store.redis.exists(keys.events(job_id))


def test_no_job_no_events(client: TestClient) -> None:
    assert client.get(f"{JOBS}/job_{'a' * 26}/events").status_code == 404
    job_id = client.post(JOBS, json=JOB).json()["id"]
    for no_id in ("x", "1-", "12-46819056983814459093"):
        assert client.get(f"{JOBS}/{job_id}/events", headers={"Last-Event-ID": no_id}).status_code == 422

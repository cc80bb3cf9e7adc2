"""Health, readiness, queue, metrics, and what there is to choose from."""

from datetime import UTC, datetime, timedelta

from fastapi.testclient import TestClient
from prometheus_client.parser import text_string_to_metric_families

from api.deps import Services
from contract.catalogue import SamplerId, ScheduleId
from tests.api.kit import MODEL, Worker, announce

JOB = {"kind": "txt2img", "prompt": "a cat"}


def test_ready_only_with_a_warm_worker(client: TestClient, services: Services) -> None:
    assert client.get("/readyz").json() == {"status": "ready", "workers": 1}
    announce(services.store, ready=False)
    cold = client.get("/readyz")
    assert (cold.status_code, cold.headers["content-type"]) == (503, "application/problem+json")
    assert "warm" in cold.json()["detail"]
    assert int(cold.headers["retry-after"]) > 0
    announce(services.store, heartbeat_at=datetime.now(UTC) - timedelta(seconds=16))
    silent = client.get("/readyz")
    assert silent.status_code == 503
    assert "No worker is running" in silent.json()["detail"]
    assert client.get("/healthz").status_code == 200


def test_the_queue(client: TestClient, worker: Worker) -> None:
    ids = [client.post("/api/v1/jobs", json=JOB).json()["id"] for _ in range(3)]
    worker.claim(ids[0])
    queue = client.get("/api/v1/queue").json()
    assert (queue["queued"], queue["running"]) == (2, 1)
    (told,) = queue["workers"]
    assert {"id", "host", "device", "models", "rows", "busy", "heartbeat_at"} <= set(told)
    assert client.get(f"/api/v1/jobs/{ids[2]}").json()["progress"]["position"] == 1


def test_what_there_is(client: TestClient) -> None:
    assert client.get("/api/v1/models").json() == [MODEL.model_dump(mode="json")]
    samplers = {sampler["name"]: sampler for sampler in client.get("/api/v1/samplers").json()}
    assert set(samplers) == set(SamplerId)
    told = samplers["heun"]
    assert (told["order"], told["evaluations"], told["adds_noise"]) == (2, 2, False)
    assert told["schedules"][0] == "karras"
    assert {"name": "s_tmax", "default": None} in told["options"]
    assert {schedule["name"] for schedule in client.get("/api/v1/schedules").json()} == set(ScheduleId)


def metrics(client: TestClient) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {(s.name, frozenset(s.labels.items())): s.value for family in families for s in family.samples}


def test_metrics_of_ledger_and_workers(client: TestClient, services: Services, worker: Worker) -> None:
    announce(services.store, busy=2, counters={"pictures": 3.0, "bad name": 1.0})
    worker.claim(client.post("/api/v1/jobs", json=JOB).json()["id"])
    client.post("/api/v1/jobs", json=JOB)
    found = metrics(client)
    at = frozenset({("worker", "w1"), ("device", "cpu")})
    assert found["darkroom_redis_up", frozenset()] == 1
    assert found["darkroom_jobs", frozenset({("state", "queued")})] == 1
    assert found["darkroom_jobs", frozenset({("state", "running")})] == 1
    assert found["darkroom_jobs", frozenset({("state", "paused")})] == 0
    assert 0 < found["darkroom_oldest_job_seconds", frozenset({("state", "queued")})] < 60
    assert found["darkroom_ledger_claims_total", frozenset()] == 1
    assert found["darkroom_hints_unread", frozenset()] == 2
    assert found["darkroom_workers", frozenset()] == 1
    assert found["darkroom_workers_ready", frozenset()] == 1
    assert found["darkroom_worker_busy", at] == 2
    assert found["darkroom_worker_pictures_total", at] == 3


def test_metrics_of_http(client: TestClient) -> None:
    """By route, not by path: ids would make a series each."""
    before = metrics(client)
    client.get(f"/api/v1/jobs/job_{'a' * 26}")
    client.get(f"/api/v1/jobs/job_{'b' * 26}")
    client.get("/nowhere")
    client.request("BREW", "/nowhere")
    after = metrics(client)

    def counted(name: str, **labels: str) -> float:
        key = name, frozenset(labels.items())
        return after[key] - before.get(key, 0.0)

    job = "/api/v1/jobs/{job_id}"
    assert counted("darkroom_http_requests_total", method="GET", route=job, status="404") == 2
    assert counted("darkroom_http_request_seconds_count", method="GET", route=job) == 2
    assert counted("darkroom_http_requests_total", method="GET", route="none", status="404") == 1
    assert counted("darkroom_http_requests_total", method="other", route="none", status="404") == 1

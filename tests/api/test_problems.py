"""Errors that are nobody's or our own fault."""

import logging
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.deps import Services
from api.main import create_app
from tests.api.kit import LOOPBACK, announce, noise, png
from tests.conftest import RedisServer, plain_settings

JOB = {"kind": "txt2img", "prompt": "a cat"}


@pytest.fixture
def apart(redis_server: RedisServer, tmp_path: Path) -> Iterator[TestClient]:
    """An app on a Redis of its own, for tests that stop it."""
    app = create_app(plain_settings(data=tmp_path, redis_url=redis_server.url))
    announce(app.state.services.store)
    with TestClient(app, raise_server_exceptions=False, client=LOOPBACK) as client:
        yield client


def test_without_redis_everything_is_503_and_comes_back(
    apart: TestClient, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = apart.post("/api/v1/jobs", json=JOB).json()["id"]
    redis_server.stop()
    calls: dict[str, dict[str, Any]] = {
        "POST /api/v1/jobs": {"json": JOB},
        f"GET /api/v1/jobs/{job_id}?wait=5": {},
        "GET /readyz": {},
        "POST /api/v1/images": {"content": png(noise(20, 20)), "headers": {"Content-Type": "image/png"}},
    }
    for call, body in calls.items():
        method, url = call.split()
        answer = apart.request(method, url, **body)
        assert answer.status_code == 503, call
        told = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) > 0
        assert "Redis" in told["detail"]
        assert "redis.sock" not in answer.text
        assert told["instance"] in caplog.text
    assert apart.get("/healthz").status_code == 200
    assert "darkroom_redis_up 0.0" in apart.get("/metrics").text
    redis_server.start()
    announce(_services(apart).store)
    assert apart.get("/readyz").status_code == 200
    assert apart.post("/api/v1/jobs", json=JOB).status_code == 202


def _services(client: TestClient) -> Services:
    assert isinstance(client.app, FastAPI)
    services: Services = client.app.state.services
    return services


def test_redis_away_in_the_middle_of_a_wait_is_503(apart: TestClient, redis_server: RedisServer) -> None:
    job_id = apart.post("/api/v1/jobs", json=JOB).json()["id"]
    Timer(0.3, redis_server.stop).start()
    assert apart.get(f"/api/v1/jobs/{job_id}?wait=10").status_code == 503


def test_a_fault_of_ours_tells_an_id_and_nothing_else(
    client: TestClient, services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError("secret in /root/secret.py")

    monkeypatch.setattr(services.store, "counts", broken)
    answer = client.get("/api/v1/queue")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    (record,) = [r for r in caplog.records if r.name == "api.problems"]
    assert record.levelno == logging.ERROR
    assert answer.json()["instance"] in record.getMessage()
    assert "secret in" in caplog.text


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/nothing", "/api/v1/jobs/", "/static/nothing.js", "/%ff%00"])
def test_nowhere(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "/docs" in answer.json()["detail"]


def test_other_methods(client: TestClient) -> None:
    answer = client.put("/api/v1/jobs")
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["allow"]
    assert "/docs" in answer.json()["detail"]

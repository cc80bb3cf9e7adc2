"""Request ids: in every answer, with the job, and only sane ones from outside."""

import pytest
from fastapi.testclient import TestClient

from tests.api.kit import Worker

JOB = {"kind": "txt2img", "prompt": "a cat", "steps": 4}


def test_a_sane_id_is_kept_with_the_job(client: TestClient, worker: Worker) -> None:
    answer = client.post("/api/v1/jobs", json=JOB, headers={"X-Request-ID": "order-17.b"})
    assert answer.headers["X-Request-ID"] == "order-17.b"
    assert worker.store.origin(answer.json()["id"]) == {"owner": "local", "request": "order-17.b"}


@pytest.mark.parametrize("given", ["", "a b", "x" * 65, "<script>", "a;b"])
def test_any_other_is_replaced(client: TestClient, given: str) -> None:
    answer = client.get("/healthz", headers={"X-Request-ID": given})
    assert answer.headers["X-Request-ID"].startswith("req_")


def test_errors_have_one_too(client: TestClient) -> None:
    assert client.get("/nowhere").headers["X-Request-ID"].startswith("req_")

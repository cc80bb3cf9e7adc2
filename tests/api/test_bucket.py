"""Pictures in a bucket of S3: served from there, and while it is away that is told and nothing else."""

from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.deps import Services
from api.main import create_app
from contract.settings import Settings
from tests.api.kit import LOOPBACK, Worker, announce, noise, png
from tests.bucket import STORE, S3Server, broken, running_s3, well

IMAGES = "/api/v1/images"
PNG = {"Content-Type": "image/png"}


@pytest.fixture
def s3() -> Iterator[S3Server]:
    with running_s3() as made:
        yield made


@pytest.fixture
def client(s3: S3Server, settings: Settings) -> Iterator[TestClient]:
    """Of an app that keeps its pictures there."""
    far = settings.model_copy(update={"store": f"{STORE}/darkroom", "store_http": True})
    with TestClient(create_app(far), raise_server_exceptions=False, client=LOOPBACK) as made:
        assert isinstance(made.app, FastAPI)
        yield made


def test_pictures_in_a_bucket(client: TestClient, s3: S3Server, settings: Settings) -> None:
    assert isinstance(client.app, FastAPI)
    services: Services = client.app.state.services
    announce(services.store)
    worker, data = Worker(services), png(noise(64, 48, 3))
    upload = client.post(IMAGES, content=data, headers=PNG).json()
    job_id = client.post("/api/v1/jobs", json={"kind": "txt2img", "prompt": "a cat"}).json()["id"]
    made = client.get(f"{IMAGES}/{worker.do(job_id)}")
    assert (made.status_code, made.headers["content-type"]) == (200, "image/png")
    assert services.blobs.get(upload["sha256"]) == client.get(upload["url"]).content
    assert not settings.blobs.exists()

    s3.mood = broken
    answers = [
        client.get(upload["url"]),
        client.get(f"{upload['url']}?size=64"),
        client.post(IMAGES, content=png(noise(48, 48, 3)), headers=PNG),
    ]
    for answer in answers:
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert int(answer.headers["retry-after"]) > 0
        assert s3.endpoint not in answer.text
    s3.mood = well
    assert client.get(upload["url"]).status_code == 200
    services.blobs.delete(upload["sha256"])
    assert client.get(upload["url"]).status_code == 404

"""A running app on a real Redis; the tests themselves play the worker."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.deps import Services
from api.main import create_app
from tests.api.kit import LOOPBACK, MAX_QUEUE, MAX_UPLOAD, Worker, announce, emptied
from tests.conftest import plain_settings, running_redis


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[str]:
    """A Redis for this folder: the app below runs to the end, and its reaper would take other folders' jobs."""
    with running_redis() as server:
        yield server.url


@pytest.fixture(scope="session")
def shared_client(shared_redis: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    """One running app for all tests of this folder: making one takes longer than most tests do."""
    data = tmp_path_factory.mktemp("data")
    settings = plain_settings(data=data, redis_url=shared_redis, max_queue=MAX_QUEUE, max_upload=MAX_UPLOAD)
    with TestClient(create_app(settings), raise_server_exceptions=False, client=LOOPBACK) as made:
        yield made


@pytest.fixture
def client(shared_client: TestClient, services: Services) -> TestClient:
    return shared_client


@pytest.fixture
def services(shared_client: TestClient, redis_url: str) -> Services:
    """What the app has; Redis and library hold nothing but a worker with the model `mini`: 128 x 96 pixels."""
    assert isinstance(shared_client.app, FastAPI)
    found: Services = shared_client.app.state.services
    announce(found.store)
    emptied(found.library)
    return found


@pytest.fixture
def worker(services: Services) -> Worker:
    return Worker(services)


@pytest.fixture
def upload(client: TestClient) -> Callable[[bytes], Any]:
    """Upload a picture; its record."""

    def send(data: bytes) -> Any:
        answer = client.post("/api/v1/images", content=data, headers={"Content-Type": "image/png"})
        assert answer.status_code == 201, answer.text
        return answer.json()

    return send

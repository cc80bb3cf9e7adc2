"""A running app on a real Redis of its own, for inputs that mean harm. It lives as long as the folder's tests."""

import logging
from collections.abc import Iterator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.deps import Services
from api.main import create_app
from tests.api.kit import LOOPBACK, announce, emptied
from tests.conftest import plain_settings, running_redis


@pytest.fixture(scope="session")
def hostile_client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    data = tmp_path_factory.mktemp("data")
    with running_redis() as redis:
        settings = plain_settings(
            data=data, redis_url=redis.url, max_upload=2 * 1024 * 1024, picture_seconds=120.0,
            rate_per_key=0, rate_per_address=0, rate_failures=1_000_000,
        )  # fmt: skip
        with TestClient(create_app(settings), raise_server_exceptions=False, client=LOOPBACK) as made:
            yield made


@pytest.fixture
def no_fault(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """Nothing broke behind the answers: a stream that has begun answers 200 whatever becomes of it."""
    yield
    assert not [record for record in caplog.get_records("call") if record.levelno >= logging.ERROR]


@pytest.fixture
def services(hostile_client: TestClient) -> Services:
    """What the app has; Redis is empty but for a worker that has announced the model `mini`."""
    assert isinstance(hostile_client.app, FastAPI)
    found: Services = hostile_client.app.state.services
    found.store.redis.flushall()
    announce(found.store)
    emptied(found.library)
    return found


@pytest.fixture
def client(hostile_client: TestClient, services: Services) -> TestClient:
    return hostile_client

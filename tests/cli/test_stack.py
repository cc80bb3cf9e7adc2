"""The whole of it: Redis, worker and api as `darkroom up` runs them."""

import http.client
import os
import re
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
import redis

from tests.cli.launched import Launched, eventually, left_over

START = 240  # seconds; 7 do on two idle cores, but a machine that trains beside has few to spare
pytestmark = pytest.mark.timeout(4 * START)


@dataclass
class Darkroom:
    """A data folder, a port, and the command that works with them."""

    launch: Callable[..., Launched]
    data: Path
    port: int

    def up(self, *flags: str) -> Launched:
        env = {name: value for name, value in os.environ.items() if not name.startswith("DARKROOM_")}
        data = str(self.data)
        return self.launch("-m", "cli", "up", "--port", str(self.port), "--data", data, *flags, env=env)

    def readyz(self) -> int:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status
        except OSError:
            return 0
        finally:
            connection.close()

    def redis(self) -> "redis.Redis":
        """A client of its Redis, wherever the socket lies."""
        config = (self.data / "redis" / "redis.conf").read_text()
        return redis.Redis(unix_socket_path=re.findall(r'unixsocket "(.*)"', config)[0], decode_responses=True)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def darkroom(launch: Callable[..., Launched], tmp_path: Path) -> Darkroom:
    return Darkroom(launch, tmp_path / "data", free_port())


def test_it_starts_stays_up_outlives_a_kill_and_ends_on_ctrl_c(darkroom: Darkroom) -> None:
    """One life of it, told in one test: each start of a worker loads torch."""
    first = started(darkroom)
    assert darkroom.readyz() == 200
    refuses_a_second(darkroom, first)

    first.below("uvicorn").kill()
    assert "starts again in 0.5 s" in first.until("api was ended by SIGKILL")
    eventually(lambda: darkroom.readyz() == 200, START)

    with darkroom.redis() as client:
        client.set("written", "before the kill")
    tree = first.tree()
    assert len(tree) >= 4  # Redis, worker, api and the guard
    first.process.kill()
    second = started(darkroom)  # no process is left behind, and no lock
    assert not left_over(tree)
    with darkroom.redis() as client:
        assert client.get("written") == "before the kill"
        client.set("written", "before Ctrl-C")

    tree = second.tree()
    second.ctrl_c()
    assert second.end() == 0
    assert "killed" not in second.said[-1]
    assert not left_over(tree)
    log = (darkroom.data / "logs" / "redis.log").read_text()
    assert "Calling fsync() on the AOF file" in log
    appended = b"".join(file.read_bytes() for file in (darkroom.data / "redis").rglob("*.aof"))
    assert b"before Ctrl-C" in appended


def started(darkroom: Darkroom) -> Launched:
    """It runs, and has said so in its last line."""
    running = darkroom.up()
    running.until("ready", START)
    assert running.said[-1] == f"Darkroom is ready: http://127.0.0.1:{darkroom.port}  (Ctrl-C ends it)"
    return running


def refuses_a_second(darkroom: Darkroom, running: Launched) -> None:
    """On the same port, or on the same data."""
    refused = darkroom.up()
    assert (refused.end(), refused.said) == (
        1,
        [f"darkroom: port {darkroom.port} is taken; choose another, e.g. --port 8001"],
    )
    refused = darkroom.up("--port", str(free_port()))
    assert refused.end() == 1
    assert refused.said[0].startswith(
        f"darkroom: another Darkroom (process {running.process.pid}) uses the data folder"
    )

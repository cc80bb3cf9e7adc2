"""Our own Redis: which binary, what it is told, what it keeps; on the real server."""

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
import redis

from cli.redis_server import find_binary, lock, redis_folder, redis_server, socket_path
from contract.errors import DarkroomError
from contract.settings import Settings
from tests.cli.launched import eventually

Start = Callable[[], "subprocess.Popen[bytes]"]


@pytest.fixture
def ours() -> Iterator[Settings]:
    """Settings with our own Redis, in a folder whose path leaves room for a socket's."""
    with tempfile.TemporaryDirectory(prefix="dark room ") as folder:
        settings = Settings(_env_file=None, data=Path(folder) / "data")
        yield settings.model_copy(update={"redis_url": f"unix://{socket_path(settings)}"})


@pytest.fixture
def start(ours: Settings) -> Iterator[Start]:
    """Start our Redis as the supervisor would, and wait until it answers. SIGTERM ends it in order."""
    started: list[subprocess.Popen[bytes]] = []

    def begin() -> "subprocess.Popen[bytes]":
        service = redis_server(ours)
        started.append(subprocess.Popen(service.argv, stdout=subprocess.DEVNULL))
        eventually(lambda: service.waits_for() == "")
        return started[-1]

    yield begin
    started[-1].terminate()
    assert started[-1].wait(10) == 0


@pytest.fixture
def client(ours: Settings) -> Iterator["redis.Redis"]:
    with redis.Redis.from_url(ours.redis, decode_responses=True) as client:
        yield client


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_runs_as_it_is_told(ours: Settings, start: Start, client: "redis.Redis") -> None:
    process = start()
    asked = [
        "port",
        "appendonly",
        "appendfsync",
        "save",
        "maxmemory",
        "maxmemory-policy",
        "unixsocketperm",
        "daemonize",
    ]
    assert client.config_get(*asked) == {
        "port": "0",
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory": str(256 * 2**20),
        "maxmemory-policy": "noeviction",
        "unixsocketperm": "700",
        "daemonize": "no",
    }
    assert client.config_get("dir")["dir"] == str(ours.data / "redis")
    assert psutil.Process(process.pid).net_connections(kind="inet") == []


def test_what_could_harm_it_is_switched_off(start: Start, client: "redis.Redis") -> None:
    start()
    for call in (client.flushall, lambda: client.debug_object("key"), client.module_list):
        with pytest.raises(redis.ResponseError, match="unknown command"):
            call()


def test_only_its_owner_gets_in(ours: Settings, start: Start) -> None:
    start()
    socket = ours.data / "run" / "redis.sock"
    assert stat.S_ISSOCK(socket.stat().st_mode)
    assert (mode(socket), mode(socket.parent), mode(ours.data / "redis")) == (0o700, 0o700, 0o700)


def test_what_it_acknowledged_survives_a_kill(start: Start, client: "redis.Redis") -> None:
    process = start()
    client.mset({f"key{i}": "kept" for i in range(500)})
    process.kill()
    process.wait()
    client.close()
    start()  # over the socket the dead one left
    assert client.dbsize() == 500


def fill(client: "redis.Redis") -> None:
    for i in range(1000):
        client.set(f"key{i}", "x" * 100_000)


def test_a_full_memory_refuses_and_forgets_nothing(start: Start, client: "redis.Redis") -> None:
    start()
    client.config_set("maxmemory", 5_000_000)
    with pytest.raises(redis.OutOfMemoryError):
        fill(client)
    kept = client.dbsize()
    assert kept > 5
    assert client.exists(*(f"key{i}" for i in range(kept))) == kept


def test_no_redis_is_told_from_one_that_answers(ours: Settings) -> None:
    assert redis_server(ours).waits_for() == "Redis starts"


@pytest.mark.parametrize("length", [60, 100, 150])
def test_a_socket_path_that_is_too_long_moves(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, length: int) -> None:
    with tempfile.TemporaryDirectory(prefix="darkroom-") as runtime:
        monkeypatch.setenv("XDG_RUNTIME_DIR", runtime)
        data = Path(runtime) / ("d" * (length - len(runtime) - len("//run/redis.sock")))
        socket = socket_path(Settings(_env_file=None, data=data))
        assert len(os.fsencode(data / "run" / "redis.sock")) == length
        assert (socket == data / "run" / "redis.sock") == (length <= 103)
        assert len(os.fsencode(socket)) <= 107
        assert socket == socket_path(Settings(_env_file=None, data=data))
        assert socket != socket_path(Settings(_env_file=None, data=data.with_name("e" * 150)))
        assert mode(socket.parent) == 0o700


def test_a_runtime_folder_somebody_else_made_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    settings = Settings(_env_file=None, data=tmp_path / ("d" * 100))
    moved = socket_path(settings).parent
    moved.rmdir()
    (tmp_path / "trap").mkdir()
    moved.symlink_to(tmp_path / "trap")
    with pytest.raises(DarkroomError, match="belongs to somebody else"):
        socket_path(settings)


def a_binary(folder: Path, name: str, says: str) -> Path:
    folder.mkdir(exist_ok=True)
    file = folder / name
    file.write_text(f"#!/bin/sh\necho '{says}'\n")
    file.chmod(0o755)
    return file


OLD, NEW = "Redis server v=6.0.16 sha=0", "Valkey server v=8.1.4 sha=0"


@pytest.mark.parametrize(
    ("valkey", "redis_says", "expected"),
    [
        (NEW, NEW, "valkey-server"),
        (None, "Redis server v=6.2.0 sha=0", "redis-server"),
        (None, "Redis server v=10.0.1 sha=0", "redis-server"),
        ("something else", "Redis server v=7.0.15 sha=0", "redis-server"),
    ],
)
def test_the_first_new_enough_server_on_the_path_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, valkey: str | None, redis_says: str, expected: str
) -> None:
    if valkey:
        a_binary(tmp_path, "valkey-server", valkey)
    a_binary(tmp_path, "redis-server", redis_says)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    assert find_binary(None) == tmp_path / expected


@pytest.mark.parametrize("says", [OLD, None])
def test_without_one_it_is_the_wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, says: str | None) -> None:
    if says:
        a_binary(tmp_path, "redis-server", says)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin")
    said = subprocess.run([find_binary(None), "--version"], capture_output=True, text=True, check=True).stdout
    assert said.startswith(("Valkey server v=", "Server v="))


def test_a_named_binary_is_taken_or_refused(tmp_path: Path) -> None:
    assert find_binary(a_binary(tmp_path, "mine", NEW)) == tmp_path / "mine"
    for wrong in (a_binary(tmp_path, "old", OLD), tmp_path / "absent", tmp_path):
        with pytest.raises(DarkroomError, match=r"no Redis of version 6\.2 or newer"):
            find_binary(wrong)


@pytest.fixture
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cli.redis_server._LOCK_WAIT", 0.1)


@pytest.mark.usefixtures("_impatient")
def test_one_darkroom_to_a_data_folder(ours: Settings) -> None:
    folder = redis_folder(ours)
    held = lock(folder)
    with pytest.raises(DarkroomError, match=rf"another Darkroom \(process {os.getpid()}\) uses the data folder"):
        lock(folder)
    os.close(held)
    os.close(lock(folder))


@pytest.mark.usefixtures("_impatient")
def test_the_lock_lasts_as_long_as_a_child_that_inherited_it(ours: Settings) -> None:
    folder = redis_folder(ours)
    held = lock(folder)
    child = subprocess.Popen([sys.executable, "-S", "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[held])
    os.close(held)
    with pytest.raises(DarkroomError, match="another Darkroom"):
        lock(folder)
    child.communicate(b"\n")
    os.close(lock(folder))

"""What `darkroom up` checks before it starts anything, and what it waits for."""

import http.server
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cli import services, up
from contract.errors import DarkroomError
from contract.settings import Settings


@pytest.fixture
def free() -> Settings:
    """Settings with a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return Settings(_env_file=None, port=probe.getsockname()[1])


class Answer(http.server.BaseHTTPRequestHandler):
    """Answers /readyz as the test says."""

    status, body = 200, b""

    def do_GET(self) -> None:
        assert self.path == "/readyz"
        self.send_response(self.status)
        self.end_headers()
        self.wfile.write(self.body)

    def log_message(self, format: str, *args: object) -> None:
        """Be quiet."""


@pytest.fixture
def web(free: Settings) -> Iterator[Settings]:
    with http.server.HTTPServer(("127.0.0.1", free.port), Answer) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield free
        server.shutdown()
        thread.join()


@pytest.mark.parametrize(
    ("status", "body", "reason"),
    [
        (200, b'{"status": "ready"}', ""),
        (503, b'{"detail": "No worker is warm yet; try again."}', "No worker is warm yet"),
        (503, b"<html>", "/readyz answers 503"),
        (500, b"[]", "/readyz answers 500"),
    ],
)
def test_readiness_is_what_readyz_says(
    web: Settings, monkeypatch: pytest.MonkeyPatch, status: int, body: bytes, reason: str
) -> None:
    monkeypatch.setattr(Answer, "status", status)
    monkeypatch.setattr(Answer, "body", body)
    assert up.unready(web) == reason
    assert up.unready(web.model_copy(update={"host": "0.0.0.0"})) == reason


def test_a_web_server_that_does_not_answer_starts(free: Settings) -> None:
    assert up.unready(free) == "the web server starts"


@pytest.mark.parametrize(
    ("host", "reached"),
    [("0.0.0.0", "127.0.0.1:80"), ("::", "[::1]:80"), ("fe80::1", "[fe80::1]:80"), ("studio.lan", "studio.lan:80")],
)
def test_the_address_works_from_this_machine(host: str, reached: str) -> None:
    assert up.address(Settings(_env_file=None, host=host, port=80)) == reached


def test_a_taken_port_is_told(web: Settings) -> None:
    with pytest.raises(DarkroomError, match=f"port {web.port} is taken; choose another, e.g. --port 8001"):
        up.check_port(web)


def test_a_free_port_passes(free: Settings) -> None:
    up.check_port(free)


def test_a_port_just_left_passes(free: Settings) -> None:
    """Connections of the Darkroom before linger for a minute in TIME_WAIT."""
    with socket.create_server(("127.0.0.1", free.port)) as server:
        client = socket.create_connection(server.getsockname())
        server.accept()[0].close()
        client.close()
    up.check_port(free)


@pytest.mark.parametrize("host", ["203.0.113.7", "no.such.host.invalid"])
def test_an_address_of_another_machine_is_told(free: Settings, host: str) -> None:
    with pytest.raises(DarkroomError, match=f"cannot bind {host}, port {free.port}: "):
        up.check_port(free.model_copy(update={"host": host}))


def test_a_data_folder_that_cannot_be_is_told(free: Settings, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DarkroomError, match=r"cannot write to the data folder .*/file/data: .*; name another with"):
        up.up(free.model_copy(update={"data": tmp_path / "file" / "data", "model": a_model(tmp_path)}))


def test_no_model_is_told(free: Settings, tmp_path: Path) -> None:
    with pytest.raises(DarkroomError, match="holds no model in diffusers format"):
        up.up(free.model_copy(update={"model": tmp_path}))


def a_model(folder: Path) -> Path:
    (folder / "model_index.json").touch()
    return folder


def test_a_worker_gets_its_time_to_drain(settings: Settings) -> None:
    assert services.worker(settings.model_copy(update={"drain_seconds": 33.0})).grace > 33

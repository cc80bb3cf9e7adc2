"""The real server on a socket: what is no body has an end, and what is doubtful is refused."""

import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import uvicorn

from api.protocol import HEAD_LIMIT, Http


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Answers the path and the body's length."""
    size, more = 0, True
    while more:
        message = await receive()
        size, more = size + len(message.get("body", b"")), message.get("more_body", False)
    body = f"{scope['path']} {size}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
    await send({"type": "http.response.body", "body": body})


class Hasty(Http):
    head_seconds = 0.5


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    yield from serving(Http)


@pytest.fixture(scope="module")
def hasty_port() -> Iterator[int]:
    yield from serving(Hasty)


def serving(protocol: type[Http]) -> Iterator[int]:
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(echo, http=protocol, loop="uvloop", lifespan="off", log_level="critical"))
    thread = threading.Thread(target=server.run, args=([listening],))
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(30)
    assert not thread.is_alive()
    listening.close()


def answer(port: int, *pieces: bytes) -> bytes:
    """What comes back, until the server closes, or has answered one request. It may close before all is sent."""
    with socket.create_connection(("127.0.0.1", port), timeout=60) as client:
        try:
            for piece in pieces:
                client.sendall(piece)
                time.sleep(0.002)  # a piece of its own
        except ConnectionError:
            pass
        found = b""
        try:
            while b"\r\n\r\n" not in found and (more := client.recv(65536)):
                found += more
        except ConnectionError:
            pass
        return found


POST = b"POST /a HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
MUCH = b"x" * 16384
ENDLESS = [MUCH] * (4 * 1024 * 1024 // len(MUCH))


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(b"GET /", id="request line"),
        pytest.param(POST + b"A: ", id="value"),
        pytest.param(POST, id="name"),
        pytest.param(CHUNKED + b"1\r\na\r\n0\r\nA: ", id="trailer"),
    ],
)
def test_endless_headers_are_cut(port: int, begin: bytes) -> None:
    assert answer(port, begin, *ENDLESS)[:12] in (b"HTTP/1.1 400", b"")  # "": closed before it could be read


def test_many_headers_are_cut(port: int) -> None:
    lines = [b"A%d: " % number + b"x" * 1000 + b"\r\n" for number in range(1000)]
    assert answer(port, POST, *lines)[:12] in (b"HTTP/1.1 400", b"")


def test_headers_below_the_limit_and_long_bodies_pass(port: int) -> None:
    value = b"x" * (HEAD_LIMIT // 4)
    head = [POST, b"A: ", value, b"\r\nB: ", value, b"\r\nContent-Length: %d\r\n\r\n" % sum(map(len, ENDLESS))]
    assert answer(port, *head, *ENDLESS).startswith(b"HTTP/1.1 200 ")
    small = b"".join(b"2\r\nab\r\n" for _ in range(40_000))  # as much framing as would be too much of a header
    assert answer(port, CHUNKED, small, b"0\r\n\r\n").startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "request_",
    [
        pytest.param(POST + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", id="two lengths"),
        pytest.param(POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", id="two Content-Lengths"),
        pytest.param(POST + b"Content-Length: +5\r\n\r\nabcde", id="signed length"),
        pytest.param(POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", id="unknown coding"),
        pytest.param(POST + b"Content-Length : 5\r\n\r\nabcde", id="space before the colon"),
        pytest.param(POST + b"A: b\r\n c\r\n\r\n", id="folded line"),
        pytest.param(POST + b"A: b\nC: d\r\n\r\n", id="bare line feed"),
        pytest.param(POST + b"A: b\x00c\r\n\r\n", id="nul"),
        pytest.param(CHUNKED + b"0x1\r\na\r\n0\r\n\r\n", id="odd chunk size"),
        pytest.param(CHUNKED + b"1\na\n0\n\n", id="chunks by line feeds"),
        pytest.param(b"NONSENSE\r\n\r\n", id="no request"),
    ],
)
def test_what_two_servers_might_read_otherwise_is_refused(port: int, request_: bytes) -> None:
    """Request smuggling: a proxy in front must not see other borders between requests."""
    assert answer(port, request_).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "begin",
    [
        pytest.param(b"", id="nothing"),
        pytest.param(b"GET / HT", id="request line"),
        pytest.param(POST + b"A: b\r\n", id="headers"),
    ],
)
def test_who_never_ends_the_headers_is_let_go(hasty_port: int, begin: bytes) -> None:
    with socket.create_connection(("127.0.0.1", hasty_port), timeout=60) as client:
        client.sendall(begin)
        assert client.recv(1) == b"", "the server closed"


def test_also_in_a_second_request(hasty_port: int) -> None:
    with socket.create_connection(("127.0.0.1", hasty_port), timeout=60) as client:
        client.sendall(b"GET /a HTTP/1.1\r\nHost: x\r\n\r\nGET /b HTTP/1.1\r\n")
        found = b""
        while more := client.recv(65536):
            found += more
    assert found.count(b"HTTP/1.1 200 ") == 1
    assert found.endswith(b"/a 0")


def test_a_body_may_take_longer_than_headers(hasty_port: int) -> None:
    with socket.create_connection(("127.0.0.1", hasty_port), timeout=60) as client:
        client.sendall(POST + b"Content-Length: 2\r\n\r\na")
        time.sleep(2 * Hasty.head_seconds)
        client.sendall(b"b")
        assert client.recv(65536).startswith(b"HTTP/1.1 200 ")

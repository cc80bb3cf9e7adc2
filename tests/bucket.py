"""An S3 for tests: moto's, in a thread of its own, which can be made to fail."""

import random
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from moto.moto_server.werkzeug_app import DomainDispatcherApplication, create_backend_app
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

STORE = "s3://pictures"
Mood = Callable[[], bool]  # asked before each request; where it says no, the answer is 500


class S3Server:
    """A server on a port of its own, with the bucket `pictures`. It keeps what it was given while it is down."""

    def __init__(self) -> None:
        self._app = DomainDispatcherApplication(create_backend_app)
        self._server: BaseWSGIServer | None = None
        self.port = 0  # chosen at the first start, kept afterwards
        self.mood: Mood = well
        self.lost = 0  # so many requests more are carried out and answered 500
        self.requests = self.failures = 0

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        self._server = make_server("127.0.0.1", self.port, self, threaded=True, request_handler=_Quiet)
        self.port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, name="s3", daemon=True).start()

    def stop(self) -> None:
        """Connections are refused from now on."""
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def empty(self) -> None:
        """Nothing but the bucket is there."""
        for method, path in (("POST", "/moto-api/reset"), ("PUT", "/pictures")):
            urllib.request.urlopen(urllib.request.Request(self.endpoint + path, method=method)).close()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        self.requests += 1
        if self._server is not None and self.mood():  # a connection that was open when it went down is served on
            if not self.lost:
                answer: Iterable[bytes] = self._app(environ, start_response)
                return answer
            self.lost -= 1
            self._app(environ, lambda *_: None)
        self.failures += 1
        start_response("500 Internal Server Error", [("Content-Length", "0")])
        return []


class _Quiet(WSGIRequestHandler):
    def log(self, *_: Any) -> None:
        """No line for each request."""


def well() -> bool:
    return True


def broken() -> bool:
    return False


def moody(rng: random.Random, share: float, hang: float) -> Mood:
    """That share of requests is answered 500, or half a second late, or `hang` seconds late: a third of it each."""

    def befall() -> bool:
        if rng.random() >= share:
            return True
        seconds = rng.choice((0.0, 0.5, hang))
        time.sleep(seconds)
        return seconds > 0

    return befall


@contextmanager
def running_s3() -> Iterator[S3Server]:
    """An S3, and the environment that leads there."""
    server = S3Server()
    server.start()
    try:
        server.empty()
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("AWS_ENDPOINT_URL", server.endpoint)
            for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
                patch.setenv(name, "test")
            yield server
    finally:
        server.stop()

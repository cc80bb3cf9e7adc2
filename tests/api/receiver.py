"""A receiver of webhooks: a real https server on this machine, with a certificate of its own for `NAME`."""

import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import trustme

from api.outbound import Outbound

NAME = "hooks.studio.example"


@dataclass
class Heard:
    """One request as it came."""

    path: str
    headers: dict[str, str]  # names in small letters
    body: bytes


@dataclass
class Receiver:
    """What came, and what to answer: a status, or a function that writes to the connection itself."""

    port: int
    authority: trustme.CA
    answers: list[int | Callable[[Any], None]] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"https://{NAME}:{self.port}/told?x=1"

    def trusting(self) -> ssl.SSLContext:
        """A client's settings that take this receiver's certificate, and check it as ever."""
        context = ssl.create_default_context()
        self.authority.configure_trust(context)
        return context

    def outbound(self, **given: Any) -> Outbound:
        """The way out, for which this machine is outside: no setting of the product has it so."""
        here: dict[str, Any] = {"resolve": lambda host, port: ["127.0.0.1"], "allowed": lambda address: True}
        return Outbound(**{**here, "tls": self.trusting(), **given})


@contextmanager
def receiving(address: str = "127.0.0.1", port: int = 0, certified: str = NAME) -> Iterator[Receiver]:
    """A receiver that runs. certified: the name in its certificate."""
    authority = trustme.CA()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:  # the server's own name
            body = self.rfile.read(int(self.headers["Content-Length"]))
            names = {name.lower(): value for name, value in self.headers.items()}
            receiver.heard.append(Heard(self.path, names, body))
            answer = receiver.answers.pop(0) if receiver.answers else 204
            if callable(answer):
                answer(self)
                return
            self.send_response(answer)
            self.send_header("Location", receiver.url)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer((address, port), Handler)
    server.daemon_threads = True
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # a client that hangs up is what some tests want
    receiver = Receiver(server.server_address[1], authority)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(certified).configure_cert(context)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        server.server_close()

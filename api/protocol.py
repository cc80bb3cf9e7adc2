"""HTTP/1.1 as httptools reads it, in C. Of its own it takes headers of any length, for ever: here they have bounds."""

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT = 64 * 1024  # bytes of a request line and headers, or of trailers, beyond the piece they begin in


class Http(HttpToolsProtocol):
    """One connection. What is no body is bounded: headers, trailers, and what stands beside a chunk's size.

    Headers have `head_seconds`, from the connection's begin or from their first byte; then it is closed.
    """

    head_seconds = 20.0
    _late: asyncio.TimerHandle | None = None  # closes while headers are waited for
    _head = 0  # bytes since the request, or its latest chunk, began, without those of its body

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        self._head += len(data)
        super().data_received(data)
        if self._head > HEAD_LIMIT and not self.transport.is_closing():
            self.send_400_response(f"The headers are larger than {HEAD_LIMIT} bytes.")

    def on_message_begin(self) -> None:
        self._head = 0
        self._wait_for_head()
        super().on_message_begin()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        self._head -= len(body)
        super().on_body(body)

    def on_chunk_header(self) -> None:
        """A chunk's size was read."""
        self._head = 0

    def _wait_for_head(self) -> None:
        self._stop_waiting()
        self._late = self.loop.call_later(self.head_seconds, self.transport.close)

    def _stop_waiting(self) -> None:
        if self._late:
            self._late.cancel()

"""HTTP/1.1 as httptools reads it, in C. Of its own it takes headers without end, so here they have one."""

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

HEAD_LIMIT = 64 * 1024  # bytes of a request line and headers, or of trailers, beyond the piece they begin in


class Http(HttpToolsProtocol):
    """One connection. What is no body is bounded: headers, trailers, and what stands beside a chunk's size."""

    _head = 0  # bytes since the request, or its latest chunk, began, without those of its body

    def data_received(self, data: bytes) -> None:
        self._head += len(data)
        super().data_received(data)
        if self._head > HEAD_LIMIT and not self.transport.is_closing():
            self.send_400_response(f"The headers are larger than {HEAD_LIMIT} bytes.")

    def on_message_begin(self) -> None:
        self._head = 0
        super().on_message_begin()

    def on_body(self, body: bytes) -> None:
        self._head -= len(body)
        super().on_body(body)

    def on_chunk_header(self) -> None:
        """A chunk's size was read."""
        self._head = 0

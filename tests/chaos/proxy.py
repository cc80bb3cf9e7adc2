"""A way to Redis that can fall silent, as a network that forgets connections: nobody is told that they are gone."""

import asyncio
import threading
import time
from contextlib import suppress
from pathlib import Path


class Proxy(threading.Thread):
    """Carries bytes between clients of one unix socket and the server behind another."""

    def __init__(self, path: Path, server: Path) -> None:
        super().__init__(name="proxy", daemon=True)
        self._path, self._server = path, server
        self._silences = 0
        self._until = 0.0  # monotonic; when new connections get through again
        self._loop = asyncio.new_event_loop()
        self._over = asyncio.Event()  # of that loop, since nothing waits for it before
        self._listening = threading.Event()
        # asyncio forgets what serves a connection that its client has let go; the half that is left is still ours
        self._serving = set[asyncio.Task[None] | None]()

    def start(self) -> None:
        super().start()
        assert self._listening.wait(10)

    def run(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._serve())

    def stop(self) -> None:
        self._loop.call_soon_threadsafe(self._over.set)
        self.join()

    def silence(self, seconds: float) -> None:
        """For so long nothing passes and new connections wait; old ones stay open, and nothing passes ever again."""
        self._until = time.monotonic() + seconds
        self._silences += 1
        time.sleep(seconds)

    async def _serve(self) -> None:
        server = await asyncio.start_unix_server(self._connect, self._path)
        self._listening.set()
        await self._over.wait()
        server.close()

    async def _connect(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._serving.add(asyncio.current_task())
        born = self._silences
        await asyncio.sleep(max(0.0, self._until - time.monotonic()))
        try:
            up_reader, up_writer = await asyncio.open_unix_connection(self._server)
        except OSError:  # Redis is down
            writer.close()
            return
        try:
            await asyncio.gather(self._carry(reader, up_writer, born), self._carry(up_reader, writer, born))
        finally:  # at the latest when the proxy stops
            for end in (writer, up_writer):
                end.transport.abort()

    async def _carry(self, source: asyncio.StreamReader, sink: asyncio.StreamWriter, born: int) -> None:
        """Until one side closes; a connection older than the last silence carries nothing, not even its end."""
        with suppress(ConnectionError):
            while data := await source.read(65536):
                if born == self._silences:
                    sink.write(data)
                    await sink.drain()
        if born == self._silences:
            sink.close()

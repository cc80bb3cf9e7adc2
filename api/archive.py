"""Many pictures as one ZIP file that is made while it is sent: one picture of it is in memory at a time."""

import io
import zipfile
from collections.abc import AsyncIterator, Sequence

from starlette.concurrency import run_in_threadpool

from api.access import Stay
from contract.blobs import Blobs
from contract.library import PictureFile

MOST = 10_000  # pictures in one archive; its list of contents is kept until the end
_MISSING = "missing.txt"


class _Sink(io.RawIOBase):
    """Takes what is written, until it is fetched. It cannot be wound back, so neither does the archive."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        part = bytes(data)  # type: ignore[call-overload]  # any buffer, as RawIOBase has it
        self._parts.append(part)
        return len(part)

    def take(self) -> bytes:
        taken, self._parts = b"".join(self._parts), []
        return taken


async def zipped(files: Sequence[PictureFile], blobs: Blobs, stay: Stay) -> AsyncIterator[bytes]:
    """The archive, piece by piece. Whose key is revoked meanwhile gets no more of it.

    Files are stored as they are: pictures are compressed already. Those whose bytes are gone are named in a text.
    """
    sink, missing = _Sink(), []
    with zipfile.ZipFile(sink, "w") as archive:
        for file in files:
            if await stay.over():
                return
            if not await run_in_threadpool(_put, archive, file, blobs):
                missing.append(name_of(file))
            yield sink.take()
        if missing:
            archive.writestr(_MISSING, "These pictures could not be read:\n" + "\n".join(missing) + "\n")
    yield sink.take()


def _put(archive: zipfile.ZipFile, file: PictureFile, blobs: Blobs) -> bool:
    try:
        data = blobs.get(file.sha256)
    except OSError:
        return False
    archive.writestr(zipfile.ZipInfo(name_of(file), file.created_at.timetuple()[:6]), data)
    return True


def name_of(file: PictureFile) -> str:
    """Sorts by time; no two are alike."""
    return f"{file.created_at:%Y%m%d-%H%M%S}-{file.id.removeprefix('img_')}.{file.format}"

"""Pictures out of a library into an archive, and out of an archive into a library: one picture in memory at a time."""

import errno
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from contract.blobs import Blobs
from contract.library import archive
from contract.library.archive import Line, Record, Source, Unfit
from contract.library.keeper import Arrival, Library, Standing
from contract.library.records import Wanted

_BATCH = 50  # pictures that come into the library at once: one flush for all of them
_BATCH_BYTES = 2**23  # of their lines
_LOST = (errno.ENOENT, errno.EIO, errno.ELOOP)  # this picture's own trouble; any other is the store's
Tell = Callable[[str], None]


@dataclass
class Tally:
    """done: written, or taken in. there: were in the library before. refused: were told with a reason."""

    done: int = 0
    there: int = 0
    refused: int = 0


def export(library: Library, blobs: Blobs, path: Path, wanted: Wanted, owner: str | None, tell: Tell) -> Tally:
    """Write the pictures that are wanted, oldest first. tell: hears of each that cannot be had.

    Raises LibraryAway, and OSError where the archive cannot be written or the bytes cannot be reached.
    """
    tally, after = Tally(), None
    with archive.written(path) as put:
        while True:
            found, after = library.page(wanted, owner=owner, limit=_BATCH, sort="oldest", after=after)
            for picture in found:
                try:
                    put(archive.record_of(picture), _bytes(blobs, picture.sha256))
                    tally.done += 1
                except (Unfit, ValueError) as error:
                    tally.refused += 1
                    tell(f"{picture.id}: {error if isinstance(error, Unfit) else 'its record cannot be written'}")
            if after is None:
                return tally


def _bytes(blobs: Blobs, sha: str) -> bytes:
    try:
        return blobs.get(sha)
    except OSError as error:
        if error.errno not in _LOST:
            raise
        raise Unfit("its bytes are gone, or are others than they were") from error


def bring(library: Library, blobs: Blobs, path: Path, owner: str | None, tell: Tell) -> Tally:
    """Take in what an archive holds; what is there already stays as it is. tell: hears of each that is refused.

    owner: whose all of it is to be; None = whose it was. Raises LibraryAway, and OSError where the archive ends too
    early, is none, or the bytes cannot be stored: what came before is in the library by then, and comes once.
    """
    tally = Tally()
    with archive.opened(path) as source:
        arrivals = _Arrivals(library, blobs, source, owner, tally, tell)
        try:
            for batch in _batches(archive.lines(source)):
                arrivals.take(batch)
        except _Cut as cut:
            arrivals.take(cut.before)
            tell(f"{tally.done} pictures taken in, {tally.there} were there; then the archive ends too early.")
            raise cut.error from None
    return tally


class _Cut(Exception):
    """The lines have come to an early end; those before it are good."""

    def __init__(self, before: list[Line], error: OSError) -> None:
        super().__init__()
        self.before, self.error = before, error


def _batches(lines: Iterator[Line]) -> Iterator[list[Line]]:
    batch: list[Line] = []
    size = 0
    while True:
        try:
            line = next(lines, None)
        except OSError as error:
            raise _Cut(batch, error) from error
        if line is not None:
            batch.append(line)
            size += line.size
        if line is None or len(batch) == _BATCH or size >= _BATCH_BYTES:
            yield batch
            batch, size = [], 0
        if line is None:
            return


@dataclass
class _Arrivals:
    """What comes out of one archive."""

    library: Library
    blobs: Blobs
    source: Source
    owner: str | None
    tally: Tally
    tell: Tell

    def take(self, batch: list[Line]) -> None:
        """First the bytes, then the records, all of them at once."""
        known = self.library.standing([line.record.id for line in batch if isinstance(line.record, Record)])
        coming: list[Arrival] = []
        for line in batch:
            try:
                if (arrival := self._arrival(line.record, known)) is None:
                    self.tally.there += 1
                    continue
                coming.append(arrival)
                known[arrival.image.id] = Standing(arrival.image.sha256, arrival.image.owner, False)
            except Unfit as error:
                self.tally.refused += 1
                self.tell(f"line {line.number}: {error}")
        done = self.library.bring(coming)
        self.tally.done += done
        self.tally.there += len(coming) - done  # somebody else has brought it at the same moment

    def _arrival(self, record: Record | Unfit, known: dict[str, Standing]) -> Arrival | None:
        """What is to come in, its bytes being stored; None where it is there. Raises Unfit, OSError."""
        if isinstance(record, Unfit):
            raise record
        image, there = record.stored(self.owner), known.get(record.id)
        if there is not None:
            if there.sha256 != image.sha256:
                raise Unfit(f"{image.id} is another picture here; it stays as it is")
            if there.owner != image.owner:
                raise Unfit(f"{image.id} is {there.owner}'s here; it stays so")
            if self.blobs.has(image.sha256) and not there.deleted:
                return None
        data = archive.picture(self.source, record)
        self.blobs.put(data)
        if there is not None and not there.deleted:
            return None
        return Arrival(image, record.favourite, record.board, tuple(record.tags), partial(self._sure, record))

    def _sure(self, record: Record) -> None:
        if not self.blobs.has(record.sha256):
            self.blobs.put(archive.picture(self.source, record))

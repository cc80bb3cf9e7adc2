"""How pictures leave the library: into the trash, out of it again, and for good."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, delete, func, literal, select, update

from contract.library.database import Database
from contract.library.records import Kept
from contract.library.rows import MOST, batches, kept, of
from contract.library.tables import Moment, Picture

UNDO_SECONDS = 60.0  # so long a deleted picture can be had back


class Trashed(NamedTuple):
    """A picture that was deleted, and the job that shows it."""

    id: str
    job_id: str | None


class Trash:
    """The half of the library that lets go."""

    database: Database

    def trash(self, image_ids: Iterable[str], owner: str | None = None) -> list[Trashed]:
        """Delete pictures, for the time being; those of them that are in the trash now."""
        return [
            gone for ids in batches(dict.fromkeys(image_ids)) for gone in self._trash(Picture.id.in_(ids), of(owner))
        ]

    def trash_job(self, job_id: str) -> list[Trashed]:
        """The same for all pictures of a job."""
        return self._trash(Picture.job_id == job_id)

    def expire(self, age_seconds: float, most_bytes: int) -> Iterator[list[Trashed]]:
        """Delete what came so long ago, and the oldest of what is beyond so many bytes (0 = any number).

        Favourites stay, and count; bytes of equal pictures count once for each. Some hundred at a time, as `purge`.
        """
        spare = Picture.favourite.is_(False), Picture.deleted_at.is_(None)
        if age_seconds:
            before = datetime.now(UTC) - timedelta(seconds=age_seconds)
            old = select(Picture.row).where(*spare, Picture.created_at < before).limit(MOST)
            while gone := self._trash(Picture.row.in_(old)):
                yield gone
        while most_bytes and (surplus := self._bytes() - most_bytes) > 0:
            before_it = func.sum(Picture.bytes).over(order_by=Picture.row) - Picture.bytes
            oldest = select(Picture.row, before_it.label("before_it")).where(*spare).subquery()
            too_many = select(oldest.c.row).where(oldest.c.before_it < surplus).order_by(oldest.c.row).limit(MOST)
            if not (gone := self._trash(Picture.row.in_(too_many))):
                return  # all that is left are favourites
            yield gone

    def _bytes(self) -> int:
        with self.database.reading() as session:
            return int(session.scalar(select(func.sum(Picture.bytes)).where(Picture.deleted_at.is_(None))) or 0)

    def _trash(self, *which: ColumnElement[bool]) -> list[Trashed]:
        now = func.coalesce(Picture.deleted_at, literal(datetime.now(UTC), Moment))
        gone = update(Picture).where(*which).values(deleted_at=now)
        with self.database.writing() as session:
            return [Trashed(*row) for row in session.execute(gone.returning(Picture.id, Picture.job_id))]

    def restore(self, image_ids: Iterable[str], owner: str | None = None) -> list[Kept]:
        """Have deleted pictures back; those that are there again."""
        back: list[Kept] = []
        for ids in batches(dict.fromkeys(image_ids)):
            which = Picture.id.in_(ids), Picture.deleted_at.is_not(None), of(owner)
            with self.database.writing() as session:
                found = session.scalars(select(Picture).where(*which)).all()
                for each in found:
                    each.deleted_at = None
                back += map(kept, found)
        return back

    def purge(self, age_seconds: float = UNDO_SECONDS) -> Iterator[list[str]]:
        """Forget what was deleted so long ago: the hashes of their bytes, which others may still need.

        Some hundred at a time, since a writer keeps others waiting.
        """
        before = datetime.now(UTC) - timedelta(seconds=age_seconds)
        old = select(Picture.row).where(Picture.deleted_at < before).limit(MOST)
        while True:
            with self.database.writing() as session:
                rows = session.scalars(old).all()  # a list: Postgres would look for each row anew in what `old` finds
                gone = delete(Picture).where(Picture.row.in_(rows), Picture.deleted_at < before)
                hashes = list(session.scalars(gone.returning(Picture.sha256)))
            if hashes:
                yield hashes
            if len(hashes) < MOST:
                return

    def forget(self, image_ids: Iterable[str]) -> None:
        """Take pictures out for good, whose bytes are gone."""
        for ids in batches(image_ids):
            with self.database.writing() as session:
                session.execute(delete(Picture).where(Picture.id.in_(ids)))

    def sweep(self, sha: str, remove: Callable[[], None]) -> None:
        """Have bytes removed that no picture has, not one in the trash.

        Whoever adds a picture of equal bytes meanwhile waits until that is done, and then looks whether they are there.
        """
        with self.database.writing() as session:
            self.database.hold(session, [sha])
            if session.scalar(select(Picture.row).where(Picture.sha256 == sha).limit(1)) is None:
                remove()

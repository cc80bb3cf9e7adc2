"""The library itself: pictures that last, found again by what made them and by what their owner made of them."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import (
    ColumnElement,
    Executable,
    Select,
    column,
    delete,
    func,
    literal,
    literal_column,
    select,
    table,
    true,
    tuple_,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import InstrumentedAttribute, Session

from contract.ids import image_url
from contract.jobs import StoredImage
from contract.library.database import Database
from contract.library.records import Changes, Kept, Sort, Wanted, described
from contract.library.search import fts5_of, tsquery
from contract.library.tables import Input, Moment, Picture, Tag
from contract.settings import Settings

UNDO_SECONDS = 60.0  # so long a deleted picture can be had back
_MOST = 1000  # pictures that one statement names
_OWN = ("row", "favourite", "board")  # what its owner made of a picture stays
_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
_FTS = table("pictures_words", column("rowid"), column("pictures_words"))
# From the words to their pictures, never the other way round, which the + keeps SQLite from: the words come in the
# order of the pictures, so that a page of them is enough.
_FOUND: ColumnElement[int] = literal_column("+pictures_words.rowid")

# What a list is sorted by, and whether downwards. A place in it is those columns' values.
_SORTS: dict[Sort, tuple[tuple[InstrumentedAttribute[int], ...], bool]] = {
    "newest": ((Picture.row,), True),
    "oldest": ((Picture.row,), False),
    "largest": ((Picture.bytes, Picture.row), True),
    "smallest": ((Picture.bytes, Picture.row), False),
}
_FILTERS = ("kind", "role", "model", "sampler", "seed", "width", "height", "favourite", "board")
Place = tuple[int, ...]
Asked = TypeVar("Asked", bound=Select[*tuple[Any, ...]])


class Trashed(NamedTuple):
    """A picture that was deleted, and the job that shows it."""

    id: str
    job_id: str | None


class PictureFile(NamedTuple):
    """What a file of it is made from."""

    id: str
    sha256: str
    format: str
    created_at: datetime


class Library:
    """Pictures by id, each one owner's. Safe to share between threads; every method raises LibraryAway.

    owner: only his; None = everybody's. What is in the trash is not there, for all but `restore` and `purge`.
    """

    def __init__(self, where: str | Path, patience: float = 5.0) -> None:
        self.database = Database(where, patience)

    def migrate(self) -> None:
        """Bring the tables up to date: done at the start, lest the first request wait for it."""
        self.database.migrate()

    def close(self) -> None:
        self.database.close()

    # --- writing -------------------------------------------------------------------------------------

    def add(self, image: StoredImage, token: int = 0) -> bool:
        """Keep a picture whose bytes are stored; False when a later claim (a larger `token`) has written it.

        Again with the same token it is the same picture. What its owner made of it stays.
        """
        values = {
            "id": image.id, "owner": image.owner, "token": token, "sha256": image.sha256, "role": image.role,
            "job_id": image.job_id, "index": image.index, "seed": image.seed, "width": image.width,
            "height": image.height, "format": image.format, "bytes": image.bytes, "created_at": image.created_at,
            "details": image.metadata, "deleted_at": None, "favourite": False, **described(image),
        }  # fmt: skip
        with self.database.writing() as session:
            row = session.scalar(_newest(self.database.dialect), values)
            if row is None:
                return False
            session.execute(delete(Input).where(Input.picture == row))
            session.add_all(Input(input_id=id, picture=row) for id in _inputs(image))
        return True

    def settle(self, image: StoredImage, token: int, shown: StoredImage | None) -> None:
        """A claim lost its job when its picture was just written: what the ledger shows counts, where it shows one."""
        if shown is not None:
            self.add(shown, token)
            return
        with self.database.writing() as session:
            session.execute(delete(Picture).where(Picture.id == image.id, Picture.token == token))

    def change(self, image_id: str, changes: Changes) -> Kept | None:
        """Set what `changes` has set; the picture as it is now, None where there is none."""
        given = changes.model_dump(include=changes.model_fields_set)
        tags = given.pop("tags", None)
        with self.database.writing() as session:
            found = session.scalar(_present(image_id))
            if found is None:
                return None
            for name, value in given.items():
                setattr(found, name, value)
            if tags is not None:
                session.execute(delete(Tag).where(Tag.picture == found.row))
                session.add_all(Tag(tag=tag, picture=found.row) for tag in dict.fromkeys(tags))
            session.flush()
            session.refresh(found)
            return _kept(found)

    def trash(self, image_ids: Iterable[str], owner: str | None = None) -> list[Trashed]:
        """Delete pictures, for the time being; those of them that are in the trash now."""
        return [
            gone for ids in _batches(dict.fromkeys(image_ids)) for gone in self._trash(Picture.id.in_(ids), _of(owner))
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
            old = select(Picture.row).where(*spare, Picture.created_at < before).limit(_MOST)
            while gone := self._trash(Picture.row.in_(old)):
                yield gone
        while most_bytes and (surplus := self._bytes() - most_bytes) > 0:
            before_it = func.sum(Picture.bytes).over(order_by=Picture.row) - Picture.bytes
            oldest = select(Picture.row, before_it.label("before_it")).where(*spare).subquery()
            too_many = select(oldest.c.row).where(oldest.c.before_it < surplus).order_by(oldest.c.row).limit(_MOST)
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
        for ids in _batches(dict.fromkeys(image_ids)):
            which = Picture.id.in_(ids), Picture.deleted_at.is_not(None), _of(owner)
            with self.database.writing() as session:
                found = session.scalars(select(Picture).where(*which)).all()
                for each in found:
                    each.deleted_at = None
                back += map(_kept, found)
        return back

    def purge(self, age_seconds: float = UNDO_SECONDS) -> Iterator[list[str]]:
        """Forget what was deleted so long ago: the hashes of their bytes, which others may still need.

        Some hundred at a time, since a writer keeps others waiting.
        """
        before = datetime.now(UTC) - timedelta(seconds=age_seconds)
        old = select(Picture.row).where(Picture.deleted_at < before).limit(_MOST)
        while True:
            with self.database.writing() as session:
                rows = session.scalars(old).all()  # a list: Postgres would look for each row anew in what `old` finds
                gone = delete(Picture).where(Picture.row.in_(rows), Picture.deleted_at < before)
                hashes = list(session.scalars(gone.returning(Picture.sha256)))
            if hashes:
                yield hashes
            if len(hashes) < _MOST:
                return

    def forget(self, image_ids: Iterable[str]) -> None:
        """Take pictures out for good, whose bytes are gone."""
        for ids in _batches(image_ids):
            with self.database.writing() as session:
                session.execute(delete(Picture).where(Picture.id.in_(ids)))

    # --- reading -------------------------------------------------------------------------------------

    def get(self, image_id: str) -> Kept | None:
        with self.database.reading() as session:
            found = session.scalar(_present(image_id))
            return _kept(found) if found else None

    def owner(self, image_id: str) -> str | None:
        with self.database.reading() as session:
            return session.scalar(select(Picture.owner).where(Picture.id == image_id, Picture.deleted_at.is_(None)))

    def owners(self, image_ids: Iterable[str]) -> set[str]:
        """Whose these pictures are, in the trash too."""
        with self.database.reading() as session:
            return {
                owner
                for ids in _batches(image_ids)
                for owner in session.scalars(select(Picture.owner).where(Picture.id.in_(ids)).distinct())
            }

    def page(
        self, wanted: Wanted, *, owner: str | None, limit: int, sort: Sort = "newest", after: Place | None = None
    ) -> tuple[list[Kept], Place | None]:
        """At most `limit` of the pictures that are wanted, from `after` on, and where the next page begins."""
        columns, down = _SORTS[sort]
        keys = [self._row(wanted) if each is Picture.row else each for each in columns]
        asked = self._wanted(select(Picture), wanted, owner)
        if after is not None:
            asked = asked.where(tuple_(*keys) < tuple_(*after) if down else tuple_(*keys) > tuple_(*after))
        asked = asked.order_by(*(each.desc() if down else each.asc() for each in keys)).limit(limit + 1)
        with self.database.reading() as session:
            found = session.scalars(asked).all()
            rest = tuple(getattr(found[limit - 1], each.key) for each in columns) if len(found) > limit else None
            return [_kept(each) for each in found[:limit]], rest

    def files(self, wanted: Wanted, owner: str | None, most: int) -> list[PictureFile]:
        """The bytes of the pictures that are wanted, newest first."""
        columns = select(Picture.id, Picture.sha256, Picture.format, Picture.created_at)
        asked = self._wanted(columns, wanted, owner).order_by(self._row(wanted).desc()).limit(most)
        with self.database.reading() as session:
            return [PictureFile(*row) for row in session.execute(asked)]

    def _wanted(self, asked: Asked, wanted: Wanted, owner: str | None) -> Asked:
        asked = asked.where(Picture.deleted_at.is_(None), _of(owner), *_filters(wanted))
        if wanted.q is None:
            return asked
        if self.database.dialect == "sqlite":
            found = _FTS.c.pictures_words.op("MATCH")(fts5_of(wanted.q, owner))
            return asked.select_from(_FTS).join(Picture, Picture.row == _FOUND).where(found)
        simple: ColumnElement[str] = literal_column("'simple'")
        return asked.where(func.to_tsvector(simple, Picture.words).op("@@")(func.to_tsquery(simple, tsquery(wanted.q))))

    def _row(self, wanted: Wanted) -> ColumnElement[int]:
        """What lists are sorted by: where SQLite searches, its words, which then come in that order by themselves."""
        return Picture.row.expression if wanted.q is None or self.database.dialect != "sqlite" else _FTS.c.rowid

    def chain(self, image_id: str, owner: str, most: int = 100) -> tuple[list[Kept], list[Kept]]:
        """What a picture was made from, as far as it is there, and the newest of what was made from it."""
        row = select(Picture.row).where(Picture.id == image_id).scalar_subquery()
        inputs = select(Input.input_id).where(Input.picture == row)
        made = select(Input.picture).where(Input.input_id == image_id)
        with self.database.reading() as session:
            return (
                _listed(session, Picture.id.in_(inputs), owner, most),
                _listed(session, Picture.row.in_(made), owner, most),
            )

    def known(self, image_ids: Iterable[str]) -> set[str]:
        """Those of the ids that are pictures', in the trash too."""
        with self.database.reading() as session:
            return {
                image_id
                for ids in _batches(image_ids)
                for image_id in session.scalars(select(Picture.id).where(Picture.id.in_(ids)))
            }

    def shelf(self, shelf: int) -> list[tuple[Trashed, str]]:
        """Pictures with the hashes of their bytes, where these begin with this byte; in the trash too."""
        first, columns = f"{shelf:02x}", (Picture.id, Picture.job_id, Picture.sha256)
        asked = select(*columns).where(Picture.sha256 >= first, Picture.sha256 <= f"{first}g")
        with self.database.reading() as session:
            return [(Trashed(image_id, job_id), sha) for image_id, job_id, sha in session.execute(asked)]

    def held(self, hashes: Iterable[str]) -> set[str]:
        """Those of the hashes whose bytes a picture has, one in the trash too."""
        with self.database.reading() as session:
            return {
                sha
                for some in _batches(hashes)
                for sha in session.scalars(select(Picture.sha256).where(Picture.sha256.in_(some)).distinct())
            }


def open_library(settings: Settings) -> Library:
    """The library that the settings name. Nothing is connected yet."""
    return Library(settings.database_url or settings.data / "library.db")


@cache
def _newest(dialect: str) -> Executable:
    """Insert a picture, or write over what an earlier claim wrote of it; its row, None where a later claim has.

    Made once: it takes longer to put together than to run.
    """
    made = _INSERT[dialect](Picture)
    return made.on_conflict_do_update(  # type: ignore[no-any-return]
        index_elements=[Picture.id],
        set_={each.name: made.excluded[each.name] for each in Picture.__table__.columns if each.name not in _OWN},
        where=Picture.token <= made.excluded.token,
    ).returning(Picture.row)


def _batches(values: Iterable[str]) -> Iterator[list[str]]:
    """As many as one statement may name."""
    left = iter(values)
    while some := list(islice(left, _MOST)):
        yield some


def _present(image_id: str) -> Select[Picture]:
    return select(Picture).where(Picture.id == image_id, Picture.deleted_at.is_(None))


def _of(owner: str | None) -> ColumnElement[bool]:
    return true() if owner is None else Picture.owner == owner


def _filters(wanted: Wanted) -> Iterator[ColumnElement[bool]]:
    if wanted.id:
        yield Picture.id.in_(wanted.id)
    for name in _FILTERS:
        value: Any = getattr(wanted, name)
        if value is not None:
            yield getattr(Picture, name) == value
    if wanted.since:
        yield Picture.created_at >= wanted.since
    if wanted.until:
        yield Picture.created_at < wanted.until
    for tag in wanted.tag:
        yield Picture.row.in_(select(Tag.picture).where(Tag.tag == tag))


def _listed(session: Session, which: ColumnElement[bool], owner: str, most: int) -> list[Kept]:
    asked = select(Picture).where(which, Picture.owner == owner, Picture.deleted_at.is_(None))
    return [_kept(each) for each in session.scalars(asked.order_by(Picture.row.desc()).limit(most))]


def _inputs(image: StoredImage) -> Sequence[str]:
    """Ids of the pictures that a job's picture was made from. A file's own word for it is none."""
    return list(image.metadata.get("inputs", {})) if image.job_id else []


def _kept(found: Picture) -> Kept:
    same = {name: getattr(found, name) for name in Kept.model_fields.keys() & Picture.__table__.columns.keys()}
    own = {"url": image_url(found.id), "metadata": found.details, "tags": [tag.tag for tag in found.tags]}
    return Kept.model_validate({**same, **own})

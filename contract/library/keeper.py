"""The library itself: pictures that last, found again by what made them and by what their owner made of them."""

from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Executable, Select, delete, func, insert, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from contract.jobs import StoredImage
from contract.library.database import Database
from contract.library.records import Changes, Kept, Label, Labels, Sort, Wanted, described
from contract.library.rows import SORTS, asked_for, batches, kept, of, row_of
from contract.library.tables import Input, Picture, Tag
from contract.library.trash import Trash, Trashed
from contract.settings import Settings

MOST_COUNTED = 10_000  # pictures, where it takes a look at each
MOST_LABELS = 1000  # boards, and tags
_OWN = ("row", "favourite", "board")  # what its owner made of a picture stays
_INSERT: dict[str, Any] = {"sqlite": sqlite.insert, "postgresql": postgresql.insert}
Place = tuple[int, ...]


class PictureFile(NamedTuple):
    """What a file of it is made from."""

    id: str
    sha256: str
    format: str
    created_at: datetime


class Standing(NamedTuple):
    """How a picture that is there stands. deleted: in the trash."""

    sha256: str
    owner: str
    deleted: bool


class Holdings(NamedTuple):
    """What an owner has in the library. lately: pictures made since the time that was asked about."""

    pictures: int
    bytes: int
    lately: int


class Arrival(NamedTuple):
    """A picture that comes from another library, with what its owner made of it. sure: see `Library.add`."""

    image: StoredImage
    favourite: bool
    board: str | None
    tags: tuple[str, ...]
    sure: Callable[[], None]


class Library(Trash):
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

    def add(self, image: StoredImage, token: int = 0, sure: Callable[[], None] | None = None) -> bool:
        """Keep a picture whose bytes are stored; False when a later claim (a larger `token`) has written it.

        Again with the same token it is the same picture. What its owner made of it stays. sure: sees to it that the
        bytes are there, while no sweep is about to take them away; from then on the record holds them.
        """
        values = {**_columns(image), "token": token}
        with self.database.writing() as session:
            self.database.hold(session, [image.sha256])
            row = session.scalar(_newest(self.database.dialect), values)
            if row is None:
                return False
            session.execute(delete(Input).where(Input.picture == row))
            session.add_all(Input(input_id=id, picture=row) for id in _inputs(image))
            session.flush()
            if sure is not None:
                sure()
        return True

    def bring(self, arrivals: Sequence[Arrival]) -> int:
        """Keep pictures of another library, all or none, whose bytes are stored; how many were not there.

        What is in the trash comes out of it; what is there stays as it is.
        """
        if not arrivals:
            return 0
        coming = {arrival.image.id: arrival for arrival in arrivals}
        values = [
            {**_columns(each.image), "token": 0, "favourite": each.favourite, "board": each.board}
            for each in coming.values()
        ]
        made = _INSERT[self.database.dialect](Picture).on_conflict_do_nothing(index_elements=[Picture.id])
        back = update(Picture).where(Picture.id.in_(coming), Picture.deleted_at.is_not(None)).values(deleted_at=None)
        with self.database.writing() as session:
            self.database.hold(session, [each.image.sha256 for each in arrivals])
            restored = session.scalars(back.returning(Picture.id)).all()
            rows = dict(tuple(row) for row in session.execute(made.returning(Picture.id, Picture.row), values))
            tags = [
                {"tag": tag, "picture": row, "owner": coming[id].image.owner}
                for id, row in rows.items()
                for tag in dict.fromkeys(coming[id].tags)
            ]
            inputs = [
                {"input_id": one, "picture": row} for id, row in rows.items() for one in _inputs(coming[id].image)
            ]
            for table, more in ((Tag, tags), (Input, inputs)):
                if more:
                    session.execute(insert(table), more)
            for id in (*restored, *rows):
                coming[id].sure()
        return len(restored) + len(rows)

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
                session.add_all(Tag(tag=tag, picture=found.row, owner=found.owner) for tag in dict.fromkeys(tags))
            session.flush()
            session.refresh(found)
            return kept(found)

    # --- reading -------------------------------------------------------------------------------------

    def get(self, image_id: str) -> Kept | None:
        with self.database.reading() as session:
            found = session.scalar(_present(image_id))
            return kept(found) if found else None

    def owner(self, image_id: str) -> str | None:
        with self.database.reading() as session:
            return session.scalar(select(Picture.owner).where(Picture.id == image_id, Picture.deleted_at.is_(None)))

    def owners(self, image_ids: Iterable[str]) -> set[str]:
        """Whose these pictures are, in the trash too."""
        return {standing.owner for standing in self.standing(image_ids).values()}

    def standing(self, image_ids: Iterable[str]) -> dict[str, Standing]:
        """Those of the pictures that are there, in the trash too."""
        columns = (Picture.id, Picture.sha256, Picture.owner, Picture.deleted_at.is_not(None))
        with self.database.reading() as session:
            return {
                image_id: Standing(sha, owner, deleted)
                for ids in batches(image_ids)
                for image_id, sha, owner, deleted in session.execute(select(*columns).where(Picture.id.in_(ids)))
            }

    def page(
        self, wanted: Wanted, *, owner: str | None, limit: int, sort: Sort = "newest", after: Place | None = None
    ) -> tuple[list[Kept], Place | None]:
        """At most `limit` of the pictures that are wanted, from `after` on, and where the next page begins."""
        columns, down = SORTS[sort]
        dialect = self.database.dialect
        keys = [row_of(wanted, dialect) if each is Picture.row else each for each in columns]
        asked = asked_for(select(Picture), wanted, owner, dialect)
        if after is not None:
            asked = asked.where(tuple_(*keys) < tuple_(*after) if down else tuple_(*keys) > tuple_(*after))
        asked = asked.order_by(*(each.desc() if down else each.asc() for each in keys)).limit(limit + 1)
        with self.database.reading() as session:
            found = session.scalars(asked).all()
            rest = tuple(getattr(found[limit - 1], each.key) for each in columns) if len(found) > limit else None
            return [kept(each) for each in found[:limit]], rest

    def count(self, wanted: Wanted, owner: str | None) -> tuple[int, bool]:
        """How many pictures are wanted, and whether there are more than that.

        All of them are counted in an index; of those of which something must hold, `MOST_COUNTED` at most.
        """
        asked = asked_for(select(Picture.row), wanted, owner, self.database.dialect)
        if wanted != Wanted():
            asked = asked.limit(MOST_COUNTED + 1)
        with self.database.reading() as session:
            found = session.scalar(select(func.count()).select_from(asked.subquery())) or 0
        more = wanted != Wanted() and found > MOST_COUNTED
        return found - more, more

    def holdings(self, owner: str, since: datetime) -> Holdings:
        """What an owner has, and how many pictures his jobs have made since then."""
        mine = Picture.owner == owner, Picture.deleted_at.is_(None)
        made = select(func.count()).where(*mine, Picture.created_at >= since, Picture.job_id.is_not(None))
        asked = select(func.count(), func.coalesce(func.sum(Picture.bytes), 0), made.scalar_subquery()).where(*mine)
        with self.database.reading() as session:
            pictures, size, lately = session.execute(asked).one()
        return Holdings(int(pictures), int(size), int(lately))

    def labels(self, owner: str | None) -> Labels:
        """Boards and tags, those of most pictures first."""
        number = func.count().label("number")
        boards = select(Picture.board, number).where(
            Picture.deleted_at.is_(None), Picture.board.is_not(None), of(owner)
        )
        mine = [Tag.owner == owner] if owner is not None else []
        tags = select(Tag.tag, number).where(*mine).group_by(Tag.tag)
        trashed = Picture.deleted_at.is_not(None), of(owner)
        in_trash = select(Tag.tag, number).join(Picture, Picture.row == Tag.picture).where(*trashed)
        with self.database.reading() as session:
            of_boards = session.execute(boards.group_by(Picture.board)).all()
            of_tags = dict(session.execute(tags).all())
            for tag, gone in session.execute(in_trash.group_by(Tag.tag)):
                of_tags[tag] = of_tags.get(tag, 0) - gone
        return Labels(boards=_most((str(board), many) for board, many in of_boards), tags=_most(of_tags.items()))

    def files(self, wanted: Wanted, owner: str | None, most: int) -> list[PictureFile]:
        """The bytes of the pictures that are wanted, newest first."""
        columns = select(Picture.id, Picture.sha256, Picture.format, Picture.created_at)
        dialect = self.database.dialect
        asked = asked_for(columns, wanted, owner, dialect).order_by(row_of(wanted, dialect).desc()).limit(most)
        with self.database.reading() as session:
            return [PictureFile(*row) for row in session.execute(asked)]

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
        return set(self.standing(image_ids))

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
                for some in batches(hashes)
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


def _columns(image: StoredImage) -> dict[str, Any]:
    """A row of a picture that nothing was made of yet; its claim comes on top."""
    same = (
        "id",
        "owner",
        "sha256",
        "role",
        "job_id",
        "index",
        "seed",
        "width",
        "height",
        "format",
        "bytes",
        "created_at",
    )
    values = {name: getattr(image, name) for name in same}
    return {**values, "details": image.metadata, "deleted_at": None, "favourite": False, **described(image)}


def _present(image_id: str) -> Select[Picture]:
    return select(Picture).where(Picture.id == image_id, Picture.deleted_at.is_(None))


def _listed(session: Session, which: ColumnElement[bool], owner: str, most: int) -> list[Kept]:
    asked = select(Picture).where(which, Picture.owner == owner, Picture.deleted_at.is_(None))
    return [kept(each) for each in session.scalars(asked.order_by(Picture.row.desc()).limit(most))]


def _inputs(image: StoredImage) -> Sequence[str]:
    """Ids of the pictures that a job's picture was made from. A file's own word for it is none."""
    return list(image.metadata.get("inputs", {})) if image.job_id else []


def _most(found: Iterable[tuple[str, int]]) -> list[Label]:
    labels = [Label(name=name, pictures=number) for name, number in found if number > 0]
    return sorted(labels, key=lambda label: (-label.pictures, label.name))[:MOST_LABELS]

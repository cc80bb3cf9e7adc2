"""From what is wanted to SQL, and from rows to pictures."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, column, func, literal_column, select, table, true
from sqlalchemy.orm import InstrumentedAttribute

from contract.ids import image_url
from contract.library.records import Kept, Sort, Wanted
from contract.library.search import fts5_of, tsquery
from contract.library.tables import Picture, Tag

MOST = 1000  # pictures that one statement names
_FILTERS = ("kind", "role", "model", "sampler", "seed", "width", "height", "favourite", "board")
_FTS = table("pictures_words", column("rowid"), column("pictures_words"))
# From the words to their pictures, never the other way round, which the + keeps SQLite from: the words come in the
# order of the pictures, so that a page of them is enough.
_FOUND: ColumnElement[int] = literal_column("+pictures_words.rowid")
_SIMPLE: ColumnElement[str] = literal_column("'simple'")

# What a list is sorted by, and whether downwards. A place in it is those columns' values.
SORTS: dict[Sort, tuple[tuple[InstrumentedAttribute[int], ...], bool]] = {
    "newest": ((Picture.row,), True),
    "oldest": ((Picture.row,), False),
    "largest": ((Picture.bytes, Picture.row), True),
    "smallest": ((Picture.bytes, Picture.row), False),
}
Asked = TypeVar("Asked", bound=Select[*tuple[Any, ...]])


def asked_for(asked: Asked, wanted: Wanted, owner: str | None, dialect: str) -> Asked:
    """The same of those pictures only that are wanted. dialect: sqlite or postgresql."""
    asked = asked.where(Picture.deleted_at.is_(None), of(owner), *_filters(wanted))
    if wanted.q is None:
        return asked
    if dialect == "sqlite":
        found = _FTS.c.pictures_words.op("MATCH")(fts5_of(wanted.q, owner))
        return asked.select_from(_FTS).join(Picture, Picture.row == _FOUND).where(found)
    for words, negative in ((Picture.words, False), (Picture.negative_words, True)):
        if terms := tsquery(wanted.q, negative=negative):
            asked = asked.where(func.to_tsvector(_SIMPLE, words).op("@@")(func.to_tsquery(_SIMPLE, terms)))
    return asked


def row_of(wanted: Wanted, dialect: str) -> ColumnElement[int]:
    """What lists are sorted by: where SQLite searches, its words, which then come in that order by themselves."""
    return Picture.row.expression if wanted.q is None or dialect != "sqlite" else _FTS.c.rowid


def of(owner: str | None) -> ColumnElement[bool]:
    return true() if owner is None else Picture.owner == owner


def batches(values: Iterable[str]) -> Iterator[list[str]]:
    """As many as one statement may name."""
    left = iter(values)
    while some := list(islice(left, MOST)):
        yield some


def kept(found: Picture) -> Kept:
    same = {name: getattr(found, name) for name in Kept.model_fields.keys() & Picture.__table__.columns.keys()}
    own = {"url": image_url(found.id), "metadata": found.details, "tags": [tag.tag for tag in found.tags]}
    return Kept.model_validate({**same, **own})


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

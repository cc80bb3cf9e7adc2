"""The library's tables, as the newest of the migrations leaves them (a test compares)."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import JSON, BigInteger, ForeignKey, Index, Integer, String, Text, text
from sqlalchemy.engine import Dialect
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column, relationship
from sqlalchemy.types import TypeDecorator

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_Row = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows by itself where the type is INTEGER


class Moment(TypeDecorator[datetime]):
    """A time, kept as whole microseconds since 1970: exact, and the same in every database."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:  # noqa: ARG002
        return None if value is None else (value - _EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        return None if value is None else _EPOCH + timedelta(microseconds=value)


def _where(condition: str) -> dict[str, Any]:
    """An index of those rows alone, in either database."""
    return {"sqlite_where": text(condition), "postgresql_where": text(condition)}


class Base(DeclarativeBase):
    pass


class Picture(Base):
    """One picture. `row` grows with every one that comes, so it is the order in which lists show them.

    SQLite searches `words` and `negative_words` through the table `pictures_words`, which triggers keep;
    Postgres through indexes.
    """

    __tablename__ = "pictures"

    row: Mapped[int] = mapped_column(_Row, primary_key=True)
    id: Mapped[str] = mapped_column(String(30))
    owner: Mapped[str] = mapped_column(String(100))
    token: Mapped[int] = mapped_column(BigInteger)  # of the claim that wrote it; 0 of an upload
    sha256: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(40))  # of the job that made it, or `upload`
    role: Mapped[str | None] = mapped_column(String(20))
    job_id: Mapped[str | None] = mapped_column(String(30))
    index: Mapped[int | None]
    model: Mapped[str | None] = mapped_column(String(100))
    sampler: Mapped[str | None] = mapped_column(String(40))
    seed: Mapped[int | None] = mapped_column(BigInteger)
    width: Mapped[int]
    height: Mapped[int]
    format: Mapped[str] = mapped_column(String(10))
    bytes: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime] = mapped_column(Moment)
    prompt: Mapped[str] = mapped_column(Text)
    negative_prompt: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text)  # of the prompt, as search.py has them
    negative_words: Mapped[str] = mapped_column(Text)  # and of the negative one
    details: Mapped[dict[str, Any]] = mapped_column(JSON)  # how it was made: the request, the infotext and more
    favourite: Mapped[bool] = mapped_column(default=False)
    board: Mapped[str | None] = mapped_column(String(100))
    deleted_at: Mapped[datetime | None] = mapped_column(Moment)  # in the trash since then

    tags: Mapped[list["Tag"]] = relationship(lazy="selectin", passive_deletes=True, order_by="Tag.tag")

    # Most end with `row`, by which lists go on: a filtered page is read off one of them.
    __table_args__ = (
        Index("pictures_id", "id", unique=True),
        Index("pictures_sha256", "sha256"),
        Index("pictures_job_id", "job_id"),
        Index("pictures_created_at", "created_at"),
        Index("pictures_owner", "owner", "row", **_where("deleted_at IS NULL")),
        Index("pictures_owner_model", "owner", "model", "row", **_where("deleted_at IS NULL")),
        Index("pictures_owner_time", "owner", "deleted_at", "created_at", "bytes"),
        Index("pictures_kind", "kind", "row"),
        Index("pictures_model", "model", "row"),
        Index("pictures_sampler", "sampler", "row"),
        Index("pictures_seed", "seed", "row"),
        Index("pictures_size", "width", "height", "row"),
        Index("pictures_bytes", "bytes", "row"),
        Index("pictures_board", "board", "row"),
        Index("pictures_boards", "board", "owner", **_where("deleted_at IS NULL AND board IS NOT NULL")),
        Index("pictures_favourite", "favourite", "row"),
        Index("pictures_deleted_at", "deleted_at", **_where("deleted_at IS NOT NULL")),
        {"sqlite_autoincrement": True},  # no row's number is given twice
    )  # fmt: skip


class Tag(Base):
    """A word that its owner put on a picture."""

    __tablename__ = "tags"

    tag: Mapped[str] = mapped_column(String(100), primary_key=True)
    picture: Mapped[int] = mapped_column(_Row, ForeignKey("pictures.row", ondelete="CASCADE"), primary_key=True)
    owner: Mapped[str] = mapped_column(String(100))  # the picture's, so that counting looks at none

    __table_args__ = (Index("tags_picture", "picture"), Index("tags_owner", "owner", "tag"))


class Input(Base):
    """A picture that another was made from; it need not be there any more."""

    __tablename__ = "inputs"

    input_id: Mapped[str] = mapped_column(String(30), primary_key=True)
    picture: Mapped[int] = mapped_column(_Row, ForeignKey("pictures.row", ondelete="CASCADE"), primary_key=True)

    __table_args__ = (Index("inputs_picture", "picture"),)

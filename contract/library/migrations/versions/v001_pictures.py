"""Pictures with their tags and inputs, and the search in their prompts."""

import sqlalchemy as sa
from alembic import op

revision = "001"
down_revision = None

_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# The index itself holds no text: FTS5 reads it from the pictures, and the triggers tell it what changed. Owners are in
# it lest one who has few pictures waits for the words of all the others'.
_ADD = (
    "INSERT INTO pictures_words(rowid, words, negative_words, owner) "
    "VALUES (new.row, new.words, new.negative_words, new.owner);"
)
_REMOVE = (
    "INSERT INTO pictures_words(pictures_words, rowid, words, negative_words, owner) "
    "VALUES ('delete', old.row, old.words, old.negative_words, old.owner);"
)
_SQLITE_SEARCH = (
    "CREATE VIRTUAL TABLE pictures_words USING "
    "fts5(words, negative_words, owner, content='pictures', content_rowid='row', "
    "tokenize='unicode61 remove_diacritics 0')",
    f"CREATE TRIGGER pictures_words_insert AFTER INSERT ON pictures BEGIN {_ADD} END",
    f"CREATE TRIGGER pictures_words_delete AFTER DELETE ON pictures BEGIN {_REMOVE} END",
    "CREATE TRIGGER pictures_words_update AFTER UPDATE OF words, negative_words, owner ON pictures "
    f"BEGIN {_REMOVE} {_ADD} END",
)
_POSTGRES_SEARCH = (
    "CREATE INDEX pictures_words ON pictures USING gin (to_tsvector('simple', words))",
    "CREATE INDEX pictures_words_negative ON pictures USING gin (to_tsvector('simple', negative_words))",
)


def upgrade() -> None:
    """Everything new."""
    op.create_table(
        "pictures",
        sa.Column("row", _ROW, primary_key=True),
        sa.Column("id", sa.String(30), nullable=False),
        sa.Column("owner", sa.String(100), nullable=False),
        sa.Column("token", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("role", sa.String(20)),
        sa.Column("job_id", sa.String(30)),
        sa.Column("index", sa.Integer()),
        sa.Column("model", sa.String(100)),
        sa.Column("sampler", sa.String(40)),
        sa.Column("seed", sa.BigInteger()),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("format", sa.String(10), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("prompt", sa.Text(), nullable=False),
        sa.Column("negative_prompt", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("negative_words", sa.Text(), nullable=False),
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("favourite", sa.Boolean(), nullable=False),
        sa.Column("board", sa.String(100)),
        sa.Column("deleted_at", sa.BigInteger()),
        sqlite_autoincrement=True,
    )
    op.create_index("pictures_id", "pictures", ["id"], unique=True)
    for column in ("sha256", "job_id", "created_at"):
        op.create_index(f"pictures_{column}", "pictures", [column])
    for column in ("kind", "model", "sampler", "seed", "bytes", "board", "favourite"):
        op.create_index(f"pictures_{column}", "pictures", [column, "row"])
    op.create_index("pictures_size", "pictures", ["width", "height", "row"])
    _index_some("pictures_deleted_at", ["deleted_at"], "deleted_at IS NOT NULL")
    _index_some("pictures_owner", ["owner", "row"], "deleted_at IS NULL")
    _index_some("pictures_owner_model", ["owner", "model", "row"], "deleted_at IS NULL")
    _index_some("pictures_boards", ["board", "owner"], "deleted_at IS NULL AND board IS NOT NULL")
    for name, column, length in (("tags", "tag", 100), ("inputs", "input_id", 30)):
        named = sa.Column(column, sa.String(length), primary_key=True)
        picture = sa.Column("picture", _ROW, sa.ForeignKey("pictures.row", ondelete="CASCADE"), primary_key=True)
        more = [sa.Column("owner", sa.String(100), nullable=False)] if name == "tags" else []
        op.create_table(name, named, picture, *more)
        op.create_index(f"{name}_picture", name, ["picture"])
    op.create_index("tags_owner", "tags", ["owner", "tag"])
    for statement in _SQLITE_SEARCH if op.get_bind().dialect.name == "sqlite" else _POSTGRES_SEARCH:
        op.execute(statement)


def _index_some(name: str, columns: list[str], where: str) -> None:
    """Of those pictures alone of which it holds."""
    op.create_index(name, "pictures", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))

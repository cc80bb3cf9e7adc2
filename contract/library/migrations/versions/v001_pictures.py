"""Pictures with their tags and inputs, and the search in their prompts."""

import sqlalchemy as sa
from alembic import op

revision = "001"
down_revision = None

_ROW = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

# The index itself holds no text: FTS5 reads it from the pictures, and the triggers tell it what changed. Owners are in
# it lest one who has few pictures waits for the words of all the others'.
_ADD = "INSERT INTO pictures_words(rowid, words, owner) VALUES (new.row, new.words, new.owner);"
_REMOVE = (
    "INSERT INTO pictures_words(pictures_words, rowid, words, owner) VALUES ('delete', old.row, old.words, old.owner);"
)
_SQLITE_SEARCH = (
    "CREATE VIRTUAL TABLE pictures_words USING "
    "fts5(words, owner, content='pictures', content_rowid='row', tokenize='unicode61 remove_diacritics 0')",
    f"CREATE TRIGGER pictures_words_insert AFTER INSERT ON pictures BEGIN {_ADD} END",
    f"CREATE TRIGGER pictures_words_delete AFTER DELETE ON pictures BEGIN {_REMOVE} END",
    f"CREATE TRIGGER pictures_words_update AFTER UPDATE OF words, owner ON pictures BEGIN {_REMOVE} {_ADD} END",
)
_POSTGRES_SEARCH = ("CREATE INDEX pictures_words ON pictures USING gin (to_tsvector('simple', words))",)


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
        sa.Column("details", sa.JSON(), nullable=False),
        sa.Column("favourite", sa.Boolean(), nullable=False),
        sa.Column("board", sa.String(100)),
        sa.Column("deleted_at", sa.BigInteger()),
        sqlite_autoincrement=True,
    )
    op.create_index("pictures_id", "pictures", ["id"], unique=True)
    for column in ("sha256", "job_id", "created_at"):
        op.create_index(f"pictures_{column}", "pictures", [column])
    for column in ("owner", "kind", "model", "sampler", "seed", "bytes", "board", "favourite"):
        op.create_index(f"pictures_{column}", "pictures", [column, "row"])
    op.create_index("pictures_size", "pictures", ["width", "height", "row"])
    trash = sa.text("deleted_at IS NOT NULL")
    op.create_index("pictures_deleted_at", "pictures", ["deleted_at"], sqlite_where=trash, postgresql_where=trash)
    for name, column, length in (("tags", "tag", 100), ("inputs", "input_id", 30)):
        named = sa.Column(column, sa.String(length), primary_key=True)
        picture = sa.Column("picture", _ROW, sa.ForeignKey("pictures.row", ondelete="CASCADE"), primary_key=True)
        op.create_table(name, named, picture)
        op.create_index(f"{name}_picture", name, ["picture"])
    for statement in _SQLITE_SEARCH if op.get_bind().dialect.name == "sqlite" else _POSTGRES_SEARCH:
        op.execute(statement)

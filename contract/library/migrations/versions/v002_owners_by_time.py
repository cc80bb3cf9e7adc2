"""What one owner has, and has made lately, is read off one index."""

from alembic import op

revision = "002"
down_revision = "001"


def upgrade() -> None:
    """An index more."""
    op.create_index("pictures_owner_time", "pictures", ["owner", "deleted_at", "created_at", "bytes"])

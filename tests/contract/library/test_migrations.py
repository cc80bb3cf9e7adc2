"""From nothing to the newest tables, by however many processes start together."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect

from contract.errors import LibraryAway
from contract.library import Library
from contract.library.tables import Base
from contract.settings import ROOT
from tests.contract.library.kit import ids, keep, made

_SEARCH = "pictures_words"  # what searches the prompts, which SQLAlchemy's tables do not know

START = """
import sys
from pathlib import Path
from contract.library import Library
where = sys.argv[1]
library = Library(Path(where) if where.startswith("/") else where)
sys.stdin.read()
library.migrate()
"""


def test_the_migrations_make_the_tables_as_they_stand(library: Library) -> None:
    library.migrate()
    with library.database.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": False, "include_name": _known})
        assert compare_metadata(context, Base.metadata) == []
        for name, table in Base.metadata.tables.items():
            told = {each["name"]: each["nullable"] for each in inspect(connection).get_columns(name)}
            assert told == {each.name: each.nullable for each in table.columns}


def _known(name: str | None, *_: object) -> bool:
    return name is None or not name.startswith(_SEARCH)


def test_to_migrate_again_changes_nothing(library: Library, where: str | Path) -> None:
    kept = keep(library, made())
    again = Library(where)
    again.migrate()
    assert ids(again) == kept
    again.close()


def test_processes_that_start_together_migrate_once(where: str | Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    starting = [
        subprocess.Popen(
            [sys.executable, "-c", START, str(where)], cwd=ROOT, env=environment, stdin=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        for _ in range(2)
    ]  # fmt: skip
    assert [process.communicate(timeout=120)[1].decode() for process in starting] == [""] * 2
    assert [process.returncode for process in starting] == [0] * 2
    library = Library(where)
    assert len(keep(library, made())) == 1
    library.close()


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    with pytest.raises(LibraryAway):
        Library(tmp_path / "data" / "library.db").migrate()

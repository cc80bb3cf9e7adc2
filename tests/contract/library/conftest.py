"""The library on SQLite and on PostgreSQL: every test here is run on both."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from contract.library import Library
from tests.postgres import PostgresServer, running_postgres


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    with running_postgres() as server:
        yield server


@pytest.fixture(params=["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str | Path:
    """Where a library can be that has never been opened."""
    if request.param == "sqlite":
        return tmp_path / "data" / "library.db"
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.database()


@pytest.fixture
def library(where: str | Path) -> Iterator[Library]:
    made = Library(where)
    yield made
    made.close()

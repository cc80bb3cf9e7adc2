"""The database under the library: SQLite in a file of ours, or Postgres by URL."""

import fcntl
import logging
import sqlite3
import threading
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from sqlalchemy import URL, BigInteger, Connection, create_engine, event, func, literal, make_url, select, text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, NotSupportedError, ProgrammingError, TimeoutError
from sqlalchemy.orm import Session

from contract.errors import LibraryAway

log = logging.getLogger(__name__)

_OURS = (IntegrityError, ProgrammingError, DataError, NotSupportedError)  # our own mistakes, whatever the database does
_MIGRATING = threading.Lock()  # Alembic keeps what it is about in globals
_ADVISORY = 0x6461726B  # number of the lock under which Postgres is migrated


class Database:
    """Sessions on a database that is brought up to date before its first use. Safe to share between threads.

    Sessions raise LibraryAway where the database cannot be reached, is locked for longer than `patience` seconds, or
    its disk is full. What a writing one has done is then undone.
    """

    def __init__(self, where: str | Path, patience: float = 5.0) -> None:
        self.file = where.resolve() if isinstance(where, Path) else None
        limits = {} if self.file else {"connect_args": _limits(patience)}
        self.engine = create_engine(
            _url(where), pool_size=5, max_overflow=60, pool_timeout=patience, pool_pre_ping=not self.file, **limits
        )
        self.dialect = self.engine.dialect.name  # sqlite or postgresql
        self._ready = False
        if self.file:
            event.listen(self.engine, "connect", _with_patience(patience))
            event.listen(self.engine, "begin", _begin)
        self._writer = self.engine.execution_options(immediate=True)

    def migrate(self) -> None:
        """Bring the tables up to date; any number of processes may do so at once. Raises LibraryAway."""
        with _MIGRATING, _troubles():
            if not self._ready:
                with self._alone(), self._writer.begin() as connection:
                    _upgrade(connection)
                self._ready = True

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session that only looks; it waits for no writer."""
        if not self._ready:
            self.migrate()
        with _troubles(), Session(self.engine) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A session whose work is done as a whole at its end, or not at all."""
        if not self._ready:
            self.migrate()
        with _troubles(), Session(self._writer) as session, session.begin():
            yield session

    def hold(self, session: Session, hashes: Iterable[str]) -> None:
        """Until a writing session ends no other goes on that holds one of these hashes. SQLite has but one writer."""
        if self.dialect == "postgresql":
            for key in sorted(
                {int.from_bytes(bytes.fromhex(sha[:16]), signed=True) for sha in hashes}
            ):  # all in one order
                session.execute(select(func.pg_advisory_xact_lock(literal(key, BigInteger))))

    def close(self) -> None:
        self.engine.dispose()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """One process at a time makes SQLite's file, and has it write ahead: only then readers and a writer do not wait
        for each other."""
        if not self.file:
            yield
            return
        try:
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self.file.with_name(f"{self.file.name}.lock").open("a") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                with closing(sqlite3.connect(self.file)) as raw:
                    raw.execute("PRAGMA journal_mode=WAL")
                yield
        except (OSError, sqlite3.Error) as error:
            raise _away(error) from error


def _url(where: str | Path) -> URL:
    if isinstance(where, Path):
        return URL.create("sqlite", database=str(where.resolve()))
    return make_url(where).set(drivername="postgresql+psycopg")


def _limits(patience: float) -> dict[str, Any]:
    """What Postgres is told: seconds to wait for it, milliseconds to wait for a lock."""
    return {"connect_timeout": max(2, round(patience)), "options": f"-c lock_timeout={int(patience * 1000)}"}


def _with_patience(patience: float) -> Any:
    def connect(connection: sqlite3.Connection, _: object) -> None:
        connection.isolation_level = None  # transactions are begun below, not by the driver
        for setting in (f"busy_timeout={int(patience * 1000)}", "synchronous=FULL", "foreign_keys=ON"):
            connection.execute(f"PRAGMA {setting}")

    return connect


def _begin(connection: Connection) -> None:
    """A writer waits for its turn at once: one that began as a reader would be refused in place of waiting."""
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")


def _upgrade(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        connection.execute(text("SET LOCAL lock_timeout = 0"))  # who migrates now may have much to do
        connection.execute(select(func.pg_advisory_xact_lock(_ADVISORY)))
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


@contextmanager
def _troubles() -> Iterator[None]:
    try:
        yield
    except (DBAPIError, TimeoutError) as error:
        if isinstance(error, _OURS):
            raise
        raise _away(error) from error


def _away(error: Exception) -> LibraryAway:
    """Logged without the statement, whose values are prompts."""
    told = str(getattr(error, "orig", None) or error).partition("\n")[0]
    log.warning("library: %s", told)
    return LibraryAway("The library (its database) cannot be used at the moment")

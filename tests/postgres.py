"""A PostgreSQL of our own, as Debian has it: in a temporary folder, reached by a socket there."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import psycopg


class PostgresServer:
    """A running server. It refuses to be root's, so as root it is the user `postgres`'s."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._made = folder, 0

    def database(self) -> str:
        """URL of a database with nothing in it."""
        self._made += 1
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE made_{self._made}".encode())
        return self._url(f"made_{self._made}")

    def _url(self, name: str) -> str:
        return f"postgresql://tester@/{name}?host={quote(str(self._folder))}"


@contextmanager
def running_postgres() -> Iterator[PostgresServer]:
    """A server without a password, a port, or any wish to outlive a power cut."""
    with tempfile.TemporaryDirectory(prefix="darkroom-") as name:  # short: it is a socket's path
        folder, user = Path(name), "postgres" if os.getuid() == 0 else None
        if user:
            os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
        data = folder / "data"
        _run(user, "initdb", "-D", data, "-U", "tester", "--auth=trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
        options = f"-F -c listen_addresses= -c unix_socket_directories={folder} -c max_connections=200"
        _run(user, "pg_ctl", "-D", data, "-l", folder / "log", "-w", "-t", "60", "-o", options, "start")
        try:
            yield PostgresServer(folder)
        finally:
            _run(user, "pg_ctl", "-D", data, "-w", "-m", "immediate", "stop")


def _run(user: str | None, name: str, *arguments: str | Path) -> None:
    subprocess.run([_binary(name), *arguments], user=user, check=True, stdout=subprocess.DEVNULL, cwd="/")


def _binary(name: str) -> Path:
    """Debian keeps them off the PATH, by version."""
    if found := shutil.which(name):
        return Path(found)
    return max(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), key=lambda path: int(path.parts[4]))

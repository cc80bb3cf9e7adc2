"""Where bytes lie by name: a folder, or a bucket of S3."""

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import timedelta
from pathlib import Path
from typing import Protocol

from obstore.exceptions import AlreadyExistsError, BaseError
from obstore.store import LocalStore, S3Store

from contract.files import read_within

# Of one request to a bucket, seconds. None is begun `_RETRIES_WITHIN` after the first, so all of them end within a
# lease (`DARKROOM_LEASE_SECONDS`, 15); who can wait longer asks again (`worker.patience`).
_TIMEOUT, _RETRIES_WITHIN = 10.0, 5.0
_RETRIES = 3
_ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")  # as obstore reads them


class Place(Protocol):
    """Bytes by name, `ab/abcdef…`. Every trouble is an OSError; that there are none is a FileNotFoundError."""

    def put(self, name: str, data: bytes) -> None:
        """Store bytes under the one name they can have. Whole or not at all, and to stay once this returns."""
        ...

    def get(self, name: str) -> bytes: ...

    def has(self, name: str) -> bool: ...

    def names(self, folder: str) -> Iterator[tuple[str, float]]:
        """What lies in a folder, named without it, and when that was written, in seconds since 1970."""
        ...

    def delete(self, *names: str) -> None:
        """Unknown ones are no error."""
        ...

    def tidy(self, folder: str, before: float) -> None:
        """Remove what writes that were cut off have left in a folder before then, in seconds since 1970."""
        ...


class Folder:
    """A folder on a disk, in which no link is followed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._store = LocalStore(self._folder, mkdir=True)

    def put(self, name: str, data: bytes) -> None:
        """Written aside, then named, and brought to the disk: neither a kill nor a power cut leaves a part."""
        path = self._path(name)
        with _as_os_error():
            self._store.put(name, data)
        _flush(path)

    def get(self, name: str) -> bytes:
        return read_within(self._folder, name)

    def has(self, name: str) -> bool:
        return self._path(name).is_file()

    def names(self, folder: str) -> Iterator[tuple[str, float]]:
        for file in (self._folder / folder).glob("*"):
            with suppress(FileNotFoundError):
                yield file.name, file.stat(follow_symlinks=False).st_mtime

    def delete(self, *names: str) -> None:
        for name in names:
            self._path(name)
            with _as_os_error(), suppress(FileNotFoundError):
                self._store.delete(name)

    def tidy(self, folder: str, before: float) -> None:
        """obstore writes to `name#1` first, and a process that is killed meanwhile leaves that there."""
        for file in self._path(folder).glob("*#*"):
            with suppress(FileNotFoundError):
                if file.stat(follow_symlinks=False).st_mtime < before:
                    file.unlink()

    def _path(self, name: str) -> Path:
        """Where bytes lie. Raises OSError where a link stands in the way: it may lead out of the folder."""
        path = self._folder / name
        if path.resolve() != path:
            raise OSError(errno.ELOOP, "a link where bytes should lie", str(path))
        return path


class Bucket:
    """A bucket of S3, or a prefix in one. Keys, region and endpoint come from the environment, as `AWS_…`."""

    def __init__(self, url: str, *, http: bool = False) -> None:
        """url: `s3://bucket/prefix`. http: the endpoint may be one without TLS. Raises ValueError where it may not."""
        if not http and any(os.environ.get(name, "").startswith("http:") for name in _ENDPOINTS):
            raise ValueError("AWS_ENDPOINT_URL is http://, which others can read: set DARKROOM_STORE_HTTP if they may")
        within, timeout = timedelta(seconds=_RETRIES_WITHIN), timedelta(seconds=_TIMEOUT)
        self._store = S3Store.from_url(
            url,
            client_options={"allow_http": http, "connect_timeout": timedelta(seconds=3), "timeout": timeout},
            retry_config={"max_retries": _RETRIES, "retry_timeout": within, "backoff": {"max_backoff": within / 5}},
        )

    def put(self, name: str, data: bytes) -> None:
        """Written unless it is there: a name has but one content."""
        with _as_os_error(), suppress(AlreadyExistsError):
            self._store.put(name, data, mode="create")

    def get(self, name: str) -> bytes:
        with _as_os_error():
            return bytes(self._store.get(name).bytes())

    def has(self, name: str) -> bool:
        try:
            with _as_os_error():
                self._store.head(name)
        except FileNotFoundError:
            return False
        return True

    def names(self, folder: str) -> Iterator[tuple[str, float]]:
        with _as_os_error():
            for found in self._store.list(folder):
                for each in found:
                    yield each["path"].rpartition("/")[2], each["last_modified"].timestamp()

    def delete(self, *names: str) -> None:
        with _as_os_error(), suppress(FileNotFoundError):
            self._store.delete(names)

    def tidy(self, folder: str, before: float) -> None:
        """There is nothing: what is not written whole is not there."""


@contextmanager
def _as_os_error() -> Iterator[None]:
    """obstore's errors are no OSErrors, which is what whoever waits for storage to come back looks for."""
    try:
        yield
    except BaseError as error:
        raise OSError(str(error).partition("\n")[0]) from error


def _flush(path: Path) -> None:
    """Bring file and folder entry to the disk, so that a power cut after this call loses neither."""
    for target in (path, path.parent):
        handle = os.open(target, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

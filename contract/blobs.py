"""Content-addressed bytes: the name is the SHA-256 of what is inside, so equal bytes are stored once."""

import errno
import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path

from obstore.exceptions import BaseError
from obstore.store import LocalStore

from contract.files import read_within


class Blobs:
    """Bytes by hash, in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._store = LocalStore(self._folder, mkdir=True)

    def put(self, data: bytes) -> str:
        """Store bytes and return their SHA-256. Written aside, then named: an interrupted write leaves nothing.
        Raises OSError.

        Written even where it exists already: a sweep may be about to remove the older copy.
        """
        sha = hashlib.sha256(data).hexdigest()
        path = self.path(sha)
        try:
            self._store.put(_path(sha), data)
        except BaseError as error:  # a full disk, for one; it is no OSError
            raise OSError(str(error).partition("\n")[0]) from error
        _flush(path)
        return sha

    def get(self, sha: str) -> bytes:
        """The bytes, or FileNotFoundError. Raises OSError where a link stands in the way."""
        return read_within(self._folder, _path(sha))

    def path(self, sha: str) -> Path:
        """Where the bytes lie. Raises OSError where a link stands in the way: it may lead out of the folder."""
        path = self._folder / _path(sha)
        if path.resolve() != path:
            raise OSError(errno.ELOOP, "a link where bytes should lie", str(path))
        return path

    def stored(self, shelf: int, age_seconds: float) -> list[str]:
        """Hashes of the bytes on one of the 256 shelves (their first byte) that were written so long ago."""
        latest = time.time() - age_seconds
        found = []
        for file in (self._folder / f"{shelf:02x}").glob("?" * 64):
            with suppress(FileNotFoundError):
                if file.stat().st_mtime < latest:
                    found.append(file.name)
        return found

    def delete(self, sha: str) -> None:
        """Remove the bytes; unknown ones are no error."""
        self.path(sha)
        with suppress(FileNotFoundError):
            self._store.delete(_path(sha))


def _path(sha: str) -> str:
    """`ab/abcdef…`: a thousand pictures must not share one folder."""
    if len(sha) != 64 or not set(sha) <= set("0123456789abcdef"):
        raise ValueError("not a SHA-256 in hex")
    return f"{sha[:2]}/{sha}"


def _flush(path: Path) -> None:
    """Bring file and folder entry to the disk, so that a power cut after this call loses neither."""
    for target in (path, path.parent):
        handle = os.open(target, os.O_RDONLY | os.O_NOFOLLOW)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

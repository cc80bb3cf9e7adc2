"""Content-addressed bytes: the name is the SHA-256 of what is inside, so equal bytes are stored once."""

import errno
import hashlib
import time
from pathlib import Path

from contract.places import Bucket, Folder, Place
from contract.settings import Settings

THUMBNAIL = 256  # pixels of its longer side
_SMALL = ".webp"


class Blobs:
    """Bytes by hash, in a folder or another place. Threads may share it."""

    def __init__(self, place: Place | Path) -> None:
        self._place = Folder(place) if isinstance(place, Path) else place

    def put(self, data: bytes) -> str:
        """Store bytes and return their SHA-256; an interrupted write leaves nothing. Raises OSError."""
        sha = hashlib.sha256(data).hexdigest()
        self._place.put(_name(sha), data)
        return sha

    def get(self, sha: str) -> bytes:
        """The bytes, or FileNotFoundError. Raises OSError where others came, or a link stands in the way."""
        data = self._place.get(_name(sha))
        if hashlib.sha256(data).hexdigest() != sha:
            raise OSError(errno.EIO, "other bytes than were stored", sha)
        return data

    def has(self, sha: str) -> bool:
        """Whether the bytes are there, as far as their name tells. Raises OSError."""
        return self._place.has(_name(sha))

    def ensure(self, sha: str, data: bytes) -> None:
        """Store bytes once more if they are gone. Raises OSError."""
        if not self.has(sha):
            self.put(data)

    def stored(self, shelf: int, age_seconds: float) -> list[str]:
        """Hashes of the bytes on one of the 256 shelves (their first byte) that were written so long ago."""
        latest = time.time() - age_seconds
        return [name for name, written in self._place.names(f"{shelf:02x}") if _is_hash(name) and written < latest]

    def tidy(self, shelf: int, age_seconds: float) -> None:
        """Remove what lies on a shelf since so long ago and is nobody's: what writes that were cut off have left, and
        thumbnails that came when their picture had just gone. Raises OSError."""
        folder, before = f"{shelf:02x}", time.time() - age_seconds
        self._place.tidy(folder, before)
        there = dict(self._place.names(folder))
        for name, written in there.items():
            sha = name.removesuffix(_SMALL)
            if sha != name and _is_hash(sha) and sha not in there and written < before:
                self._place.delete(_name(sha) + _SMALL)

    def delete(self, sha: str) -> None:
        """Remove the bytes, and the thumbnail beside them; unknown ones are no error."""
        self._place.delete(_name(sha) + _SMALL, _name(sha))

    def keep_thumbnail(self, sha: str, webp: bytes) -> None:
        """Lay a picture's small copy beside it, to go with it. Raises OSError."""
        self._place.put(_name(sha) + _SMALL, webp)

    def thumbnail(self, sha: str) -> bytes:
        """What `keep_thumbnail` was given, or FileNotFoundError. Raises OSError."""
        return self._place.get(_name(sha) + _SMALL)


def open_blobs(settings: Settings) -> Blobs:
    """Those of this installation."""
    return Blobs(Bucket(settings.store, http=settings.store_http) if settings.store else settings.blobs)


def _name(sha: str) -> str:
    """`ab/abcdef…`: a thousand pictures must not share one folder."""
    if not _is_hash(sha):
        raise ValueError("not a SHA-256 in hex")
    return f"{sha[:2]}/{sha}"


def _is_hash(name: str) -> bool:
    return len(name) == 64 and set(name) <= set("0123456789abcdef")

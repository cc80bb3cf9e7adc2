"""What running jobs need to be gone on with elsewhere: one file for each claim, named by its token.

A checkpoint only saves work: whoever reads one proves that it fits, so it needs neither the ledger nor fsync. The name
is the fence: a late twin writes under its own older token, and the newest is what counts.
"""

import errno
import hashlib
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from contract.files import read_within

_DIGEST = hashlib.sha256().digest_size


class Checkpoints:
    """`<job>/<token>` in a folder that all workers share; each file begins with the SHA-256 of what follows."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, job_id: str, token: int, data: bytes) -> None:
        """Put a claim's newest checkpoint in the place of its last one and of those of older claims."""
        folder = self._folder / job_id
        folder.mkdir(parents=True, exist_ok=True)
        part = folder / f"{token}.part"  # written aside, then named: an interrupted write leaves the last one
        if folder.is_symlink():
            raise OSError(errno.ELOOP, "a link where checkpoints should lie", str(folder))
        part.unlink(missing_ok=True)
        with part.open("xb") as file:  # a new file, and never through a link
            file.write(hashlib.sha256(data).digest())
            file.write(data)
        part.replace(folder / str(token))
        for older in self._tokens(job_id):
            if older < token:
                (folder / str(older)).unlink(missing_ok=True)

    def newest(self, job_id: str) -> bytes | None:
        """The newest claim's checkpoint that is whole."""
        for token in sorted(self._tokens(job_id), reverse=True):
            with suppress(OSError):  # what cannot be read, or is a link, is none: the work is done again
                content = read_within(self._folder, f"{job_id}/{token}")
                digest, data = content[:_DIGEST], content[_DIGEST:]
                if hashlib.sha256(data).digest() == digest:
                    return data
        return None

    def clear(self, job_id: str) -> None:
        """Forget a job's checkpoints; where there are none, that is no error."""
        shutil.rmtree(self._folder / job_id, ignore_errors=True)

    def jobs(self) -> list[str]:
        """Ids of the jobs that have any."""
        return [folder.name for folder in self._folder.iterdir()] if self._folder.exists() else []

    def _tokens(self, job_id: str) -> Iterator[int]:
        folder = self._folder / job_id
        names = [file.name for file in folder.iterdir()] if folder.exists() else []
        return (int(name) for name in names if name.isdecimal())

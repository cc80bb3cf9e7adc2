"""Waiting for storage: Redis, the disk or a bucket may be away for a while, and finished work is worth the wait."""

import logging
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from redis.exceptions import RedisError

from contract.blobs import Blobs
from contract.errors import ErrorCode, JobFailed

log = logging.getLogger(__name__)
P = ParamSpec("P")
T = TypeVar("T")

PATIENCE = 60.0  # seconds that a finished picture, or one that is to be begun with, waits for storage to come back


def insist(act: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Do it, again and again for a minute while storage is away; then JobFailed(storage_error)."""
    deadline, pause = time.monotonic() + PATIENCE, 0.1
    while True:
        try:
            return act(*args, **kwargs)
        except (RedisError, OSError) as error:
            if time.monotonic() + pause > deadline:
                raise JobFailed(ErrorCode.STORAGE_ERROR, "the picture could not be stored, or read") from error
            log.warning("storage: %s; trying again", error)
            time.sleep(pause)
            pause = min(2 * pause, 5.0)


def read_bytes(sha: str | None, blobs: Blobs) -> bytes:
    """Stored bytes, waited for; none at all where they are gone, which no waiting brings back."""
    return insist(_bytes_of, sha, blobs)


def _bytes_of(sha: str | None, blobs: Blobs) -> bytes:
    try:
        return blobs.get(sha) if sha else b""
    except FileNotFoundError:
        return b""

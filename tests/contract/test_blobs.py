"""Content-addressed bytes on a real disk."""

import hashlib
from pathlib import Path

import pytest

from contract.blobs import Blobs


def test_bytes_come_back_under_their_hash(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path / "blobs")
    data = bytes(range(256)) * 100
    sha = blobs.put(data)
    assert sha == hashlib.sha256(data).hexdigest()
    assert blobs.get(sha) == data
    assert blobs.path(sha).read_bytes() == data


def test_equal_bytes_are_stored_once(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    assert blobs.put(b"twice") == blobs.put(b"twice")
    assert sum(path.is_file() for path in tmp_path.rglob("*")) == 1


def test_deleting_is_final_and_may_be_repeated(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    sha = blobs.put(b"gone")
    blobs.delete(sha)
    blobs.delete(sha)
    with pytest.raises(FileNotFoundError):
        blobs.get(sha)


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "AB" * 32, "ab" * 31 + "/.", "ab" * 33])
def test_what_is_no_hash_is_no_name(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a SHA-256"):
        Blobs(tmp_path).path(name)


def test_a_write_that_fails_is_an_os_error(tmp_path: Path) -> None:
    """As a full disk is; whoever waits for storage to come back looks for that."""
    blobs = Blobs(tmp_path / "blobs")
    sha = hashlib.sha256(b"picture").hexdigest()
    (tmp_path / "blobs" / sha[:2]).write_bytes(b"in the way")
    with pytest.raises(OSError, match="LocalFileSystem"):
        blobs.put(b"picture")


def test_no_link_is_followed(tmp_path: Path) -> None:
    """Neither for a file nor for the folder it lies in, whichever way it is asked for."""
    blobs, outside = Blobs(tmp_path / "blobs"), tmp_path / "outside"
    secret = outside / ("ab" * 32)
    outside.mkdir()
    secret.write_bytes(b"secret")
    (tmp_path / "blobs" / "ab").symlink_to(outside)
    data = b"data"
    sha = blobs.put(data)
    blobs.path(sha).unlink()
    blobs.path(sha).symlink_to(secret)
    for linked in ("ab" * 32, sha):
        with pytest.raises(OSError, match=r"Not a directory|symbolic links"):
            blobs.get(linked)
        with pytest.raises(OSError, match="a link"):
            blobs.path(linked)
        with pytest.raises(OSError, match="a link"):
            blobs.delete(linked)
    with pytest.raises(OSError, match="a link"):
        blobs.put(data)
    assert secret.read_bytes() == b"secret"

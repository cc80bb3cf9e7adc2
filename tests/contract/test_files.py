"""What is read under a folder lies under it."""

import os
from pathlib import Path

import pytest

from contract.files import read_within


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """`root/a/b/file`, a secret beside `root`, links to it at every height, a pipe, and a folder for a file."""
    inner = tmp_path / "root" / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "file").write_bytes(b"inside")
    outside = tmp_path / "outside"
    (outside / "b").mkdir(parents=True)
    for place in (outside / "file", outside / "b" / "file"):
        place.write_bytes(b"secret")
    (inner / "link").symlink_to(outside / "file")
    (inner / "inward").symlink_to("file")
    (inner.parent / "c").symlink_to(outside)
    (tmp_path / "root" / "d").symlink_to(outside)
    os.mkfifo(inner / "pipe")
    return tmp_path / "root"


def test_a_file_at_any_depth(folder: Path) -> None:
    (folder / "top").write_bytes(bytes(range(256)) * 1000)
    assert read_within(folder, "a/b/file") == b"inside"
    assert read_within(folder, "top") == bytes(range(256)) * 1000
    (folder.parent / "again").symlink_to(folder)  # whoever runs Darkroom may put its folder elsewhere
    assert read_within(folder.parent / "again", "a/b/file") == b"inside"


@pytest.mark.parametrize("name", ["a/b/link", "a/b/inward", "a/c/file", "d/file", "d/b/file", "a/b"])
def test_no_link_is_followed_and_a_folder_is_no_file(folder: Path, name: str) -> None:
    before = len([*Path("/proc/self/fd").iterdir()])
    with pytest.raises(OSError, match=r"symbolic links|Not a directory|Is a directory"):
        read_within(folder, name)
    assert len([*Path("/proc/self/fd").iterdir()]) == before


@pytest.mark.parametrize("name", ["", "/", "/etc/passwd", "../outside/file", "a/../../outside/file", "a//b", "a/./b"])
def test_no_name_leads_out(folder: Path, name: str) -> None:
    with pytest.raises(ValueError, match="leads out"):
        read_within(folder, name)


def test_nothing_waits_for_a_pipe_and_what_is_not_there_is_told(folder: Path) -> None:
    assert read_within(folder, "a/b/pipe") == b""
    for name in ("a/b/none", "none/file"):
        with pytest.raises(FileNotFoundError):
            read_within(folder, name)

"""Files under a folder of ours, read without following a link."""

import os
from pathlib import Path
from typing import BinaryIO


def open_within(folder: Path, name: str) -> BinaryIO:
    """The file `name` (`a/b/c`) under a folder. The folder itself may be a link, nothing under it.

    Raises FileNotFoundError, OSError where a link or no plain file stands, and ValueError for a name that leads out.
    """
    parts = name.split("/")
    if not set(parts).isdisjoint(("", ".", "..")):
        raise ValueError("a name that leads out")
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for part in parts:  # not to block: opening a pipe would wait for whoever writes into it
            below = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, dir_fd=handle)
            os.close(handle)
            handle = below
        return os.fdopen(handle, "rb")  # which refuses a folder
    except BaseException:
        os.close(handle)
        raise


def read_within(folder: Path, name: str) -> bytes:
    """Its bytes; raises the same."""
    with open_within(folder, name) as file:
        return file.read()

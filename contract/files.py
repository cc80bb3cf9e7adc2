"""Files under a folder of ours, read without following a link."""

import os
from pathlib import Path


def read_within(folder: Path, name: str) -> bytes:
    """The bytes of the file `name` (`a/b/c`) under a folder. The folder itself may be a link, nothing under it.

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
        with os.fdopen(handle, "rb", closefd=False) as file:  # which refuses a folder
            return file.read()
    finally:
        os.close(handle)

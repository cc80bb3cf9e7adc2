from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.stack import Stack


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """One running Darkroom for all tests here; each leaves it working."""
    data: Path = tmp_path_factory.mktemp("e2e") / "data"
    stack = Stack(data)
    try:
        stack.start()
        yield stack
    finally:  # also one that did not get ready: it would run on after the tests
        left = stack.stop()
    assert left == []

from collections.abc import Iterator

import pytest

from contract.library import Library, open_library
from contract.settings import Settings
from contract.store import JobStore, connect


@pytest.fixture
def store(settings: Settings) -> JobStore:
    return JobStore(connect(settings))


@pytest.fixture
def library(settings: Settings) -> Iterator[Library]:
    opened = open_library(settings)
    yield opened
    opened.close()

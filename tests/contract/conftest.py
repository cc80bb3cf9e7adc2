import pytest

from contract.settings import Settings
from contract.store import JobStore, connect


@pytest.fixture
def store(settings: Settings) -> JobStore:
    return JobStore(connect(settings))

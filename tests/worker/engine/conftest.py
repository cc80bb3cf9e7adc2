"""An engine on the tiny model, on one thread.

Beside other work on the same cores, two threads wait for each other most of the time.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import torch

from tests.worker.engine.tiny import tiny
from worker.engine.engine import Engine
from worker.models.loader import Components


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def components() -> Components:
    return tiny()


@pytest.fixture
def engine(components: Components) -> Iterator[Engine]:
    engine = Engine(components, max_rows=16)
    engine.start()
    yield engine
    engine.stop()

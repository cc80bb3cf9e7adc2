"""What a worker says of its memory, against what the process itself is told by the kernel."""

import resource
from pathlib import Path

import numpy as np
import pytest

from worker import memory
from worker.memory import memory_of_process

MIB = 1024 * 1024


def test_what_is_taken_is_counted() -> None:
    before = memory_of_process()
    assert before is not None
    kept = np.ones(64 * MIB, np.uint8)
    after = memory_of_process()
    assert after is not None
    assert kept.sum() == 64 * MIB
    assert 56 * MIB < after.used - before.used < 96 * MIB
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    assert after.used <= peak + 8 * MIB
    assert after.used < after.total == before.total


def test_a_system_that_does_not_tell_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "_STATM", tmp_path / "none")
    assert memory_of_process() is None

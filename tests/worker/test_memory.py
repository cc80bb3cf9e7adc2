"""What a worker says of its memory, against what the process itself is told by the kernel."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from worker import memory
from worker.memory import memory_of_process

MIB = 1024 * 1024

# In a process of its own: one that has run a thousand tests gives back and takes at any moment,
# and its allocator answers a large request with pages that were counted long before.
_TAKES_64_MIB = """
import json, mmap, resource
from worker.memory import memory_of_process

before = memory_of_process()
kept = mmap.mmap(-1, 64 << 20)
kept.write(b"x" * len(kept))
after = memory_of_process()
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({"before": before.model_dump(), "after": after.model_dump(), "peak": peak}))
"""


def test_what_is_taken_is_counted() -> None:
    told = json.loads(subprocess.check_output([sys.executable, "-c", _TAKES_64_MIB]))
    before, after = told["before"], told["after"]
    assert 56 * MIB < after["used"] - before["used"] < 96 * MIB
    assert after["used"] <= told["peak"] + 8 * MIB
    assert after["used"] < after["total"] == before["total"]


def test_a_system_that_does_not_tell_is_no_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(memory, "_STATM", tmp_path / "none")
    assert memory_of_process() is None

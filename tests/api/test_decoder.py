"""The processes that read pictures: what comes back, what ends them, and what then happens."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator

import numpy as np
import psutil
import pytest

from api.decoder import Decoder
from api.decoder_child import MEMORY
from api.pictures import read_picture, thumbnail
from contract.errors import BadImage, UnsupportedMedia
from tests.api.kit import noise, png

PNG = png(noise(40, 60, 3))
PATIENCE = 120.0  # seconds; on a machine with other work a start alone can take twenty


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    made = Decoder(PATIENCE)
    made.start()
    yield made
    made.close()


def test_what_comes_back_is_what_the_reader_makes(decoder: Decoder) -> None:
    assert decoder.read(PNG) == read_picture(PNG)
    assert decoder.thumbnail(PNG, 32) == thumbnail(PNG, 32)


@pytest.mark.parametrize(
    ("data", "error", "says"),
    [(PNG[:99], BadImage, "broken"), (b"", BadImage, "empty"), (b"GIF89a", UnsupportedMedia, "no PNG")],
)
def test_refusals_keep_their_words(decoder: Decoder, data: bytes, error: type[Exception], says: str) -> None:
    before = decoder.pids
    with pytest.raises(error, match=says):
        decoder.read(data)
    assert decoder.pids == before


def test_the_largest_pictures_fit_into_the_memory(decoder: Decoder) -> None:
    """4096 x 4096 with alpha and a profile to apply: the copies that conversions make, and a poorly packed PNG."""
    picture = decoder.read(png(np.broadcast_to(noise(64, 1, 4).repeat(64, 0), (4096, 4096, 4)).copy()))
    assert (picture.width, picture.height) == (4096, 4096)


def test_a_process_that_died_idle_is_no_fault_of_the_next_picture(decoder: Decoder) -> None:
    decoder.read(PNG)
    for pid in decoder.pids:
        os.kill(pid, signal.SIGKILL)
        os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
    for _ in range(4):
        assert decoder.read(PNG).width == 60


def test_a_process_that_does_not_end_is_replaced_and_the_picture_refused() -> None:
    decoder = Decoder(PATIENCE)
    try:
        for _ in range(2):
            decoder.read(PNG)
        before = decoder.pids
        for child in decoder._children:
            child._seconds = 0.3
            os.kill(child.pid, signal.SIGSTOP)
        with pytest.raises(BadImage, match="memory or time"):
            decoder.read(PNG)
        assert len(set(before) & set(decoder.pids)) == 1
    finally:
        decoder.close()
    assert not [pid for pid in before if psutil.pid_exists(pid)]


def test_closing_ends_the_processes_and_leaves_none_behind(decoder: Decoder) -> None:
    other = Decoder(PATIENCE)
    other.start()
    pids = other.pids
    assert len(pids) == 2
    other.close()
    assert not [pid for pid in pids if psutil.pid_exists(pid)]


def run(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def test_the_kernel_ends_what_computes_too_long() -> None:
    assert run("from api.decoder_child import _allow_seconds as a; a(1)\nwhile 1: pass").returncode == -signal.SIGXCPU


def test_memory_and_files_are_bounded(decoder: Decoder) -> None:
    done = run(f"from api.decoder_child import _confine as c; c(); bytearray({MEMORY})")
    assert done.returncode == 1
    assert "MemoryError" in done.stderr
    decoder.read(PNG)
    process = psutil.Process(decoder.pids[0])
    assert process.rlimit(psutil.RLIMIT_AS) == (MEMORY, MEMORY)
    assert process.rlimit(psutil.RLIMIT_FSIZE) == (0, 0)


def test_secrets_of_the_settings_stay_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_REDIS_URL", "redis://:swordfish@queue")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "swordfish")
    decoder = Decoder(PATIENCE)
    decoder.start()
    try:
        for pid in decoder.pids:
            assert "swordfish" not in str(psutil.Process(pid).environ())
    finally:
        decoder.close()


ORPHANED = """
from api.decoder import Decoder
decoder = Decoder(60)
decoder.start()
print(*decoder.pids, flush=True)
input()
"""


def test_they_end_with_the_api_even_when_it_is_killed() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", ORPHANED], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        children = [psutil.Process(int(pid)) for pid in parent.stdout.readline().split()]
        parent.kill()
    _, alive = psutil.wait_procs(children, PATIENCE)
    assert alive == []

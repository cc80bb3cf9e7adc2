"""Pictures that mean harm: refused or read, in a process whose memory is bounded, while the api's stays as it was."""

import resource
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import psutil
import pytest
from fastapi.testclient import TestClient

from api.decoder import Decoder
from api.deps import Services
from contract.errors import RequestError
from tests.hostile.corpus import CORPUS, bomb, mutated, seeds

DEFAULT, SLOW = 300, 5_000  # spoiled pictures
PER_PICTURE = 120.0  # seconds, on a machine with other work
CHILD_LIMIT = int(1.2 * 1024**3)  # bytes of resident memory; the kernel is told 1 GiB of address space
API_GROWTH = 48 * 1024**2  # bytes


@pytest.fixture(scope="module")
def decoder() -> Iterator[Decoder]:
    made = Decoder(PER_PICTURE)
    made.start()
    yield made
    made.close()


def peak(pid: int) -> int:
    """The most resident memory a process ever had, in bytes (`VmHWM`, proc(5))."""
    (line,) = [line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024


@pytest.mark.parametrize("name", CORPUS)
def test_the_corpus(client: TestClient, services: Services, name: str) -> None:
    data, expected = CORPUS[name]
    answer = client.post("/api/v1/images", content=data, headers={"Content-Type": "image/png"})
    assert answer.status_code in expected, answer.text
    for pid in services.decoder.pids:
        assert peak(pid) < CHILD_LIMIT
    if answer.status_code == 201:
        served = client.get(answer.json()["url"])
        assert served.headers["content-type"] == "image/png"
        assert b"<script>" not in served.content
        assert client.get(answer.json()["url"] + "?size=64").headers["content-type"] == "image/webp"
    else:
        assert answer.headers["content-type"] == "application/problem+json"


def test_bombs_take_no_memory_of_the_api(decoder: Decoder) -> None:
    """Compared with what Pillow takes for the same file: half a gigabyte."""
    data = bomb(10_000)
    before = psutil.Process().memory_info().rss
    highest = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(10):
        with pytest.raises(RequestError):
            decoder.read(data)
    assert psutil.Process().memory_info().rss - before < API_GROWTH
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - highest < API_GROWTH // 1024
    assert max(peak(pid) for pid in decoder.pids) < 200 * 1024**2


def spoil(decoder: Decoder, count: int) -> None:
    originals, rng = seeds(), np.random.default_rng(count)
    assert len(originals) == 20
    for original in originals:
        decoder.read(original)
    before, outcomes, slowest = psutil.Process().memory_info().rss, Counter[int](), 0.0
    for number in range(count):
        data = mutated(originals[number % 20], rng)
        begun = time.perf_counter()
        try:
            decoder.read(data)
            outcomes[201] += 1
        except RequestError as error:
            outcomes[error.status] += 1
        slowest = max(slowest, time.perf_counter() - begun)
        for pid in decoder.pids:
            assert peak(pid) < CHILD_LIMIT
    assert set(outcomes) <= {201, 415, 422}
    assert min(outcomes[201], outcomes[422]) > count / 50, outcomes
    assert psutil.Process().memory_info().rss - before < API_GROWTH
    print(dict(outcomes), f"slowest {slowest:.2f} s")


def test_spoiled_pictures(decoder: Decoder) -> None:
    spoil(decoder, DEFAULT)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_spoiled_pictures_at_length(decoder: Decoder) -> None:
    spoil(decoder, SLOW)

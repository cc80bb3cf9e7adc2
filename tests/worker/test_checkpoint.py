"""What a worker keeps of a job and reads back, and what of an earlier run it trusts."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from contract.blobs import Blobs
from contract.checkpoints import Checkpoints
from contract.grid import Grid
from contract.settings import Settings
from contract.store import Claim, JobStore, Work, connect
from contract.upscale import Upscale
from tests.contract.ledger import REQUEST, claim, picture, submit
from tests.worker.engine.tiny import tiny
from tests.worker.kit import IMAGE, photo
from tests.worker.kit import store as stored
from worker import files
from worker.checkpoint import Memory, fingerprint, made_by, maker_of, pack, resumed, unpack
from worker.engine.ticket import Trace
from worker.kinds import plan
from worker.pictures import Pixels

PRINT = "f" * 64
TRACES = {
    0: Trace(1, torch.randn(4, 8, 6)),
    1: Trace(0, None, tuple(torch.randn(3, 4, 16, 12))),
    12: Trace(1, torch.randn(4, 8, 6).permute(0, 2, 1), tuple(torch.randn(2, 4, 16, 12))),
    13: Trace(),
}
WORK = Work({"prompt": "a cat", "seed": 1}, {"img_a": "ab" * 32}, [("a cat", "")], "local")


@pytest.fixture
def store(settings: Settings) -> JobStore:
    return JobStore(connect(settings))


@pytest.fixture
def blobs(settings: Settings) -> Blobs:
    return Blobs(settings.blobs)


def same(left: Trace, right: Trace) -> bool:
    pairs = zip(left.tensors, right.tensors, strict=True)
    return left.legs == right.legs and all(torch.equal(*pair) and pair[1].dtype == torch.float32 for pair in pairs)


def test_traces_come_back_to_the_bit() -> None:
    found = unpack(pack(TRACES, PRINT), PRINT)
    assert list(found) == [0, 1, 12], "one without tensors says nothing"
    assert all(same(trace, found[index]) for index, trace in TRACES.items() if index in found)
    assert unpack(pack({}, PRINT), PRINT) == {}


def test_what_does_not_fit_or_cannot_be_read_is_nothing() -> None:
    data = pack(TRACES, PRINT)
    for wrong in (b"", data[:70], PRINT.encode(), data[:-1], PRINT.encode() + b"\xff" * 100, b"e" + data[1:]):
        assert unpack(wrong, PRINT) == {}
    assert unpack(data, "e" * 64) == {}


def test_a_checkpoint_is_as_large_as_its_answers() -> None:
    """50 steps of SDXL: 50 x 4 x 128 x 128 x 4 bytes."""
    data = pack({0: Trace(0, None, tuple(torch.zeros(50, 4, 128, 128)))}, PRINT)
    assert 0 <= len(data) - 50 * 4 * 128 * 128 * 4 < 500


@pytest.mark.parametrize(
    "other",
    [
        replace(WORK, request={**WORK.request, "seed": 2}),
        replace(WORK, inputs={"img_a": "cd" * 32}),
        replace(WORK, drawn=[("a dog", "")]),
    ],
)
def test_every_input_counts(other: Work) -> None:
    assert fingerprint("m", WORK) == fingerprint("m", replace(WORK, owner="somebody"))
    assert fingerprint("m", WORK) != fingerprint("m", other)
    assert fingerprint("m", WORK) != fingerprint("n", WORK)


def test_a_maker_is_its_model_number_format_device_and_threads() -> None:
    components = tiny()
    mine = maker_of(made_by(components, "cpu"))
    assert mine == maker_of(made_by(tiny(), "cpu"))
    others = {
        maker_of(made_by(replace(components, sha256="1" * 64), "cpu")),
        maker_of(made_by(replace(components, dtype=torch.bfloat16), "cpu")),
        maker_of(made_by(components, "NVIDIA H100")),
        maker_of(made_by(replace(components, channels_last=False), "cpu")),
        maker_of(made_by(components, "cpu", compiled=True)),
        maker_of(made_by(components, "cpu", strict=False)),
    }
    threads = torch.get_num_threads()
    torch.set_num_threads(threads + 1)
    others.add(maker_of(made_by(components, "cpu")))
    torch.set_num_threads(threads)
    assert len(others - {mine}) == 7


def test_a_memory_passes_from_claim_to_claim(store: JobStore, settings: Settings) -> None:
    checkpoints, job_id = Checkpoints(settings.checkpoints), submit(store)
    first = Memory(checkpoints, claim(store, job_id), PRINT)
    first.keep({1: TRACES[1]})
    store.bury("w", 3)
    second = Memory(checkpoints, claim(store, job_id), PRINT)
    assert same(second.recall()[1], TRACES[1])
    second.keep({12: TRACES[12]})
    first.keep({0: TRACES[0]})  # a late twin
    assert list(second.recall()) == [12]
    assert replace(second, fingerprint="0" * 64).recall() == {}
    second.forget()
    assert second.recall() == {}


def test_a_full_disk_is_no_error(store: JobStore, tmp_path: Path) -> None:
    in_the_way = tmp_path / "checkpoints"
    in_the_way.write_text("a file where a folder should be")
    memory = Memory(Checkpoints(in_the_way), claim(store, submit(store)), PRINT)
    memory.keep(TRACES)
    assert memory.recall() == {}
    memory.forget()


def show(store: JobStore, blobs: Blobs, taken: Claim, index: int, maker: str, role: str = "output") -> Pixels:
    """A picture in the ledger, as an earlier claim left it."""
    pixels = photo(128, 128)
    image = picture(taken.job_id, index, blobs.put(files.png(pixels, {})))
    store.add_picture(taken, image.model_copy(update={"role": role, "metadata": {"maker": maker}}))
    return pixels


def test_pictures_of_an_equal_maker_are_not_made_again(store: JobStore, blobs: Blobs, settings: Settings) -> None:
    taken = claim(store, submit(store))
    memory = Memory(Checkpoints(settings.checkpoints), taken, PRINT)
    memory.keep({0: TRACES[0], 1: TRACES[1]})
    planned = plan(REQUEST, store.work(taken.job_id), blobs)
    found = resumed(memory, planned, "mine", store)
    assert (set(found.traces), found.done) == ({0, 1}, frozenset())
    show(store, blobs, taken, 0, "another")
    assert resumed(memory, planned, "mine", store).done == frozenset()
    show(store, blobs, taken, 0, "mine")
    found = resumed(memory, planned, "mine", store)
    assert (set(found.traces), found.done) == ({1}, frozenset({0}))


def test_a_raw_picture_alone_is_not_done(store: JobStore, blobs: Blobs, settings: Settings) -> None:
    taken = claim(store, submit(store))
    memory = Memory(Checkpoints(settings.checkpoints), taken, PRINT)
    show(store, blobs, taken, 0, "mine", role="raw")
    planned = plan(REQUEST, store.work(taken.job_id), blobs)
    assert resumed(memory, planned, "mine", store).done == frozenset()


def test_cells_that_are_there_go_onto_the_sheet(store: JobStore, blobs: Blobs, settings: Settings) -> None:
    taken = claim(store, submit(store))
    memory = Memory(Checkpoints(settings.checkpoints), taken, PRINT)
    kept = [show(store, blobs, taken, index, "mine") for index in range(2)]
    base = {**REQUEST.model_dump(), "count": 1}
    grid = Grid.model_validate({"kind": "grid", "base": base, "x": {"field": "steps", "values": [2, 3]}})
    planned = plan(grid, replace(WORK, drawn=[("a black cat", "")]), blobs)
    assert resumed(memory, planned, "mine", store).done == frozenset({0, 1})
    (sheet,) = planned.finish()
    for pixels in kept:
        corners = np.argwhere((sheet.pixels[:-127, :-127] == pixels[0, 0]).all(axis=-1))
        assert any(np.array_equal(sheet.pixels[y : y + 128, x : x + 128], pixels) for y, x in corners)


def test_an_enlargement_is_no_tile(store: JobStore, blobs: Blobs, settings: Settings) -> None:
    taken = claim(store, submit(store))
    memory = Memory(Checkpoints(settings.checkpoints), taken, PRINT)
    show(store, blobs, taken, 0, "mine")
    request = Upscale.model_validate(
        {"image": IMAGE, "prompt": "", "seed": 1, "model": "mini", "tile": 64, "overlap": 16, "factor": 2}
    )
    planned = plan(request, replace(WORK, inputs={IMAGE: stored(blobs, photo(64, 64))}), blobs)
    assert resumed(memory, planned, "mine", store).done == frozenset()

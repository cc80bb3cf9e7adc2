"""Events of a ticket, told to a real ledger and a real disk."""

import io
import json
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from redis.exceptions import ConnectionError

from contract.blobs import Blobs
from contract.checkpoints import Checkpoints
from contract.errors import ErrorCode, JobFailed
from contract.infotext import parse
from contract.jobs import JobState, ModelInfo
from contract.settings import Settings
from contract.store import Claim, JobStore, connect
from tests.contract.ledger import REQUEST, claim, read, submit
from worker import patience
from worker.checkpoint import Memory
from worker.engine.ticket import Cancelled, Checkpoint, Done, Event, Failed, Picture, Preview, Progress, Ticket, Trace
from worker.kinds import plan
from worker.patience import insist
from worker.pictures import Finished
from worker.plan import Pictures
from worker.relay import Relay

MODEL = ModelInfo(
    name="mini", label="Mini", description="", hash="00" * 32, native_width=128, native_height=128,
    prediction="v_prediction", text_layers=4,
)  # fmt: skip
PIXELS = np.random.default_rng(0).integers(0, 256, (128, 128, 3), dtype=np.uint8)


@pytest.fixture
def store(settings: Settings) -> JobStore:
    return JobStore(connect(settings))


@pytest.fixture
def blobs(settings: Settings) -> Blobs:
    return Blobs(settings.blobs)


Begin = Callable[[], tuple[Claim, Relay, Ticket]]


@pytest.fixture
def checkpoints(settings: Settings) -> Checkpoints:
    return Checkpoints(settings.checkpoints)


@pytest.fixture
def begin(store: JobStore, blobs: Blobs, checkpoints: Checkpoints) -> Begin:
    """A claimed job with its relay and a ticket that the test feeds as the engine would."""

    def start() -> tuple[Claim, Relay, Ticket]:
        taken = claim(store, submit(store))
        work = store.work(taken.job_id)
        planned = plan(REQUEST, work, blobs)
        memory = memory_of(checkpoints, taken)
        return taken, Relay(taken, work, MODEL, planned, store, blobs, memory, "maker"), Ticket(*planned.requests)

    return start


def memory_of(checkpoints: Checkpoints, taken: Claim) -> Memory:
    return Memory(checkpoints, taken, "f" * 64)


def test_a_whole_run_ends_as_pictures(begin: Begin, store: JobStore, blobs: Blobs) -> None:
    taken, relay, ticket = begin()
    for event in (Progress(3, 8), Preview(0, PIXELS[:16, :16]), Picture(0, 7, PIXELS), Picture(1, 8, PIXELS), Done()):
        ticket.put(event)
    relay.follow(ticket)
    job = read(store, taken.job_id)
    assert job.state is JobState.SUCCEEDED
    assert [(image.index, image.seed, image.role) for image in job.images] == [(0, 7, "output"), (1, 8, "output")]
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(blobs.get(job.images[0].sha256)))), PIXELS)
    stored = store.image(job.images[0].id)
    assert stored is not None
    assert (stored.metadata["prompt"], stored.metadata["negative_prompt"]) == ("a black cat", "")
    assert stored.metadata["maker"] == "maker"
    assert stored.metadata["model"] == {"name": "mini", "hash": "00" * 32}
    assert stored.metadata["timings"]["seconds"] >= 0
    assert store.newest_preview(taken.job_id, 0) is not None


@pytest.mark.parametrize("tells", [True, False])
def test_files_say_what_made_them_unless_they_shall_not(
    begin: Begin, store: JobStore, blobs: Blobs, tells: bool
) -> None:
    taken, relay, ticket = begin()
    ticket.put(Picture(1, 8, PIXELS))
    ticket.put(Done())
    replace(relay, tells=tells).follow(ticket)
    (image,) = read(store, taken.job_id).images
    texts = Image.open(io.BytesIO(blobs.get(image.sha256))).info
    assert set(texts) == ({"darkroom", "parameters"} if tells else set())
    stored = store.image(image.id)
    assert stored is not None
    found = parse(stored.metadata["infotext"])
    assert (found["Prompt"], found["Seed"], found["Model hash"]) == ("a black cat", "8", "0000000000")
    assert texts.get("parameters", stored.metadata["infotext"]) == stored.metadata["infotext"]


def test_what_was_measured_stands_in_the_record_and_in_the_file(begin: Begin, store: JobStore, blobs: Blobs) -> None:
    """And a second run of the same job gives the same bytes."""
    measured = {"outside": {"output": 0, "raw": 7}}
    finished = Finished({"output": PIXELS, "raw": PIXELS[::-1]}, measured)
    shas = []
    for _ in range(2):
        taken, relay, ticket = begin()
        assert isinstance(relay.plan, Pictures)
        plain = replace(relay.plan, order=replace(relay.plan.order, finish=lambda decoded: finished))
        ticket.put(Picture(0, 7, PIXELS))
        ticket.put(Done())
        replace(relay, plan=plain).follow(ticket)
        for image in read(store, taken.job_id).images:
            stored = store.image(image.id)
            assert stored is not None
            assert stored.metadata["outside"] == measured["outside"]
            text = Image.open(io.BytesIO(blobs.get(image.sha256))).info["darkroom"]
            assert json.loads(text)["outside"] == measured["outside"]
        shas.append([image.sha256 for image in read(store, taken.job_id).images])
    assert shas[0] == shas[1]
    assert len(set(shas[0])) == 2


LARGE = np.random.default_rng(1).integers(0, 256, (384, 512, 3), dtype=np.uint8)


def run_large(begin: Begin, store: JobStore) -> str:
    """A job of one large picture; its SHA-256."""
    taken, relay, ticket = begin()
    ticket.put(Picture(0, 7, LARGE))
    ticket.put(Done())
    relay.follow(ticket)
    job = read(store, taken.job_id)
    assert job.state is JobState.SUCCEEDED
    return job.images[0].sha256


def test_a_large_picture_has_a_thumbnail_beside_it(begin: Begin, store: JobStore, blobs: Blobs) -> None:
    small = Image.open(io.BytesIO(blobs.thumbnail(run_large(begin, store))))
    assert (small.format, small.size) == ("WEBP", (256, 192))


def test_a_thumbnail_that_cannot_be_kept_is_no_trouble(
    begin: Begin, store: JobStore, blobs: Blobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Blobs, "keep_thumbnail", full)
    sha = run_large(begin, store)
    assert blobs.get(sha)
    with pytest.raises(FileNotFoundError):
        blobs.thumbnail(sha)


def test_a_failure_keeps_its_code(begin: Begin) -> None:
    _, relay, ticket = begin()
    ticket.put(Failed("nan_image", "not a number"))
    with pytest.raises(JobFailed) as failure:
        relay.follow(ticket)
    assert (failure.value.code, failure.value.message) == (ErrorCode.NAN_IMAGE, "not a number")


def test_a_wish_to_cancel_reaches_the_engine_and_ends_the_job(begin: Begin, store: JobStore) -> None:
    taken, relay, ticket = begin()
    store.cancel(taken.job_id)
    ticket.put(Progress(1, 8))
    ticket.put(Cancelled())
    relay.follow(ticket)
    assert ticket.cancelled
    assert read(store, taken.job_id).state is JobState.CANCELLED


def test_a_lost_claim_stops_the_engine_and_shows_nothing(begin: Begin, store: JobStore) -> None:
    taken, relay, ticket = begin()
    store.bury("w", 3)
    for event in (Progress(1, 8), Picture(0, 7, PIXELS), Done()):
        ticket.put(event)
    relay.follow(ticket)
    assert ticket.cancelled
    job = read(store, taken.job_id)
    assert (job.state, job.images) == (JobState.QUEUED, [])


TRACE = Trace(0, None, (torch.ones(4, 16, 16),))


@pytest.mark.parametrize(
    ("end", "left"), [(Done(), 0), (Cancelled(), 0), (Failed("engine_stopped", "the worker is shutting down"), 1)]
)
def test_a_checkpoint_is_kept_until_the_job_ends(
    begin: Begin, store: JobStore, checkpoints: Checkpoints, end: Event, left: int
) -> None:
    """A job that is handed back has not ended."""
    taken, relay, ticket = begin()
    if isinstance(end, Cancelled):
        store.cancel(taken.job_id)  # else it was stopped to pause
    ticket.put(Checkpoint({0: TRACE, 1: TRACE}))
    ticket.put(end)
    relay.follow(ticket)
    assert len(checkpoints.jobs()) == left
    assert len(memory_of(checkpoints, taken).recall()) == 2 * left


def test_pictures_that_are_stored_need_no_trace(begin: Begin, checkpoints: Checkpoints) -> None:
    taken, relay, ticket = begin()
    ticket.put(Picture(0, 7, PIXELS))
    ticket.put(Checkpoint({0: TRACE, 1: TRACE}))
    ticket.put(Failed("engine_stopped", "the worker is shutting down"))
    relay.follow(ticket)
    assert list(memory_of(checkpoints, taken).recall()) == [1]


def test_a_late_twin_leaves_the_newer_claims_checkpoint(
    begin: Begin, store: JobStore, checkpoints: Checkpoints
) -> None:
    taken, relay, ticket = begin()
    store.bury("w", 3)
    newer = memory_of(checkpoints, claim(store, taken.job_id))
    newer.keep({0: TRACE})
    for event in (Checkpoint({1: TRACE}), Progress(1, 8), Done()):
        ticket.put(event)
    relay.follow(ticket)
    assert ticket.cancelled
    assert list(newer.recall()) == [0]


def test_storage_that_comes_back_is_waited_for() -> None:
    troubles: list[Exception] = [OSError("full"), ConnectionError("away")]

    def act() -> str:
        if troubles:
            raise troubles.pop()
        return "stored"

    assert insist(act) == "stored"


def test_storage_that_stays_away_fails_the_job(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 0.3)

    def act() -> None:
        raise OSError("full")

    with pytest.raises(JobFailed) as failure:
        insist(act)
    assert failure.value.code is ErrorCode.STORAGE_ERROR

"""Events of a ticket, told to a real ledger and a real disk."""

import io
import json
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image
from redis.exceptions import ConnectionError
from sqlalchemy import text

from contract.blobs import Blobs
from contract.checkpoints import Checkpoints
from contract.errors import ErrorCode, JobFailed
from contract.infotext import parse
from contract.jobs import JobState, ModelInfo, StoredImage
from contract.library import Library, Wanted, open_library
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


@pytest.fixture
def library(settings: Settings) -> Iterator[Library]:
    opened = open_library(settings)
    yield opened
    opened.close()


Begin = Callable[[], tuple[Claim, Relay, Ticket]]


@pytest.fixture
def checkpoints(settings: Settings) -> Checkpoints:
    return Checkpoints(settings.checkpoints)


@pytest.fixture
def begin(store: JobStore, blobs: Blobs, library: Library, checkpoints: Checkpoints) -> Begin:
    """A claimed job with its relay and a ticket that the test feeds as the engine would."""

    def start() -> tuple[Claim, Relay, Ticket]:
        taken = claim(store, submit(store))
        work = store.work(taken.job_id)
        planned = plan(REQUEST, work, blobs)
        memory = memory_of(checkpoints, taken)
        relay = Relay(taken, work, MODEL, planned, store, blobs, library, memory, "maker")
        return taken, relay, Ticket(*planned.requests)

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


def shas(library: Library) -> list[str]:
    """Of all pictures that the library shows."""
    return [image.sha256 for image in library.page(Wanted(), owner=None, limit=100)[0]]


def test_a_picture_is_in_the_library_before_its_job_has_succeeded(
    begin: Begin, store: JobStore, library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken, relay, ticket = begin()
    seen: list[int] = []
    plain = JobStore.add_picture

    def shown(store: JobStore, claim: Claim, image: StoredImage) -> bool:
        seen.append(len(shas(library)))
        return plain(store, claim, image)

    monkeypatch.setattr(JobStore, "add_picture", shown)
    for event in (Picture(0, 7, PIXELS), Picture(1, 8, PIXELS[::-1]), Done()):
        ticket.put(event)
    relay.follow(ticket)
    assert seen == [1, 2]
    for image in read(store, taken.job_id).images:
        kept, told = library.get(image.id), store.image(image.id)
        assert kept is not None
        assert told is not None
        assert (kept.public(), kept.owner, kept.metadata) == (told.public(), told.owner, told.metadata)
        assert (kept.prompt, kept.model, kept.kind) == ("a black cat", "mini", "txt2img")


@pytest.mark.parametrize("point", ["put", "add", "add_picture", "finish"])
@pytest.mark.parametrize("after", [False, True])
def test_a_worker_that_dies_anywhere_leaves_pictures_that_are_whole(
    begin: Begin,
    store: JobStore,
    blobs: Blobs,
    library: Library,
    monkeypatch: pytest.MonkeyPatch,
    point: str,
    after: bool,
) -> None:
    """Before or after each step: the next claim of the job makes its picture once, and no record lacks its bytes."""
    taken, relay, ticket = begin()
    home = {"put": blobs, "add": library, "add_picture": store, "finish": store}[point]
    whole = getattr(home, point)

    def dies(*args: object) -> None:
        if after:
            whole(*args)
        raise Killed

    ticket.put(Picture(0, 7, PIXELS))
    ticket.put(Done())
    monkeypatch.setattr(home, point, dies)
    with pytest.raises(Killed):
        relay.follow(ticket)
    monkeypatch.undo()
    for sha in shas(library):
        assert blobs.get(sha)
    store.bury("w", 9)
    job = read(store, taken.job_id)
    if job.state is JobState.QUEUED:
        newer = replace(relay, claim=claim(store, taken.job_id))
        again = Ticket(*relay.plan.requests)
        again.put(Picture(0, 7, PIXELS))
        again.put(Done())
        newer.follow(again)
    job = read(store, taken.job_id)
    assert job.state is JobState.SUCCEEDED
    assert [image.sha256 for image in job.images] == shas(library)
    assert len(blobs.get(job.images[0].sha256)) == job.images[0].bytes


class Killed(BaseException):
    """What no code of a worker catches."""


def test_a_late_twin_adds_nothing_to_the_library(begin: Begin, store: JobStore, library: Library) -> None:
    taken, relay, ticket = begin()
    store.bury("w", 3)
    for event in (Picture(0, 7, PIXELS), Done()):
        ticket.put(event)
    relay.follow(ticket)
    assert shas(library) == []
    newer = replace(relay, claim=claim(store, taken.job_id), maker="another")
    again = Ticket(*relay.plan.requests)
    for event in (Picture(0, 7, PIXELS[::-1]), Done()):
        again.put(event)
    newer.follow(again)
    kept = shas(library)
    late = Ticket(*relay.plan.requests)
    for event in (Picture(0, 7, PIXELS), Done()):
        late.put(event)
    relay.follow(late)
    assert shas(library) == kept == [image.sha256 for image in read(store, taken.job_id).images]


def test_a_picture_that_comes_after_its_job_was_deleted_is_not_kept(
    begin: Begin, store: JobStore, library: Library
) -> None:
    taken, relay, ticket = begin()
    store.delete_job(taken.job_id)
    for event in (Picture(0, 7, PIXELS), Cancelled()):
        ticket.put(event)
    relay.follow(ticket)
    assert (shas(library), store.get(taken.job_id)) == ([], None)


def test_a_library_that_stays_locked_fails_the_job(
    begin: Begin, store: JobStore, library: Library, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(patience, "PATIENCE", 0.1)
    taken, relay, ticket = begin()
    impatient = Library(settings.data / "library.db", patience=0.05)
    ticket.put(Picture(0, 7, PIXELS))
    with library.database.writing() as session:
        session.execute(text("SELECT 1"))
        with pytest.raises(JobFailed) as failure:
            replace(relay, library=impatient).follow(ticket)
    impatient.close()
    assert failure.value.code is ErrorCode.STORAGE_ERROR
    assert (shas(library), read(store, taken.job_id).images) == ([], [])


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

"""The page on its real api and a real Redis, in a real Chromium; only the worker is played by the test."""

import io
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

import numpy as np
import pytest
import uvicorn
from numpy.typing import NDArray
from PIL import Image as Pillow
from playwright.sync_api import Browser, Page, expect

from api.main import create_app
from contract.blobs import Blobs
from contract.errors import ErrorCode
from contract.ids import image_url, picture_id
from contract.jobs import Job, ModelInfo, StoredImage, WorkerInfo
from contract.library import Library, open_library
from contract.settings import Settings
from contract.store import Claim, JobStore, connect
from tests.chromium import running_chromium
from tests.conftest import plain_settings, running_redis

LEASE = 60.0  # seconds
PATIENCE = 30_000  # ms; on a machine that is busy with other work Chromium can be slow


@dataclass
class Studio:
    """A running Darkroom whose worker is the test. `seen`: ids of jobs already taken."""

    url: str
    store: JobStore
    blobs: Blobs
    library: Library
    model: str
    seen: set[str] = field(default_factory=set)
    _beats: threading.Lock = field(default_factory=threading.Lock)
    _worker: WorkerInfo | None = None

    def announce(self, native: int = 128, guidance: float = 7.5) -> None:
        """A worker comes up."""
        model = ModelInfo(
            name=self.model, label="Mini", description="", hash="0" * 64,
            native_width=native, native_height=native, prediction="v_prediction", text_layers=4, guidance=guidance,
        )  # fmt: skip
        self.present(
            WorkerInfo(
                id="w", host="here", device="cpu", models=[model], rows=0, busy=0, ready=True,
                heartbeat_at=datetime.now(UTC),
            )
        )  # fmt: skip

    def present(self, worker: WorkerInfo) -> None:
        """The worker, from now on."""
        with self._beats:
            self._worker = worker
            self.store.announce(worker)

    def beat(self) -> None:
        """It is still there: one that is silent is forgotten after 15 seconds, which Chromium may need to start."""
        with self._beats:
            if self._worker:
                self.store.announce(self._worker.model_copy(update={"heartbeat_at": datetime.now(UTC)}))

    def next_job(self, seconds: float = 30.0) -> Job:
        """The job submitted next."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            jobs, _ = self.store.page(state=None, kind=None, before=None, limit=20)
            new = [job for job in jobs if job.id not in self.seen]
            if new:
                self.seen.add(new[-1].id)
                return new[-1]
            time.sleep(0.02)
        raise AssertionError("no job came")

    def claim(self, job: Job) -> Claim:
        claim = self.store.claim("w", LEASE)
        assert claim is not None
        assert claim.job_id == job.id
        return claim

    def step(self, claim: Claim, step: int, preview: bytes | None = None, index: int = 0) -> None:
        if preview:
            self.store.preview(claim, index, preview)
        self.store.progress(claim, step)

    def picture(
        self, claim: Claim, index: int, pixels: NDArray[np.uint8], role: Literal["output", "raw", "grid"] = "output"
    ) -> str:
        """A picture is finished; its id."""
        job = self.store.get(claim.job_id)
        assert job is not None
        assert job.request.seed is not None
        data = png(pixels)
        image_id = picture_id(job.id, index, role)
        image = StoredImage(
            id=image_id, sha256=self.blobs.put(data), url=image_url(image_id),
            width=pixels.shape[1], height=pixels.shape[0], format="png", bytes=len(data),
            created_at=datetime.now(UTC), job_id=job.id, index=index, seed=job.request.seed + index,
            role=role, owner=job.owner, metadata={"request": job.request.model_dump(mode="json")},
        )  # fmt: skip
        assert self.library.add(image, claim.token)
        assert self.store.add_picture(claim, image)
        return image_id

    def finish(self, claim: Claim) -> None:
        assert self.store.finish(claim)

    def fail(self, claim: Claim, message: str) -> None:
        assert self.store.fail(claim, ErrorCode.OUT_OF_MEMORY, message)

    def pixels(self, image_id: str) -> NDArray[np.uint8]:
        """The stored pixels of a picture."""
        image = self.library.get(image_id)
        assert image is not None
        return np.asarray(Pillow.open(io.BytesIO(self.blobs.get(image.sha256))))


def png(pixels: NDArray[np.uint8]) -> bytes:
    out = io.BytesIO()
    Pillow.fromarray(pixels).save(out, "png")
    return out.getvalue()


@pytest.fixture(scope="module")
def shared_redis() -> Iterator[str]:
    """A Redis for one file of tests: the api below runs on beside all of them, and its reaper with it."""
    with running_redis() as server:
        yield server.url


@pytest.fixture(scope="module")
def served(shared_redis: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Settings]]:
    """The api on a free port, with a queue of three: its address and settings.

    One for a file of tests: what ends the server waits a second for the polls that closed pages leave behind.
    """
    data = tmp_path_factory.mktemp("data")
    settings = plain_settings(data=data, redis_url=shared_redis, max_queue=3)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        config = uvicorn.Config(create_app(settings), log_level="critical", timeout_graceful_shutdown=1)
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}", settings
        server.should_exit = True
        thread.join(30)


@pytest.fixture
def studio(served: tuple[str, Settings], redis_url: str) -> Iterator[Studio]:
    """The running api, nothing in its ledger but a worker that has announced itself."""
    url, settings = served
    store = JobStore(connect(settings))
    studio = Studio(url, store, Blobs(settings.blobs), open_library(settings), settings.model.name)
    studio.announce()
    over = threading.Event()

    def live() -> None:
        while not over.wait(3):
            studio.beat()

    heart = threading.Thread(target=live)
    heart.start()
    yield studio
    over.set()
    heart.join()
    studio.library.close()
    store.redis.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """For one file of tests, since Playwright's event loop stands in the way of others."""
    expect.set_options(timeout=PATIENCE)
    with running_chromium() as chromium:
        yield chromium


@pytest.fixture
def page(browser: Browser, studio: Studio) -> Iterator[Page]:
    """The page, opened. A script error or a blocked resource fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.on("console", lambda message: wrong.append(message.text) if "Security Policy" in message.text else None)
    page.goto(studio.url)
    page.wait_for_selector("#width[placeholder='128']")
    yield page
    context.close()
    assert not wrong

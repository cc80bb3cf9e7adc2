"""A worker with the random model on a real ledger and a real disk, for the tests that run whole jobs."""

import io
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import numpy.typing as npt
from PIL import Image as Pillow

from contract.blobs import Blobs
from contract.ids import new_job_id
from contract.jobs import Image, Job
from contract.kinds import JobRequest
from contract.library import open_library
from contract.settings import Settings
from contract.store import JobStore, connect
from tests.contract.ledger import read
from worker.model_workshop import ModelWorkshop
from worker.models.loader import Components
from worker.worker import Worker

Pixels = npt.NDArray[np.uint8]


class Bench:
    """Submit a job as the api would, run it as a Celery thread would."""

    def __init__(self, settings: Settings, components: Components) -> None:
        self.store, self.blobs = JobStore(connect(settings)), Blobs(settings.blobs)
        self.library = open_library(settings)
        workshop = ModelWorkshop(settings, self.store, self.blobs, components)
        self.engine = workshop.engine
        self.engine._trial = None  # how many rows share a call is not to depend on what else this machine does
        self.worker = Worker(settings, self.store, self.blobs, self.library, workshop)

    def submit(
        self,
        request: JobRequest,
        steps: int,
        inputs: dict[str, str] | None = None,
        drawn: tuple[tuple[str, str], ...] = (),
    ) -> str:
        job_id = new_job_id()
        self.store.submit(job_id, request, owner="local", steps=steps, inputs=inputs or {}, max_queue=100, drawn=drawn)
        return job_id

    def run(self, job_id: str) -> Job:
        self.worker.run()
        return read(self.store, job_id)

    def put(self, pixels: Pixels) -> str:
        """Keep an input picture; its SHA-256."""
        out = io.BytesIO()
        Pillow.fromarray(pixels).save(out, "PNG")
        return self.blobs.put(out.getvalue())

    def pixels(self, image: Image) -> Pixels:
        return np.asarray(Pillow.open(io.BytesIO(self.blobs.get(image.sha256))))


@contextmanager
def at_work(settings: Settings, components: Components) -> Iterator[Bench]:
    bench = Bench(settings, components)
    bench.worker.start()
    yield bench
    bench.worker.drain()
    bench.engine.stop()  # a worker's process would end here; this one goes on
    bench.library.close()

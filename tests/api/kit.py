"""What the tests of the api share: a worker's part, played by hand, and pictures."""

import io
import time
from datetime import UTC, datetime
from typing import Any

import numpy as np
from PIL import Image
from sqlalchemy import delete

from api.deps import Services
from contract.access import Quota, Scope
from contract.ids import image_url, picture_id
from contract.jobs import ModelInfo, StoredImage, WorkerInfo
from contract.library import Library
from contract.library.tables import Picture
from contract.store import Claim, JobStore

LOOPBACK = ("127.0.0.1", 50000)  # where a client is that needs no key while there are none
MAX_QUEUE = 10
MAX_UPLOAD = 2 * 1024 * 1024

MODEL = ModelInfo(
    name="mini",
    label="Mini",
    description="for tests",
    hash="0" * 64,
    native_width=128,
    native_height=96,
    prediction="v_prediction",
    text_layers=4,
)


def announce(store: JobStore, **changes: Any) -> None:
    """A worker's heartbeat."""
    worker = WorkerInfo(
        id="w1",
        host="here",
        device="cpu",
        models=[MODEL],
        rows=0,
        busy=0,
        ready=True,
        heartbeat_at=datetime.now(UTC),
        counters={"pictures": 3.0},
    )
    store.announce(worker.model_copy(update=changes))


class Worker:
    """What a worker does to ledger, blobs and library."""

    def __init__(self, services: Services) -> None:
        self.store, self._blobs, self._library = services.store, services.blobs, services.library

    def claim(self, job_id: str) -> Claim:
        claim = self.store.claim("w1", 600)
        assert claim is not None
        assert claim.job_id == job_id
        return claim

    def picture(self, claim: Claim, index: int = 0, color: int = 200) -> str:
        """Add a small grey picture; its id."""
        file = io.BytesIO()
        Image.new("L", (24, 16), color).save(file, "PNG")
        image_id = picture_id(claim.job_id, index, "output")
        image = StoredImage(
            id=image_id,
            sha256=self._blobs.put(file.getvalue()),
            url=image_url(image_id),
            width=24,
            height=16,
            format="png",
            bytes=len(file.getvalue()),
            created_at=datetime.now(UTC),
            job_id=claim.job_id,
            index=index,
            seed=7 + index,
            role="output",
            owner=self.store.owner(claim.job_id) or "",
            metadata=self._made_from(claim, index),
        )
        assert self._library.add(image, claim.token)
        assert self.store.add_picture(claim, image)
        return image_id

    def _made_from(self, claim: Claim, index: int) -> dict[str, Any]:
        work = self.store.work(claim.job_id)
        prompt, negative = work.drawn[0]
        return {
            "request": work.request, "prompt": prompt, "negative_prompt": negative, "inputs": work.inputs,
            "model": {"name": "mini", "hash": "0" * 64}, "seed": 7 + index,
        }  # fmt: skip

    def do(self, job_id: str) -> str:
        """Run a job to its end; the id of its picture."""
        claim = self.claim(job_id)
        image_id = self.picture(claim)
        assert self.store.finish(claim)
        return image_id


def png(pixels: "np.ndarray[Any, Any]", **options: Any) -> bytes:
    """Pixels as a PNG file."""
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **options)
    return file.getvalue()


def noise(*shape: int) -> "np.ndarray[Any, Any]":
    """Random bytes as pixels."""
    return np.random.default_rng(1).integers(0, 256, shape, dtype=np.uint8)


def key_of(services: Services, name: str, *scopes: Scope, **quota: Any) -> tuple[str, dict[str, str]]:
    """Make a key: the owner it stands for, and the header that carries it. Without scopes: generate and read."""
    key, text = services.keys.add(name, scopes or (Scope.GENERATE, Scope.READ), Quota(**quota))
    return key.id, {"Authorization": f"Bearer {text}"}


def emptied(library: Library) -> None:
    """Take out every picture."""
    with library.database.writing() as session:
        session.execute(delete(Picture))


def swept(services: Services) -> list[str]:
    """Hashes of the bytes that the reaper would remove if no minute and no hour were waited for."""
    for hashes in services.library.purge(-1.0):
        services.store.found(hashes)
    time.sleep(0.002)  # what became garbage in this very millisecond is not old
    old = services.store.sweep(0)
    return sorted(set(old) - services.library.held(old))

"""What the ledger's tests share: a job, a picture, a claim."""

from datetime import UTC, datetime

from contract.hints import UNREAD
from contract.ids import image_url, new_job_id, picture_id
from contract.jobs import Job, StoredImage
from contract.requests import Txt2Img
from contract.store import Claim, JobStore

REQUEST = Txt2Img(prompt="a black cat", width=128, height=128, seed=7, steps=4, count=2, model="mini")
SHA = "ab" * 32


def submit(store: JobStore, *, inputs: dict[str, str] | None = None, max_queue: int = 100) -> str:
    """A job whose hint a worker has read."""
    job_id = new_job_id()
    store.submit(job_id, REQUEST, owner="local", steps=8, inputs=inputs or {}, max_queue=max_queue)
    store.redis.lpop(UNREAD)
    return job_id


def claim(store: JobStore, job_id: str, *, worker: str = "w", lease: float = 15.0) -> Claim:
    """Claim this very job: those whose turn is before its own are claimed too, and handed back."""
    others = []
    while (taken := store.claim(worker, lease)) is not None and taken.job_id != job_id:
        others.append(taken)
    for other in others:
        assert store.release(other)
    assert taken is not None
    return taken


def read(store: JobStore, job_id: str) -> Job:
    job = store.get(job_id)
    assert job is not None
    return job


def picture(job_id: str, index: int = 0, sha: str = SHA) -> StoredImage:
    image_id = picture_id(job_id, index, "output")
    return StoredImage(
        id=image_id, sha256=sha, url=image_url(image_id), width=8, height=8, format="png", bytes=3,
        created_at=datetime.now(UTC), job_id=job_id, index=index, seed=7 + index, role="output", owner="local",
        metadata={"request": {"prompt": "a black cat"}},
    )  # fmt: skip

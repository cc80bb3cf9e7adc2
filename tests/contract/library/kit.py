"""Pictures for a library."""

from datetime import UTC, datetime, timedelta
from typing import Any

from contract.ids import image_url, new_job_id, picture_id, upload_id
from contract.jobs import StoredImage
from contract.library import Kept, Library, Wanted

BEGAN = datetime(2026, 3, 1, 12, tzinfo=UTC)


def made(prompt: str = "a black cat", job: str | None = None, number: int = 0, **changes: Any) -> StoredImage:
    """A picture of a job, as a worker would keep it. changes: fields of it, `request` those of its request."""
    job = job or new_job_id()
    request = {"kind": "txt2img", "prompt": prompt, "sampler": "dpmpp_2m", **changes.pop("request", {})}
    image_id = picture_id(job, number, "output")
    details = {
        "request": request,
        "prompt": prompt,
        "negative_prompt": changes.pop("negative_prompt", ""),
        "model": {"name": changes.pop("model", "mini"), "hash": "00"},
        "inputs": changes.pop("inputs", {}),
        "infotext": "told",
    }
    fields: dict[str, Any] = {
        "id": image_id, "sha256": "ab" * 32, "url": image_url(image_id), "width": 64, "height": 48, "format": "png",
        "bytes": 100, "created_at": BEGAN + timedelta(minutes=number), "job_id": job, "index": number, "seed": 7,
        "role": "output", "owner": "local", "metadata": details,
    }  # fmt: skip
    return StoredImage(**{**fields, **changes})


def sent(sha: str = "cd" * 32, owner: str = "local", **found: Any) -> StoredImage:
    """An uploaded picture. found: what its file said of itself."""
    image_id = upload_id(owner, sha)
    return StoredImage(
        id=image_id, sha256=sha, url=image_url(image_id), width=64, height=48, format="png", bytes=100,
        created_at=BEGAN, owner=owner, metadata=found,
    )  # fmt: skip


def keep(library: Library, *images: StoredImage) -> list[str]:
    """Add pictures; their ids."""
    for image in images:
        assert library.add(image)
    return [image.id for image in images]


def ids(library: Library, owner: str | None = None, **wanted: Any) -> list[str]:
    """Ids of all pictures that are wanted, newest first."""
    return [image.id for image in every(library, owner, **wanted)]


def every(library: Library, owner: str | None = None, **wanted: Any) -> list[Kept]:
    found, rest = library.page(Wanted(**wanted), owner=owner, limit=1000)
    assert rest is None
    return found

"""Verifying: a picture is made again, and its bytes are compared."""

from fastapi import APIRouter, Response

from api.deps import OwnerDep, ServicesDep
from api.problems import documented
from api.remake import Remake, remake
from api.routes.images import find_image, unknown
from api.routes.jobs import enqueue
from contract.blobs import Blobs
from contract.errors import Conflict, RequestError, Unavailable
from contract.jobs import Job
from contract.phrases import Phrase

router = APIRouter(prefix="/api/v1/images", tags=["images"])


@router.post(
    "/{image_id:img}/verify",
    status_code=202,
    response_description="Accepted: a job like any other. When it has succeeded, its `verification` tells the outcome.",
    responses={202: {"headers": {"Location": {"schema": {"type": "string"}}}}, **documented(404, 409, 422, 429, 503)},
)
def verify_image(image_id: str, services: ServicesDep, owner: OwnerDep, response: Response) -> Job:
    """Make a picture again from what is known of its making, and compare the bytes.

    What is made is compared and not kept. A picture that was uploaded, a grid's sheet, and one whose model or input
    pictures are gone, are answered 409.
    """
    image = find_image(services.library, image_id, owner)
    made = remake(image, services.store.models(), services.settings)
    _require(image.sha256, services.blobs, unknown(), "The picture could not be read")
    _require_inputs(made, image_id, services.blobs)
    job = enqueue(made.job, services, owner, verifies=made.original)
    response.headers["Location"] = f"/api/v1/jobs/{job.id}"
    return job


def _require_inputs(made: Remake, image_id: str, blobs: Blobs) -> None:
    """Raises Conflict where one is gone, and Unavailable where it cannot be had."""
    for input_id, sha in made.job.inputs.items():
        if input_id == image_id:
            continue
        gone = Conflict(Phrase("It was made from a picture that is gone: {input_id}.", input_id=input_id))
        _require(sha, blobs, gone, "A picture that it was made from could not be read")


def _require(sha: str, blobs: Blobs, gone: RequestError, trouble: str) -> None:
    try:
        there = blobs.has(sha)  # whether they are what they were, the worker sees
    except OSError as error:
        raise Unavailable(trouble) from error
    if not there:
        raise gone

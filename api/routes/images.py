"""Pictures: upload, fetch, how it was made, delete."""

import hashlib
import logging
from contextlib import suppress
from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

from anyio import to_thread
from fastapi import APIRouter, Header, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.deps import LibraryDep, OwnerDep, Services, ServicesDep
from api.headers import unchanged
from api.pictures import Picture
from api.problems import documented
from api.uploads import PICTURE_BODY, sent_picture
from contract.blobs import THUMBNAIL, Blobs
from contract.errors import BadImage, LibraryAway, NotFound, Unavailable
from contract.ids import image_url, upload_id
from contract.jobs import Image, StoredImage
from contract.library import Kept, Library

log = logging.getLogger(__name__)

router = APIRouter(prefix="/api/v1/images", tags=["images"])


@router.post("", status_code=201, responses=documented(413, 415, 422, 503), openapi_extra=PICTURE_BODY)
async def upload_image(request: Request, services: ServicesDep, owner: OwnerDep) -> Image:
    """Upload a picture: PNG, JPEG or WebP, 16 to 4096 pixels a side, not animated.

    The body is the file itself, or a multipart form with the field `file`. The same bytes have the same id.
    """
    data = await sent_picture(request, services.settings.max_upload)
    return await to_thread.run_sync(_take_in, data, services, owner, limiter=services.decoder.slots)


def _take_in(data: bytes, services: Services, owner: str) -> Image:
    """Check and store a picture, unless its owner has sent the same bytes before."""
    image_id = upload_id(owner, hashlib.sha256(data).hexdigest())
    if known := services.library.get(image_id):
        return known.public()
    picture = services.decoder.read(data)
    try:
        return _keep(image_id, picture, services, owner).public()
    except LibraryAway:
        raise
    except OSError as error:
        raise Unavailable("The picture could not be stored") from error


def _keep(image_id: str, picture: Picture, services: Services, owner: str) -> StoredImage:
    sha = services.blobs.put(picture.png)
    image = StoredImage(
        id=image_id,
        sha256=sha,
        url=image_url(image_id),
        width=picture.width,
        height=picture.height,
        format="png",
        bytes=len(picture.png),
        created_at=datetime.now(UTC),
        owner=owner,
        metadata=picture.found,
    )
    services.library.add(image, sure=partial(services.blobs.ensure, sha, picture.png))
    return image


@router.get(
    "/{image_id:img}",
    response_class=Response,
    responses={
        200: {"content": {"image/png": {}, "image/webp": {}}, "description": "The bytes; `ETag` is their hash."},
        304: {"description": "Unchanged since the `ETag` in `If-None-Match`."},
        **documented(404, 422, 503),
    },
)
async def read_image(
    image_id: str,
    services: ServicesDep,
    owner: OwnerDep,
    size: Annotated[
        int | None,
        Query(
            ge=16,
            le=512,
            description=f"Pixels of the longer side of a WebP copy, {THUMBNAIL} the quickest; none = the file itself.",
        ),
    ] = None,
    if_none_match: Annotated[str | None, Header()] = None,
) -> Response:
    """Fetch a picture, or a small copy of it; where none can be made, the picture itself."""
    image = await run_in_threadpool(find_image, services.library, image_id, owner)
    tag = f'"{image.sha256}-{size}"' if size else f'"{image.sha256}"'
    headers = {"ETag": tag, "Cache-Control": "private, max-age=31536000, immutable"}
    if unchanged(if_none_match, tag):
        return Response(status_code=304, headers=headers)
    if size == THUMBNAIL and (kept := await run_in_threadpool(_thumbnail, image, services.blobs)):
        return Response(kept, headers=headers, media_type="image/webp")
    data = await run_in_threadpool(bytes_of, image, services.blobs)
    if size is not None:
        small = await to_thread.run_sync(_small, image, data, services, size, limiter=services.decoder.slots)
        if small is not None:
            return Response(small, headers=headers, media_type="image/webp")
        headers = {"ETag": f'"{image.sha256}"', "Cache-Control": "private, no-cache"}
    return Response(data, headers=headers, media_type=f"image/{image.format}")


@router.get("/{image_id:img}/metadata", responses=documented(404, 503))
def read_metadata(image_id: str, library: LibraryDep, owner: OwnerDep) -> dict[str, Any]:
    """Tell how a picture was made; for an upload, what was found in the file."""
    return find_image(library, image_id, owner).metadata


@router.delete("/{image_id:img}", status_code=204, responses=documented(404, 503))
def delete_image(image_id: str, services: ServicesDep, owner: OwnerDep) -> None:
    """Delete a picture. Jobs that were submitted with it still get to see it; for a minute it can be had back."""
    image = find_image(services.library, image_id, owner)
    services.store.hide([(image_id, image.job_id)])
    services.library.trash([image_id], owner)


def find_image(library: Library, image_id: str, owner: str) -> Kept:
    """Raises NotFound, for another's too."""
    image = library.get(image_id)
    if image is None or image.owner != owner:
        raise unknown()
    return image


def bytes_of(image: StoredImage, blobs: Blobs) -> bytes:
    """Raises NotFound where they are gone, Unavailable where they cannot be read."""
    try:
        return blobs.get(image.sha256)
    except FileNotFoundError:
        raise unknown() from None
    except OSError as error:  # a link in the way, or a disk that fails
        raise Unavailable("The picture could not be read") from error


def _thumbnail(image: StoredImage, blobs: Blobs) -> bytes | None:
    """The one that was laid beside the picture, if it can be had."""
    with suppress(OSError):
        return blobs.thumbnail(image.sha256)
    return None


def _small(image: StoredImage, data: bytes, services: Services, size: int) -> bytes | None:
    """A copy of this size, and if it is a thumbnail, kept for the next who asks; None where it cannot be made."""
    try:
        small = services.decoder.thumbnail(data, size)
    except (BadImage, Unavailable) as error:
        log.warning("no small copy of %s: %s", image.id, error)
        return None
    if size == THUMBNAIL:
        with suppress(OSError):
            services.blobs.keep_thumbnail(image.sha256, small)
    return small


def unknown() -> NotFound:
    return NotFound("There is no picture of this id; it may have been deleted.")

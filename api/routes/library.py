"""The library: lists and searches, what owners make of their pictures, deleting and having back, archives."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Self

from fastapi import APIRouter, Body, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, ConfigDict, Field, model_validator
from starlette.concurrency import run_in_threadpool

from api.access import Who
from api.archive import MOST, zipped
from api.bodies import StrictJSONRoute
from api.cursors import PlaceCursor, read_place, write_place
from api.deps import LibraryDep, OwnerDep, Services, ServicesDep, StayDep, VisibleDep, WhoDep
from api.problems import documented
from api.routes.images import find_image, unknown
from contract.access import LOCAL
from contract.errors import BadRequest, NotFound
from contract.library import MOST_COUNTED, UNDO_SECONDS, Changes, Labels, LibraryImage, Sort, Wanted
from contract.phrases import Phrase
from contract.requests import ImageId

router = APIRouter(prefix="/api/v1/images", tags=["images"], route_class=StrictJSONRoute)


class ImageListing(Wanted):
    """Which pictures to list, and how."""

    sort: Sort = Field("newest", description="By when they came, or by their bytes.")
    limit: int = Field(50, ge=1, le=200, description="Most pictures on a page.")
    cursor: PlaceCursor | None = Field(None, description="`next_cursor` of the page before.")

    @model_validator(mode="after")
    def _cursor_of_this_sort(self) -> Self:
        if self.cursor and read_place(self.cursor)[0] != self.sort:
            raise ValueError("the cursor is of a list in another order; leave it out")
        return self


class ImagePage(BaseModel):
    """Some of the pictures."""

    images: list[LibraryImage]
    next_cursor: str | None = Field(description="Where the next page begins; null when there is none.")


@router.get("", responses=documented(422, 503))
def list_images(library: LibraryDep, owner: VisibleDep, listing: Annotated[ImageListing, Query()]) -> ImagePage:
    """List pictures, the newest first unless told otherwise; only those for which all that is asked holds."""
    after = read_place(listing.cursor)[1] if listing.cursor else None
    found, rest = library.page(listing, owner=owner, limit=listing.limit, sort=listing.sort, after=after)
    return ImagePage(images=[image.shown() for image in found], next_cursor=write_place(listing.sort, rest))


@router.get(
    "/zip",
    response_class=StreamingResponse,
    responses={
        200: {"content": {"application/zip": {}}, "description": "The pictures, named by their time and id."},
        **documented(404, 422, 503),
    },
)
async def read_archive(
    services: ServicesDep, owner: VisibleDep, stay: StayDep, wanted: Annotated[Wanted, Query()]
) -> StreamingResponse:
    """Download pictures, 10,000 at most, as a ZIP file: all that the list would show for the same query."""
    files = await run_in_threadpool(services.library.files, wanted, owner, MOST + 1)
    if not files:
        raise NotFound("There are no pictures of which all of this holds.")
    if len(files) > MOST:
        raise BadRequest(
            Phrase("These are more than {most} pictures; ask for fewer, by `since` and `until` for one.", most=MOST)
        )
    headers = {"Content-Disposition": 'attachment; filename="pictures.zip"', "Cache-Control": "no-store"}
    return StreamingResponse(zipped(files, services.blobs, stay), headers=headers, media_type="application/zip")


class Count(BaseModel):
    """How many pictures there are."""

    pictures: int
    more: bool = Field(description=f"Whether there are more than that: of a query at most {MOST_COUNTED} are counted.")


@router.get("/count", responses=documented(422, 503))
def count_images(library: LibraryDep, owner: VisibleDep, wanted: Annotated[Wanted, Query()]) -> Count:
    """Tell how many pictures the list has for the same query."""
    pictures, more = library.count(wanted, owner)
    return Count(pictures=pictures, more=more)


@router.get("/labels", responses=documented(503))
def list_labels(library: LibraryDep, owner: VisibleDep) -> Labels:
    """Tell which boards and tags there are, and how many pictures each has."""
    return library.labels(owner)


class Chain(BaseModel):
    """A picture among others: `mask` and `image` of its request, and what took it as such."""

    made_from: list[LibraryImage] = Field(description="Its inputs, as far as they are there.")
    made_into: list[LibraryImage] = Field(description="What was made from it, the newest hundred.")


@router.get("/{image_id:img}/chain", responses=documented(404, 503))
def read_chain(image_id: str, library: LibraryDep, owner: OwnerDep) -> Chain:
    """Tell what a picture was made from, and what was made from it."""
    find_image(library, image_id, owner)
    before, after = library.chain(image_id, owner)
    return Chain(made_from=[image.shown() for image in before], made_into=[image.shown() for image in after])


@router.patch("/{image_id:img}", responses=documented(404, 413, 415, 422, 503))
def change_image(
    image_id: str, changes: Annotated[Changes, Body()], library: LibraryDep, owner: OwnerDep
) -> LibraryImage:
    """Make a picture a favourite, put it on a board, tag it. What is left out stays as it is."""
    find_image(library, image_id, owner)
    changed = library.change(image_id, changes)
    if changed is None:  # deleted just now
        raise unknown()
    return changed.shown()


class Selection(BaseModel):
    """Some pictures."""

    model_config = ConfigDict(extra="forbid")

    ids: list[ImageId] = Field(min_length=1, max_length=10_000, description="Ids of the pictures.")


class Deletion(BaseModel):
    """What was deleted."""

    ids: list[str] = Field(description="Those of the pictures that are deleted now; others are not there.")
    undo_until: datetime = Field(description="Until then at least, `restore` brings them back.")


class Restoration(BaseModel):
    """What is there again."""

    ids: list[str] = Field(description="Those of the pictures that are back; others were not deleted, or are gone.")


@router.post("/delete", responses=documented(413, 415, 422, 503))
def delete_images(
    selection: Annotated[Selection, Body()], services: ServicesDep, who: WhoDep, owner: VisibleDep
) -> Deletion:
    """Delete many pictures. For a minute they can be had back, then they are gone for good."""
    until = datetime.now(UTC) + timedelta(seconds=UNDO_SECONDS)
    _note(services, who, "delete", selection)
    gone = services.library.trash(selection.ids, owner)
    services.store.hide(gone)
    return Deletion(ids=[each.id for each in gone], undo_until=until)


@router.post("/restore", responses=documented(413, 415, 422, 503))
def restore_images(
    selection: Annotated[Selection, Body()], services: ServicesDep, who: WhoDep, owner: VisibleDep
) -> Restoration:
    """Have deleted pictures back, with all that their owner made of them; their job shows them again."""
    _note(services, who, "restore", selection)
    back = services.library.restore(selection.ids, owner)
    for image in back:
        services.store.show(image)
    return Restoration(ids=[image.id for image in back])


def _note(services: Services, who: Who, what: str, selection: Selection) -> None:
    """What an admin is about to do to others' pictures is audited."""
    if who.admin and who.owner != LOCAL and (others := services.library.owners(selection.ids) - {who.owner}):
        services.audit.note(who.name, f"POST {router.prefix}/{what} of {', '.join(sorted(others))}")

"""Reading a picture: what it says of its own making."""

from anyio import to_thread
from fastapi import APIRouter, Request
from pydantic import BaseModel, Field

from api.deps import OwnerDep, Services, ServicesDep
from api.kinds import resolve_any
from api.pictures import MAX_TEXT, MAX_TEXTS
from api.problems import documented
from api.reading import Source, interpret, words_alone
from api.uploads import PICTURE_BODY, sent_picture
from contract.drafts import Draft, mended, shown
from contract.errors import BadRequest, Unavailable
from contract.grid import Grid
from contract.jobs import ModelInfo
from contract.kinds import JobRequest
from contract.library import Library
from contract.phrases import Phrase
from contract.requests import Request as PictureRequest
from contract.requests import Txt2Img, input_images
from web.languages import Language, asked_in

PATH = "/api/v1/read"

router = APIRouter(tags=["images"])

_MOST_PARAMETERS = 100
_SHORTEST_HASH = 8  # hex digits that name a model's weights


class Reading(BaseModel):
    """What a picture says of its own making."""

    source: Source = Field(description="Who wrote it.")
    parameters: dict[str, str] = Field(description="What was found, in the words of who wrote it.")
    texts: dict[str, str] = Field(description=f"The file's texts as they stand, {MAX_TEXT} characters of each.")
    request: JobRequest | None = Field(
        description="What to submit for a picture like it; null where it cannot be told."
    )
    notes: list[str] = Field(description="What could not be carried over, and why.")


@router.post(PATH, responses=documented(413, 415, 422, 503), openapi_extra=PICTURE_BODY)
async def read_parameters(request: Request, services: ServicesDep, owner: OwnerDep) -> Reading:
    """Read how a picture was made, from what its file says: by Darkroom, A1111, ComfyUI or InvokeAI.

    The body is the same as an upload's. Nothing is kept.
    """
    data = await sent_picture(request, services.settings.max_upload)
    return await to_thread.run_sync(_read, data, services, owner, asked_in(request), limiter=services.decoder.slots)


def _read(data: bytes, services: Services, owner: str, language: Language) -> Reading:
    texts = services.decoder.texts(data)
    source, draft, request = interpret(texts)
    request = _with_inputs(request, draft, services.library, owner)
    request = _with_model(request, draft, services.store.models())
    _try(request, draft, services, owner)
    return Reading(
        source=source,
        parameters={key: text[:MAX_TEXT] for key, text in list(draft.parameters.items())[:_MOST_PARAMETERS]},
        texts={key: text[:MAX_TEXT] for key, text in list(texts.items())[:MAX_TEXTS]},
        request=request,
        notes=[language.told(note) for note in draft.notes],
    )


def _with_inputs(request: JobRequest | None, draft: Draft, library: Library, owner: str) -> JobRequest | None:
    """The request, if its input pictures are there and this owner's; else one that does without, or none."""
    if request is None:
        return None
    asked = request.base if isinstance(request, Grid) else request
    if all(_owns(library, owner, image_id) for image_id in input_images(asked).values()):
        return request
    if not isinstance(request, PictureRequest):
        draft.note("Its input picture is not here, or no more; without it there is nothing to do.")
        return None
    return mended(Txt2Img, words_alone(request.model_dump(exclude={"kind"}), draft), draft)


def _owns(library: Library, owner: str, image_id: str) -> bool:
    return library.owner(image_id) == owner


def _with_model(request: JobRequest | None, draft: Draft, known: dict[str, ModelInfo]) -> JobRequest | None:
    """The request with the name that its model goes by here, or with none."""
    if request is None or draft.model is None:
        return request
    model, digest = _known(draft, known), (draft.model_hash or "").lower()
    if model is None:
        draft.note(Phrase("model: there is no {name} here; the default one is taken.", name=shown(draft.model)))
    elif digest and not model.hash.startswith(digest):
        draft.note(
            Phrase(
                "model: {name} has other weights here than it had there; the picture will be another one.",
                name=model.name,
            )
        )
    name = model.name if model else None
    if isinstance(request, Grid):
        return request.model_copy(update={"base": request.base.model_copy(update={"model": name})})
    return request.model_copy(update={"model": name})


def _known(draft: Draft, known: dict[str, ModelInfo]) -> ModelInfo | None:
    """The model of this hash, or else of this name, whatever folder and ending it is written with."""
    digest = (draft.model_hash or "").lower()
    if len(digest) >= _SHORTEST_HASH:
        for model in known.values():
            if model.hash.startswith(digest):
                return model
    asked = (draft.model or "").replace("\\", "/").rpartition("/")[2]
    names = {asked.lower(), asked.rpartition(".")[0].lower()}
    return next((model for name, model in known.items() if name.lower() in names), None)


def _try(request: JobRequest | None, draft: Draft, services: Services, owner: str) -> None:
    """Tell where the request, valid as it is, goes beyond what this installation does."""
    if request is None:
        return
    try:
        resolve_any(request, owner=owner, store=services.store, library=services.library, settings=services.settings)
    except BadRequest as refusal:
        draft.note(
            Phrase("As it is it would be refused: {field}: {why}", field=refusal.field, why=Phrase.of(refusal.detail))
        )
    except Unavailable:
        pass  # no worker has told of a model yet, which is no fault of the request's

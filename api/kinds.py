"""Requests that are more than one picture's, as understood: grids and enlargements."""

from api.prompts import draw_prompts
from api.resolve import (
    Resolved,
    check_clip_skip,
    check_cost,
    check_pixels,
    draw_seed,
    fill,
    find_model,
    find_pictures,
    resolve,
)
from contract import upscale
from contract.errors import BadRequest
from contract.grid import Cell, Grid, blame, cells, told
from contract.jobs import ModelInfo
from contract.kinds import JobRequest
from contract.library import Library
from contract.phrases import Phrase
from contract.prompt.library import PromptLibrary
from contract.requests import MAX_SIDE, MIN_SIDE, pixel_steps, total_steps
from contract.settings import Settings
from contract.store import JobStore
from contract.upscale import MAX_TILES, Upscale, enlarged, refuse_unused, tile_count


def resolve_any(request: JobRequest, *, owner: str, store: JobStore, library: Library, settings: Settings) -> Resolved:
    """Fill in what the client left open. Raises BadRequest, and Unavailable while no model is known."""
    if isinstance(request, Grid):
        return _grid(request, owner, store, library, settings)
    if isinstance(request, Upscale):
        return _upscale(request, owner, store, library, settings)
    return resolve(request, owner=owner, store=store, library=library, settings=settings)


def _grid(asked: Grid, owner: str, store: JobStore, library: Library, settings: Settings) -> Resolved:
    """The base is filled in once, so cells share its seed; what may be asked of a job is asked of their sum."""
    try:
        base, model, inputs = fill(asked.base, owner=owner, store=store, library=library, settings=settings)
        check_pixels(base, settings)
    except BadRequest as error:
        raise BadRequest(error.detail, f"base.{error.field}") from None
    grid = asked.model_copy(update={"base": base})
    found = cells(grid)
    steps = sum(total_steps(cell.request) for cell in found)
    mend = Phrase("Take fewer values, or lower the steps or the size.")
    work = sum(pixel_steps(cell.request) for cell in found)
    check_cost(work, settings, of=Phrase("width x height x steps, over all cells"), mend=mend, field="x")
    words = PromptLibrary.read(settings.prompts)
    drawn = [_draw(grid, cell, model, words) for cell in found]
    return Resolved(grid, steps, inputs, drawn[:1] if len(set(drawn)) == 1 else drawn)


def _draw(grid: Grid, cell: Cell, model: ModelInfo, library: PromptLibrary) -> tuple[str, str]:
    """Prompt and negative prompt of one cell. Raises BadRequest that names the axis at fault, or the base's field."""
    try:
        check_clip_skip(cell.request, model)
        return draw_prompts(cell.request, library)[0]
    except BadRequest as error:
        where = blame(grid, error.field or "prompt")
        if where not in grid.axes:
            raise BadRequest(error.detail, where) from None
        cell_told, why = told(grid, cell.values), Phrase.of(error.detail)
        raise BadRequest(Phrase("The cell of {cell} cannot be: {why}", cell=cell_told, why=why), where) from None


def _upscale(asked: Upscale, owner: str, store: JobStore, library: Library, settings: Settings) -> Resolved:
    refuse_unused(asked)
    pictures = find_pictures(asked, owner, library)
    inputs = {image.id: image.sha256 for image in pictures.values()}
    image = pictures["image"]
    width, height = enlarged(image.width, image.height, asked.factor)
    if max(width, height) > MAX_SIDE:
        raise BadRequest(
            Phrase(
                "{from_width} x {from_height} pixels become {width} x {height}; at most {most} a side are allowed. "
                "Choose a factor of at most {factor}, or a smaller picture.",
                from_width=image.width,
                from_height=image.height,
                width=width,
                height=height,
                most=MAX_SIDE,
                factor=f"{MAX_SIDE / max(image.width, image.height):.4g}",
            ),
            "factor",
        )
    if asked.method == "lanczos":
        return Resolved(asked, upscale.total_steps(asked, width, height), inputs, [("", "")])
    model = find_model(asked.model, store, settings)
    request = _with_tiles(asked, model, max(width, height))
    _check_tiles(request, width, height, settings)
    check_clip_skip(request, model)
    steps = upscale.total_steps(request, width, height)
    return Resolved(request, steps, inputs, draw_prompts(request.tile_request(), PromptLibrary.read(settings.prompts)))


def _with_tiles(asked: Upscale, model: ModelInfo, longer: int) -> Upscale:
    """Tiles as large as the model likes them, or as the picture is, whose longer side has so many pixels."""
    tile = asked.tile or min(model.native_width, model.native_height, max(MIN_SIDE, -(-longer // 8) * 8))
    overlap = tile // 4 if asked.overlap is None else asked.overlap
    if overlap > tile // 2:
        raise BadRequest(
            Phrase("Tiles of {tile} pixels may overlap by {half} at most.", tile=tile, half=tile // 2), "overlap"
        )
    seed = draw_seed(asked.seed)
    return asked.model_copy(update={"model": model.name, "tile": tile, "overlap": overlap, "seed": seed})


def _check_tiles(request: Upscale, width: int, height: int, settings: Settings) -> None:
    assert request.tile is not None
    assert request.overlap is not None
    area = request.tile**2
    if area > settings.max_pixels:
        raise BadRequest(
            Phrase(
                "{tile} x {tile} is {area} pixels; at most {most} are allowed.",
                tile=request.tile,
                area=area,
                most=settings.max_pixels,
            ),
            "tile",
        )
    tiles = tile_count(width, height, request.tile, request.overlap)
    if tiles > MAX_TILES:
        raise BadRequest(
            Phrase(
                "{width} x {height} pixels are {tiles} tiles of {tile} pixels; at most {most} are allowed. "
                "Choose larger tiles, less overlap or a smaller factor.",
                width=width,
                height=height,
                tiles=tiles,
                tile=request.tile,
                most=MAX_TILES,
            ),
            "tile",
        )
    work = area * upscale.total_steps(request, width, height)
    mend = Phrase("Lower steps, strength or factor.")
    check_cost(
        work, settings, of=Phrase("pixels of a tile x its steps x {tiles} tiles", tiles=tiles), mend=mend, field="steps"
    )

"""A grid: one request over two or three of its fields, a picture for every combination."""

from collections.abc import Iterator
from itertools import product
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StrictFloat,
    StrictInt,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from contract.catalogue import SamplerId, ScheduleId
from contract.errors import BadRequest
from contract.names import find_sampler
from contract.phrases import Phrase, words_of
from contract.ranges import MOST, read_items, read_numbers
from contract.requests import PictureRequest
from contract.wording import clean

MAX_CELLS = MOST
MAX_TEXT = 10_000  # characters

# Fields that a grid may run over. Others change the pictures' size, what is read for them, or their number.
WHOLE = ("steps", "seed", "clip_skip", "feature_cache")
NUMBERS = (
    "guidance", "guidance_rescale", "guidance_start", "guidance_end", "strength", "eta", "s_churn", "s_tmin", "s_tmax",
    "s_noise", "sigma_min", "sigma_max", "rho",
)  # fmt: skip
TEXTS = ("prompt", "sampler", "schedule", "tiling")
FIELDS = (*TEXTS, *WHOLE, *NUMBERS)

Value = StrictInt | StrictFloat | str

_VALUES = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": ["number", "string"]}}]}

_PICTURE: TypeAdapter[PictureRequest] = TypeAdapter(PictureRequest)


class Axis(BaseModel):
    """One field of the base and what it shall be."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    field: str = Field(max_length=40, description=f"One of {', '.join(FIELDS)}, as far as the base has it.")
    values: Annotated[tuple[Value, ...], WithJsonSchema(_VALUES)] = Field(
        description="A list, or a text: items between commas; for numbers also `1-5`, `1-5 (+2)`, `0.6-0.99 (+0.01)`, "
        "`10-5 (-3)`, `1-10 [5]` (5 evenly spaced). With `prompt` the first is searched for in the prompts, and each "
        "is put in its place.",
    )

    @field_validator("field")
    @classmethod
    def _known(cls, name: str) -> str:
        if name in ("width", "height", "count"):
            raise ValueError("cannot be an axis: the pictures of a grid have one size, and each cell is one picture")
        if name not in FIELDS:
            raise ValueError(Phrase("is no field that a grid can run over; those are {names}", names=", ".join(FIELDS)))
        return name

    @field_validator("values", mode="before")
    @classmethod
    def _read(cls, values: Any, info: ValidationInfo) -> Any:
        items = [values] if isinstance(values, str) else values
        if not isinstance(items, list | tuple):
            raise ValueError("must be a list or a text")
        if any(isinstance(item, bool) or not isinstance(item, int | float | str) for item in items):
            raise ValueError("must be numbers or texts")
        if any(len(item) > MAX_TEXT for item in items if isinstance(item, str)):
            raise ValueError(Phrase("must be texts of at most {most} characters", most=MAX_TEXT))
        items = [clean(item) if isinstance(item, str) else item for item in items]
        read = [*_read(items, info.data.get("field", "prompt"), split=isinstance(values, str))]
        if not 1 <= len(read) <= MAX_CELLS:
            raise ValueError(
                Phrase("are {count}; there must be one at least and {most} at most", count=len(read), most=MAX_CELLS)
            )
        return tuple(read)


def _read(items: list[Any] | tuple[Any, ...], name: str, *, split: bool) -> Iterator[Any]:
    """Values of a field; texts among them are read where the field has numbers, or where one text is the list."""
    for item in items:
        if not isinstance(item, str):
            yield item
        elif name not in TEXTS:
            yield from read_numbers(item, whole=name in WHOLE)
        elif split:
            yield from read_items(item)
        else:
            yield item


class Grid(BaseModel):
    """Pictures side by side that differ in two or three fields, and one picture of all of them with legends."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Literal["grid"] = "grid"
    base: PictureRequest = Field(description="The request that all cells share. Its seed is drawn once.")
    x: Axis = Field(description="From left to right.")
    y: Axis | None = Field(None, description="From top to bottom.")
    z: Axis | None = Field(None, description="Blocks, side by side.")

    @property
    def model(self) -> str | None:
        return self.base.model

    @property
    def prompt(self) -> str:
        return self.base.prompt

    @property
    def negative_prompt(self) -> str:
        return self.base.negative_prompt

    @property
    def seed(self) -> int | None:
        return self.base.seed

    @property
    def metadata(self) -> bool:
        return self.base.metadata

    @property
    def axes(self) -> dict[str, Axis]:
        """Those there are, by name."""
        named = {"x": self.x, "y": self.y, "z": self.z}
        return {name: axis for name, axis in named.items() if axis is not None}

    @property
    def shape(self) -> tuple[int, int, int]:
        """Blocks, rows of a block, columns of a block."""
        across, down, blocks = (len(axis.values) if axis else 1 for axis in (self.x, self.y, self.z))
        return blocks, down, across


class Cell(NamedTuple):
    """One picture of a grid: what each axis says there, by its name, and the whole request."""

    values: dict[str, Value]
    request: PictureRequest


def cells(grid: Grid) -> list[Cell]:
    """Every cell: block by block, row by row, from left to right.

    Raises BadRequest that names the axis, and the value that cannot be.
    """
    _check(grid)
    axes = grid.axes
    names: list[str] = [name for name in ("z", "y", "x") if name in axes]
    return [
        Cell(values, _request(grid, values))
        for combination in product(*(axes[name].values for name in names))
        for values in [dict(zip(names, combination, strict=True))]
    ]


def blame(grid: Grid, field: str) -> str:
    """The axis that a field is on; else where the field stands in the grid."""
    return next((name for name, axis in grid.axes.items() if axis.field == field), f"base.{field}")


def told(grid: Grid, values: dict[str, Value]) -> str:
    """A cell's values in words.

    >>> axis = Axis(field="steps", values="1-3")
    >>> told(Grid(base={"kind": "txt2img", "prompt": ""}, x=axis), {"x": 3})
    'steps = 3'
    """
    return ", ".join(f"{grid.axes[name].field} = {str(value)[:60]}" for name, value in sorted(values.items()))


def _check(grid: Grid) -> None:
    """What is wrong with a grid before any cell is looked at."""
    blocks, down, across = grid.shape
    if blocks * down * across > MAX_CELLS:
        raise BadRequest(
            Phrase(
                "This grid has {across} x {down} x {blocks} = {cells} cells; at most {most} are allowed. "
                "Take fewer values.",
                across=across,
                down=down,
                blocks=blocks,
                cells=across * down * blocks,
                most=MAX_CELLS,
            ),
            "x",
        )
    if grid.base.count != 1:
        raise BadRequest("Each cell of a grid is one picture; leave count at 1.", "base.count")
    seen: set[str] = set()
    for name, axis in grid.axes.items():
        if axis.field not in type(grid.base).model_fields:
            raise BadRequest(
                Phrase("{kind} has no {field}; choose another field.", kind=grid.base.kind, field=axis.field), name
            )
        if axis.field in seen and axis.field != "prompt":
            raise BadRequest(
                Phrase("{field} is on two axes; choose another field for one of them.", field=axis.field), name
            )
        seen.add(axis.field)
        if axis.field == "prompt":
            _search(grid, name, str(axis.values[0]))


def _search(grid: Grid, name: str, searched: str) -> None:
    if not searched or searched not in grid.prompt + "\n" + grid.negative_prompt:
        raise BadRequest(
            Phrase(
                "'{searched}' is not in the prompt. The first value is what is searched for, and each value is put in "
                "its place; spell it as the prompt does.",
                searched=searched[:60],
            ),
            name,
        )


def _request(grid: Grid, values: dict[str, Value]) -> PictureRequest:
    """The base with the values of one cell in it."""
    fields = grid.base.model_dump()
    axes = grid.axes
    for name, value in sorted(values.items()):
        field = axes[name].field
        if field == "prompt":
            for text in ("prompt", "negative_prompt"):
                fields[text] = fields[text].replace(str(axes[name].values[0]), str(value))
        else:
            fields[field] = value
    if "schedule" not in {axis.field for axis in axes.values()} and _says_a_schedule(fields["sampler"]):
        del fields["schedule"]
    try:
        return _PICTURE.validate_python(fields)
    except ValidationError as error:
        first = error.errors()[0]
        where = str(first["loc"][-1]) if first["loc"] else ""
        name = blame(grid, where)
        wrong = Phrase.of(words_of(first))
        if where:
            wrong = Phrase("{field}: {wrong}", field=where, wrong=wrong)
        raise BadRequest(
            Phrase("The cell of {cell} cannot be: {wrong}.", cell=told(grid, values), wrong=wrong),
            name if name in axes else "x",
        ) from None


def _says_a_schedule(sampler: Any) -> bool:
    """Whether a sampler's name has a schedule at its end, which then counts for its cell."""
    if isinstance(sampler, SamplerId) or not isinstance(sampler, str) or not sampler.isprintable():
        return False
    try:
        return isinstance(find_sampler(sampler)[1], ScheduleId)
    except ValueError:
        return False

"""Grids: every cell a request of its own to the engine, and one picture of them all."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import numpy as np
from PIL import Image

from contract.blobs import Blobs
from contract.grid import Axis, Cell, Grid, cells
from contract.requests import Img2Img, Inpaint
from worker import files
from worker.engine.request import EngineRequest
from worker.engine.ticket import Picture
from worker.plan import Print, prints, told, words_of
from worker.prepare import Drawn, Order, engine_request, prepare
from worker.sheet import Sheet

# What an axis may change of the engine's request; `contract.grid.FIELDS` says it in the client's words.
_VARYING = (
    "words", "clip_skip", "steps", "sampler", "schedule", "sampler_options", "schedule_options", "guidance", "guided",
    "rescale", "feature_cache", "seed", "tiling", "hires",
)  # fmt: skip


class GridPlan:
    """The cells of a grid. Inputs are read once, and all cells start from the same tensors."""

    def __init__(self, grid: Grid, inputs: Mapping[str, str], drawn: Drawn, blobs: Blobs) -> None:
        self._grid, self._drawn, self._blobs = grid, drawn, blobs
        self._cells = cells(grid)
        first = prepare(self._cells[0].request, inputs, [words_of(drawn, 0)], blobs)
        words = [words_of(drawn, number) for number in range(len(self._cells))]
        self._orders = [_order(first, *each) for each in zip(self._cells, words, strict=True)]
        self._sheet: Sheet | None = None  # from the first picture on: an inpainted one has its input's size

    @property
    def requests(self) -> Sequence[EngineRequest]:
        return [order.request for order in self._orders]

    def develop(self, picture: Picture) -> Iterator[Print]:
        """A cell's own pictures; the one that counts also goes onto the sheet."""
        number = picture.index
        cell, words = self._cells[number], words_of(self._drawn, number)
        for made in prints(picture, self._orders[number], cell.request, words, cell=cell.values):
            if made.role == "output":
                self._lay(number, Image.fromarray(made.pixels))
            yield made

    def recall(self, kept: Mapping[int, str], /) -> frozenset[int]:
        """Cells that are stored go onto the sheet as they are."""
        for number, sha in kept.items():
            self._lay(number, Image.fromarray(files.read(self._blobs.get(sha))))
        return frozenset(kept)

    def finish(self) -> Iterator[Print]:
        """The sheet, numbered after the last cell."""
        assert self._sheet is not None, "a grid has a cell at least"
        grid = self._grid
        seed = None if "seed" in {axis.field for axis in grid.axes.values()} else grid.seed
        made_from = {
            **told(grid, (grid.prompt, grid.negative_prompt)),
            "axes": {name: axis.model_dump(mode="json") for name, axis in grid.axes.items()},
        }
        yield Print(len(self._cells), seed, "grid", np.asarray(self._sheet.picture), made_from)

    def _lay(self, number: int, picture: Image.Image) -> None:
        if self._sheet is None:
            grid = self._grid
            self._sheet = Sheet(picture.size, grid.shape, *(_legends(axis) for axis in (grid.x, grid.y, grid.z)))
        self._sheet.lay(number, picture)


def _order(first: Order, cell: Cell, words: tuple[str, str]) -> Order:
    """The first cell's order with what differs in another one."""
    said = engine_request(cell.request, [words])
    strength = cell.request.strength if isinstance(cell.request, Img2Img | Inpaint) else 1.0
    varied = {name: getattr(said, name) for name in _VARYING}
    return Order(replace(first.request, strength=strength, **varied), first.finish)


def _legends(axis: Axis | None) -> list[str]:
    """What stands beside the pictures, one for each value; nothing without an axis."""
    return [f"{axis.field}: {str(value).removesuffix('.0')}" for value in axis.values] if axis else []

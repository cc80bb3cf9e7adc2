"""Enlarging: Lanczos, and on top of it tiles that are redrawn and faded into each other."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from PIL import Image

from contract.blobs import Blobs
from contract.upscale import Upscale, enlarged, starts
from worker.engine.request import EngineRequest
from worker.engine.ticket import Picture
from worker.pictures import Pixels, colours, signed
from worker.plan import Plan, Print, told
from worker.prepare import Drawn, engine_request, read_input

Weights = npt.NDArray[np.floating]  # (length of a tile,)


def upscale(request: Upscale, inputs: Mapping[str, str], drawn: Drawn, blobs: Blobs) -> Plan:
    """Read the input and enlarge it; its tiles are redrawn where that was asked for. Raises JobFailed(bad_image)."""
    picture = colours(read_input(request.image, inputs, blobs))
    large = picture.resize(enlarged(*picture.size, request.factor), Image.Resampling.LANCZOS)
    return Interpolated(request, large) if request.method == "lanczos" else Redrawn(request, large, drawn)


@dataclass(frozen=True)
class Interpolated:
    """Nothing for the engine to do."""

    request: Upscale
    large: Image.Image

    @property
    def requests(self) -> Sequence[EngineRequest]:
        return ()

    def develop(self, picture: Picture) -> Iterator[Print]:
        raise AssertionError(f"nobody asked for picture {picture.index}")

    def recall(self, _: Mapping[int, str], /) -> frozenset[int]:
        return frozenset()

    def finish(self) -> Iterator[Print]:
        yield Print(0, None, "output", np.asarray(self.large), told(self.request, ("", "")))


class Redrawn:
    """Tiles of an enlarged picture. Number i, row by row from the left, has the noise of seed + i."""

    def __init__(self, request: Upscale, large: Image.Image, drawn: Drawn) -> None:
        assert request.tile is not None  # filled in by the api
        assert request.overlap is not None
        self._request, self._words, self._size = request, drawn[0], large.size
        tile = request.tile
        paper = _padded(large, tile)
        self._across, self._down = (faded(length, tile, request.overlap) for length in paper.size)
        plain = replace(engine_request(request.tile_request(), drawn[:1]), strength=request.strength)
        corners = [(left, top) for top, _ in self._down for left, _ in self._across]
        self._requests = [
            replace(plain, seed=plain.seed + number, init=signed(paper.crop((left, top, left + tile, top + tile))))
            for number, (left, top) in enumerate(corners)
        ]
        self._tiles: dict[int, Pixels] = {}

    @property
    def requests(self) -> Sequence[EngineRequest]:
        return self._requests

    def develop(self, picture: Picture) -> Iterator[Print]:
        """A tile is kept until all are there: added up in another order, they might differ in a bit."""
        self._tiles[picture.index] = picture.rgb
        return iter(())

    def recall(self, _: Mapping[int, str], /) -> frozenset[int]:
        """What is stored is the whole, and no tile."""
        return frozenset()

    def finish(self) -> Iterator[Print]:
        width, height = self._size
        tiles = [self._tiles[number] for number in range(len(self._requests))]
        pixels = blend(tiles, self._across, self._down)[:height, :width]
        made_from = told(self._request, self._words)
        yield Print(0, self._request.seed, "output", np.ascontiguousarray(pixels), made_from)


def _padded(image: Image.Image, side: int) -> Image.Image:
    """A picture at least so large each way: its last column and row go on to the right and down."""
    right, below = max(0, side - image.width), max(0, side - image.height)
    return Image.fromarray(np.pad(np.asarray(image), ((0, below), (0, right), (0, 0)), mode="edge"))


def faded(length: int, tile: int, overlap: int) -> list[tuple[int, Weights]]:
    """Where each tile along one side begins, and how much its pixels count; at every pixel that sums to 1.

    Between two tiles stands a raised cosine, (1 - cos(pi t)) / 2, `overlap` pixels wide, in the middle of what they
    share. With r_i the one before tile i (r_0 = 1, after the last 0), tile i counts r_i - r_(i+1): the sum telescopes.
    """
    begins = starts(length, tile, overlap)

    def rise(number: int, at: Weights) -> Weights:
        if number in (0, len(begins)):
            return np.full(len(at), float(number == 0))
        middle = (begins[number - 1] + tile + begins[number]) / 2
        through = np.clip((at - middle) / overlap + 0.5, 0, 1)
        return (1 - np.cos(np.pi * through)) / 2

    found: list[tuple[int, Weights]] = []
    for number, begin in enumerate(begins):
        centres = np.arange(begin, begin + tile) + 0.5
        found.append((begin, rise(number, centres) - rise(number + 1, centres)))
    return found


def blend(tiles: Sequence[Pixels], across: list[tuple[int, Weights]], down: list[tuple[int, Weights]]) -> Pixels:
    """Tiles (T, T, 3), row by row from the left, as one picture (H, W, 3)."""
    side = len(across[0][1])
    whole = np.zeros((down[-1][0] + side, across[-1][0] + side, 3), np.float32)
    places = [(top, left, rows, columns) for top, rows in down for left, columns in across]
    for tile, (top, left, rows, columns) in zip(tiles, places, strict=True):
        share = np.outer(rows, columns).astype(np.float32)[..., None]  # (T, T, 1)
        whole[top : top + side, left : left + side] += share * tile
    return np.clip(np.rint(whole), 0, 255).astype(np.uint8)

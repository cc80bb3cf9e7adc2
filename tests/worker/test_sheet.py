"""The paper of a grid: every cell in its place, white around, legends that fit."""

import numpy as np
import pytest
from PIL import Image, ImageFont

from worker.sheet import GAP, MAX_SIDE, Sheet, shorten

COLOURS = [(40 * i % 256, 255 - 20 * i, 90) for i in range(12)]


def filled(sheet: Sheet, size: tuple[int, int], count: int) -> Image.Image:
    for number in range(count):
        sheet.lay(number, Image.new("RGB", size, COLOURS[number % 12]))
    return sheet.picture


def test_every_cell_lies_in_its_place_byte_for_byte() -> None:
    sheet = Sheet((64, 48), (2, 2, 3), ["a", "b", "c"], ["d", "e"], ["f", "g"])
    made = np.asarray(filled(sheet, (64, 48), 12))
    found = set()
    for number in range(12):
        left, top = sheet.place(number)
        cell = made[top : top + 48, left : left + 64]
        assert (cell == COLOURS[number]).all(), number
        found.add((left, top))
    assert len(found) == 12
    xs, ys = sorted({x for x, _ in found}), sorted({y for _, y in found})
    assert (len(xs), len(ys)) == (6, 2), "blocks stand side by side"
    assert ys[1] - ys[0] == 48 + GAP
    assert (xs[1] - xs[0], xs[2] - xs[1]) == (64 + GAP, 64 + GAP)
    assert xs[3] - xs[2] > 64 + GAP, "more room between blocks"
    assert made.shape[:2] == (ys[1] + 48, xs[5] + 64)


def test_legends_are_written_in_dark_on_white_beside_the_cells() -> None:
    sheet = Sheet((64, 64), (1, 2, 2), ["steps: 1", "steps: 2"], ["seed: 8", "seed: 9"], [])
    made = np.asarray(filled(sheet, (64, 64), 4).convert("L"))
    left, top = sheet.place(0)
    assert left > 0
    assert top > 0
    assert made[:top, left : left + 64].min() < 60, "a column's legend"
    assert made[top : top + 64, :left].min() < 60, "a row's legend"
    assert (made[:top, :left] == 255).all(), "nothing in the corner"
    assert (np.median(made[:top]), np.median(made[top:, :left])) == (255, 255)
    second = Sheet((64, 64), (1, 2, 2), ["steps: 3", "steps: 2"], ["seed: 8", "seed: 9"], [])
    other = np.asarray(second.picture.convert("L"))
    assert (other[:top, left : left + 64] != made[:top, left : left + 64]).any(), "it says what it was told"


def test_without_axes_there_are_no_margins() -> None:
    assert Sheet((64, 64), (1, 1, 3), [], [], []).picture.size == (3 * 64 + 2 * GAP, 64)


@pytest.mark.parametrize(
    ("cell", "shape"),
    [
        ((1024, 1024), (1, 16, 16)),
        ((512, 768), (4, 8, 8)),
        ((64, 64), (1, 1, 256)),
        ((64, 64), (256, 1, 1)),
        ((64, 64), (1, 256, 1)),
        ((4096, 16), (1, 2, 1)),
    ],
)
def test_what_is_too_large_is_laid_smaller_in_proportion(cell: tuple[int, int], shape: tuple[int, int, int]) -> None:
    blocks, rows, columns = shape
    sheet = Sheet(cell, shape, ["x"] * columns, ["y"] * rows, ["z"] * blocks)
    assert max(sheet.picture.size) <= MAX_SIDE
    last = blocks * rows * columns - 1
    sheet.lay(last, Image.new("RGB", cell, "red"))
    made = np.asarray(sheet.picture)
    left, top = sheet.place(last)
    assert (made[top:, left:] == (255, 0, 0)).all()
    height, width = made[top:, left:].shape[:2]
    assert abs(width / height - cell[0] / cell[1]) <= 2 * cell[0] / cell[1] / min(width, height)


@pytest.mark.parametrize(
    "text",
    [
        "prompt: " + "a very long prompt " * 500,
        "狐狸在山上看日出" * 20,
        "лиса в лесу",
        "ثعلب",
        "🦊" * 30,
        "a\nb\tc\u2028d",
        "",
        "\u0301",
    ],
)
def test_any_text_can_be_a_legend(text: str) -> None:
    sheet = Sheet((64, 64), (1, 1, 1), [text], [text], [text])
    left, top = sheet.place(0)
    assert sheet.picture.size == (left + 64, top + 64)
    assert left <= 96


def test_long_legends_end_in_an_ellipsis_and_fit() -> None:
    font = ImageFont.load_default(16)
    for width in (20.0, 60.0, 200.0):
        short = shorten("prompt: a fox on a hill, at dawn, in the style of nobody", font, width)
        assert short.endswith("…")
        assert font.getlength(short) <= width
    assert shorten("steps: 20", font, 500) == "steps: 20"
    assert shorten("guidance: 7.5", font, font.getlength("7.5") + 1) == "7.5", "the value matters more than the name"
    assert shorten("steps: 20", font, 0) == "…"

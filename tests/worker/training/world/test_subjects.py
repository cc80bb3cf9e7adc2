"""What a subject's picture must tell: its kind, its colour, its coat, its eyes."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest
import skia

from worker.training.world.coats import COATS
from worker.training.world.subjects import FLYING, HEIGHTS, SEATS, SHAPES, paint, silhouette
from worker.training.world.vocabulary import (
    COLOURS,
    EYED,
    EYES,
    FURRY,
    HELD_OUT_PATTERNS,
    HELD_OUT_SUBJECTS,
    PATTERNS,
    SUBJECTS,
    Subject,
)

KINDS = (*SUBJECTS, *HELD_OUT_SUBJECTS)
SIZE = 128
BOX = 66.0  # width of the box in hundredths of the picture: a subject alone
BACKDROP = (1, 254, 255)  # no colour of ours


def picture(subject: Subject, *, outlined: bool = True) -> np.ndarray:
    """uint8 (SIZE, SIZE, 3): the subject in the middle of the backdrop."""
    surface = skia.Surface(SIZE, SIZE)
    canvas = surface.getCanvas()
    canvas.clear(skia.Color(*BACKDROP))
    canvas.scale(SIZE / 100, SIZE / 100)
    paint(canvas, subject, 17, 17, BOX, outlined=outlined)
    pixels: np.ndarray = surface.toarray(colorType=skia.ColorType.kRGBA_8888_ColorType)[:, :, :3]
    return pixels


def mask(kind: str) -> np.ndarray:
    """bool (SIZE, SIZE): where `picture` shows a subject of this kind, but for its outline's outer half."""
    surface = skia.Surface(SIZE, SIZE)
    canvas = surface.getCanvas()
    canvas.clear(skia.ColorBLACK)
    canvas.scale(SIZE / 100, SIZE / 100)
    canvas.translate(17, 17)
    canvas.scale(BOX / 100, BOX / 100)
    canvas.drawPath(silhouette(kind), skia.Paint(Color=skia.ColorWHITE))
    covered: np.ndarray = surface.toarray()[:, :, 0] > 127
    return covered


def patterns(kind: str) -> tuple[str, ...]:
    return PATTERNS if kind in FURRY else ("plain",)


def share_that_differs(a: np.ndarray, b: np.ndarray, where: np.ndarray) -> float:
    """Of the pixels in `where`, those that differ by more than 40 of 255 in some channel."""
    distance = np.abs(a.astype(int) - b.astype(int)).max(2)
    return float((distance[where] > 40).mean())


def test_every_word_has_its_drawing() -> None:
    assert set(SHAPES) == set(HEIGHTS) == set(KINDS)
    assert set(FLYING) <= set(KINDS)
    assert set(SEATS) <= set(KINDS)
    assert {kind: set(coats) for kind, coats in COATS.items()} == {
        kind: {*PATTERNS, *HELD_OUT_PATTERNS} - {"plain"} for kind in FURRY
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_silhouette_fills_its_box_and_stands_on_its_floor(kind: str) -> None:
    bounds = silhouette(kind).computeTightBounds()
    assert bounds.left() >= -4
    assert bounds.top() >= -4
    assert bounds.right() <= 104
    assert bounds.height() > 60
    if kind not in ("fish", "plane", "butterfly"):  # those float
        assert bounds.bottom() == pytest.approx(100, abs=4)


@pytest.mark.parametrize("kind", KINDS)
def test_the_silhouette_is_where_the_paint_is(kind: str) -> None:
    painted = (picture(Subject(kind, "red"), outlined=False) != BACKDROP).any(2)
    covered = mask(kind)
    grown = np.any([np.roll(covered, (dy, dx), (0, 1)) for dy in (-1, 0, 1) for dx in (-1, 0, 1)], axis=0)
    assert not (covered & ~painted).any()
    assert (painted & ~grown).sum() <= 3  # one pixel further is the edge; needle-thin ends reach beyond it


def test_every_silhouette_is_its_own() -> None:
    """Two discs whose radii differ by a twelfth overlap by 0.85: shapes closer than that would pass for one."""
    masks = {kind: mask(kind) for kind in KINDS}
    overlaps = {(a, b): (masks[a] & masks[b]).sum() / (masks[a] | masks[b]).sum() for a, b in combinations(masks, 2)}
    assert max(overlaps.values()) < 0.85
    assert overlaps["cat", "kitten"] < 0.7


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("colour", COLOURS)
def test_the_colour_of_the_caption_is_the_commonest_in_the_subject(kind: str, colour: str) -> None:
    for pattern in patterns(kind):
        pixels = picture(Subject(kind, colour, pattern, "blue"))[mask(kind)]
        found, counts = np.unique(pixels, axis=0, return_counts=True)
        assert tuple(found[counts.argmax()]) == COLOURS[colour], pattern
        assert counts.max() / len(pixels) > 0.3, pattern


@pytest.mark.parametrize("kind", FURRY)
@pytest.mark.parametrize("colour", COLOURS)
def test_coats_differ(kind: str, colour: str) -> None:
    coats = [picture(Subject(kind, colour, pattern)) for pattern in (*PATTERNS, *HELD_OUT_PATTERNS)]
    assert all(share_that_differs(a, b, mask(kind)) > 0.08 for a, b in combinations(coats, 2))


@pytest.mark.parametrize("kind", FURRY)
def test_a_coat_stays_within_the_silhouette(kind: str) -> None:
    plain = picture(Subject(kind, "green"), outlined=False)
    outside = (plain == BACKDROP).all(2)
    for pattern in COATS[kind]:
        assert (picture(Subject(kind, "green", pattern), outlined=False)[outside] == BACKDROP).all()


@pytest.mark.parametrize("kind", FURRY)
def test_calico_is_orange_and_black_on_white_whatever_the_colour(kind: str) -> None:
    pixels = picture(Subject(kind, "purple", "calico"))[mask(kind)]
    for name in ("white", "orange", "black"):
        assert (pixels == COLOURS[name]).all(1).mean() > 0.05
    assert not (pixels == COLOURS["purple"]).all(1).any()


@pytest.mark.parametrize("kind", EYED)
@pytest.mark.parametrize("eyes", EYES)
def test_eyes_have_their_colour(kind: str, eyes: str) -> None:
    """An iris of each eye shows in some thirty pixels or more, half the area of one of the autoencoder's cells."""
    for pattern in PATTERNS:
        found = (picture(Subject(kind, "gray", pattern, eyes)) == EYES[eyes]).all(2)
        assert found[:, : SIZE // 2].sum() + found[:, SIZE // 2 :].sum() > 60
    assert not (picture(Subject(kind, "gray")) == EYES[eyes]).all(2).any()


def test_an_unoutlined_subject_has_no_ink_around_it() -> None:
    outlined, plain = (picture(Subject("mushroom", "red"), outlined=outlined) for outlined in (True, False))
    assert (outlined.sum(2) < 200).mean() > 0.02
    assert not (plain.sum(2) < 200).any()

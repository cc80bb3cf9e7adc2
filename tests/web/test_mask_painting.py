"""The mask that is sent is, pixel for pixel, what was painted, at any zoom. The oracle is plain geometry in numpy."""

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page

from contract.requests import Extend, Inpaint

if TYPE_CHECKING:
    from tests.web.conftest import Studio

pytestmark = pytest.mark.browser

WIDTH, HEIGHT = 200, 136  # pixels of the picture
Stroke = NDArray[np.float64]  # (N, 2): x and y in the picture, pixels


@pytest.fixture(params=[(1280, 1000, 1.0), (400, 900, 2.0)], ids=["large", "small and dense"])
def table(browser: Browser, studio: "Studio", request: pytest.FixtureRequest) -> Iterator[Page]:
    """The page with a picture on the light table, at two zooms."""
    across, down, scale = request.param
    context = browser.new_context(viewport={"width": across, "height": down}, device_scale_factor=scale)
    page = context.new_page()
    page.goto(studio.url)
    page.set_input_files("#image-file", {"name": "grey.png", "mimeType": "image/png", "buffer": _picture()})
    page.wait_for_selector("#mask-canvas")
    page.locator("#mask-canvas").scroll_into_view_if_needed()
    page.fill("#prompt", "a red fish")
    yield page
    context.close()


def _picture() -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (WIDTH, HEIGHT), (90, 120, 150)).save(out, "png")
    return out.getvalue()


def paint(page: Page, points: Sequence[tuple[int, int]]) -> Stroke:
    """Draw with the mouse, a straight line from point to point, CSS pixels from the canvas's corner as shown.

    Answers where that was in the picture: zoom and scroll position are what they are at this moment.
    """
    canvas = page.locator("#mask-canvas")
    canvas.evaluate("canvas => canvas.scrollIntoView({block: 'center'})")  # typing the prompt scrolled up to it
    box = canvas.bounding_box()
    assert box is not None
    left, top = round(box["x"]), round(box["y"])
    x, y = points[0]
    page.mouse.move(left + x, top + y)
    page.mouse.down()
    for x, y in points[1:]:
        page.mouse.move(left + x, top + y)
    page.mouse.up()
    shift, zoom = (left - box["x"], top - box["y"]), round(box["width"] / WIDTH, 3)  # tenths of a percent
    return (np.array(points) + shift) / zoom


def covered(stroke: Stroke, size: int) -> NDArray[np.bool_]:
    """Pixels whose centre is within half the brush's size of the line, computed from the geometry alone."""
    centres = np.stack(np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5), axis=-1)  # (H, W, 2)
    distance = np.full((HEIGHT, WIDTH), np.inf)
    for a, b in zip(stroke, stroke[1:] if len(stroke) > 1 else stroke, strict=False):
        length2 = float((b - a) @ (b - a))
        along = np.clip((centres - a) @ (b - a) / length2, 0, 1) if length2 else np.zeros((HEIGHT, WIDTH))
        nearest = a + along[..., None] * (b - a)
        distance = np.minimum(distance, np.linalg.norm(centres - nearest, axis=-1))
    assert np.abs(distance - size / 2).min() > 1e-9, "a pixel on the very edge would make the test a coin toss"
    return np.asarray(distance <= size / 2)


def choose_size(page: Page, size: int) -> None:
    page.locator("#brush-size").fill(str(size))


def sent_mask(page: Page, studio: "Studio") -> NDArray[np.uint8]:
    """Press Generate, and look at the mask that the job names."""
    page.click("#generate")
    job = studio.next_job()
    assert isinstance(job.request, Inpaint)
    studio.store.cancel(job.id)  # the queue is small
    return mask_of(job.request, studio)


def mask_of(request: Inpaint, studio: "Studio") -> NDArray[np.uint8]:
    assert request.mask is not None
    pixels = studio.pixels(request.mask)
    return pixels if pixels.ndim == 2 else pixels[..., 0]


def white(covers: NDArray[np.bool_]) -> NDArray[np.uint8]:
    return np.where(covers, 255, 0).astype(np.uint8)


def test_a_stroke(table: Page, studio: "Studio") -> None:
    choose_size(table, 21)
    expected = covered(paint(table, [(41, 33), (187, 61), (140, 113)]), 21)
    assert 1200 < expected.sum() < 12000
    np.testing.assert_array_equal(sent_mask(table, studio), white(expected))


def test_a_dot_and_strokes_over_the_edge(table: Page, studio: "Studio") -> None:
    choose_size(table, 17)
    dot = covered(paint(table, [(150, 51)]), 17)
    out = covered(paint(table, [(23, 101), (-37, 93)]), 17)
    np.testing.assert_array_equal(sent_mask(table, studio), white(dot | out))


def test_eraser_undo_and_redo(table: Page, studio: "Studio") -> None:
    choose_size(table, 30)
    first = covered(paint(table, [(31, 41), (171, 47)]), 30)
    second = covered(paint(table, [(91, 23), (99, 117)]), 30)
    table.click("#eraser")
    choose_size(table, 13)
    hole = covered(paint(table, [(63, 37), (133, 53)]), 13)
    without = (first | second) & ~hole
    np.testing.assert_array_equal(sent_mask(table, studio), white(without))
    table.click("#undo")
    np.testing.assert_array_equal(sent_mask(table, studio), white(first | second))
    table.keyboard.press("Control+z")
    np.testing.assert_array_equal(sent_mask(table, studio), white(first))
    table.click("#redo")
    table.click("#redo")
    np.testing.assert_array_equal(sent_mask(table, studio), white(without))


def test_clear_can_be_undone_and_an_empty_mask_is_no_mask(table: Page, studio: "Studio") -> None:
    choose_size(table, 24)
    stroke = covered(paint(table, [(51, 43), (161, 97)]), 24)
    table.click("#clear-mask")
    table.click("#generate")
    assert studio.next_job().kind == "img2img"
    table.click("#undo")
    np.testing.assert_array_equal(sent_mask(table, studio), white(stroke))


def test_a_picture_grows_with_paint_and_without(table: Page, studio: "Studio") -> None:
    table.click("#picture-more summary")
    table.fill('[id="extend.left"]', "64")
    table.fill('[id="extend.bottom"]', "24")
    # 200 x 136 and the borders, as multiples of 8
    assert [table.get_attribute(f"#{side}", "placeholder") for side in ("width", "height")] == ["264", "160"]
    table.click("#generate")
    job = studio.next_job()
    studio.store.cancel(job.id)
    assert isinstance(job.request, Inpaint)
    assert (job.request.extend, job.request.mask) == (Extend(left=64, bottom=24), None)
    assert (job.request.width, job.request.height, job.request.strength) == (264, 160, 1.0)
    assert (job.request.soft, job.request.colour_match) == (False, False)
    table.check("#soft")
    table.check("#colour_match")
    choose_size(table, 20)
    stroke = covered(paint(table, [(41, 33), (101, 61)]), 20)
    table.click("#generate")
    job = studio.next_job()
    assert isinstance(job.request, Inpaint)
    assert job.request.extend == Extend(left=64, bottom=24)
    assert (job.request.soft, job.request.colour_match) == (True, True)
    np.testing.assert_array_equal(mask_of(job.request, studio), white(stroke))


def test_painting_with_the_keyboard(table: Page, studio: "Studio") -> None:
    choose_size(table, 16)
    table.focus("#mask-canvas")
    for _ in range(3):
        table.keyboard.press("ArrowRight")  # a quarter of the brush each: 4 pixels
    table.keyboard.down(" ")
    for _ in range(5):
        table.keyboard.press("ArrowDown")
    table.keyboard.up(" ")
    mask = sent_mask(table, studio)
    rows, columns = np.nonzero(mask)
    # From the middle (100, 68) 12 to the right, then 20 down, with a brush of radius 8.
    assert (columns.min(), columns.max() + 1) == (104, 120)
    assert (rows.min(), rows.max() + 1) == (60, 96)

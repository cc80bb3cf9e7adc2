"""The canvas in Chromium, worked by mouse, pen and fingers in the picture's own coordinates."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from tests.web.conftest import Studio

Point = tuple[float, float]  # x and y in the picture, pixels


def noise(width: int, height: int, seed: int = 0) -> NDArray[np.uint8]:
    """A picture of which every pixel is another: (height, width, 3)."""
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def put(page: Page, pixels: NDArray[np.uint8]) -> None:
    """A picture on the canvas."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "png")
    page.set_input_files("#image-file", {"name": "start.png", "mimeType": "image/png", "buffer": out.getvalue()})
    expect(page.locator("#input-picture")).to_have_js_property("naturalWidth", pixels.shape[1])


def settle(page: Page) -> None:
    """What was asked of the canvas stands on the page, and the window in view."""
    page.locator("#stage").evaluate("stage => stage.scrollIntoView({block: 'center'})")
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


class Hand:
    """A pointer over the canvas. `box`: of the picture as it is shown, CSS pixels."""

    def __init__(self, page: Page) -> None:
        self.page = page

    def place(self, *, zoom: float | None = None) -> tuple[float, float, float]:
        """Where the picture's corner is, and how large a pixel."""
        settle(self.page)
        box = self.page.locator("#mask-canvas").bounding_box()
        assert box is not None
        width = self.page.locator("#input-picture").evaluate("picture => picture.naturalWidth")
        shown = round(box["width"] / width, 3)  # zooms are tenths of a percent
        assert zoom is None or shown == zoom, shown
        return box["x"], box["y"], shown

    def screen(self, points: Sequence[Point]) -> list[Point]:
        left, top, zoom = self.place()
        return [(left + x * zoom, top + y * zoom) for x, y in points]

    def draw(self, points: Sequence[Point], *, whole: bool = False) -> None:
        """With the left button, from point to point. whole: to whole CSS pixels, as a mouse has them."""
        places = self.screen(points)
        first, *rest = [(round(x), round(y)) for x, y in places] if whole else places
        self.page.mouse.move(*first)
        self.page.mouse.down()
        for point in rest:
            self.page.mouse.move(*point)
        self.page.mouse.up()

    def zoom_to(self, percent: int, about: Point) -> None:
        """With Ctrl and the wheel over a point of the window, in as many turns as it takes."""
        self.page.mouse.move(*about)
        self.page.keyboard.down("Control")
        for _ in range(80):
            _, _, zoom = self.place()
            wanted = np.log(percent / 100 / zoom)
            if abs(wanted) < 5e-4:
                break
            self.page.mouse.wheel(0, float(np.clip(-wanted * 100, -25, 25)))
            settle(self.page)
        self.page.keyboard.up("Control")
        self.place(zoom=percent / 100)


def submitted(page: Page, studio: "Studio") -> Any:
    """Press Generate; the request that came. The job is cancelled: the queue is small."""
    page.click("#generate")
    job = studio.next_job()
    studio.store.cancel(job.id)
    return job.request


def mask_of(request: Any, studio: "Studio") -> NDArray[np.uint8]:
    """The mask that was sent, (H, W)."""
    pixels = studio.pixels(request.mask)
    return pixels if pixels.ndim == 2 else pixels[..., 0]

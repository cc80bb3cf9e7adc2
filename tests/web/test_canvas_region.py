"""What the page shows as "will be redrawn" is the box that the worker then works on, to the pixel."""

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image, ImageFilter
from playwright.sync_api import Page, expect

from contract.requests import Extend, Inpaint
from tests.web.canvas import Hand, mask_of, noise, put, submitted
from worker.inpainting import lay_out

if TYPE_CHECKING:
    from tests.web.conftest import Studio

pytestmark = pytest.mark.browser

ID = f"img_{'a' * 26}"
CASES: list[dict[str, Any]] = [
    {},
    {"mask_blur": 0, "padding": 0},
    {"mask_blur": 17, "padding": 8},
    {"width": 192, "height": 64},
    {"invert_mask": True, "mask_blur": 2},
    {"extend": {"left": 64}, "padding": 5},
    {"extend": {"right": 24, "bottom": 8}, "mask_blur": 6},
]


def show(page: Page, case: dict[str, Any]) -> None:
    """Fill the form."""
    fields: dict[str, Any] = {"mask_blur": 4, "padding": 32, "width": "", "height": ""}
    fields |= {f"extend.{side}": 0 for side in Extend.model_fields}
    fields |= {name: value for name, value in case.items() if name not in ("extend", "invert_mask")}
    fields |= {f"extend.{side}": value for side, value in case.get("extend", {}).items()}
    for name, value in fields.items():
        page.locator(f"[id='{name}']").fill(str(value))
    page.locator("#invert_mask").set_checked(case.get("invert_mask", False))


def test_the_region_is_the_workers(page: Page, studio: "Studio") -> None:
    put(page, noise(301, 203))
    page.fill("#prompt", "a fish")
    page.locator("#brush-size").fill("9")
    hand = Hand(page)
    hand.draw([(120, 60), (150, 90)])
    hand.draw([(40, 150)])
    page.click("#picture-more summary")
    page.select_option("#area", "masked")
    expect(page.locator("#width")).to_have_attribute("placeholder", "128")  # the model's own, as the api has it
    mask = Image.fromarray(mask_of(submitted(page, studio), studio))
    original = Image.fromarray(noise(301, 203))
    seen = set()
    for case in CASES:
        show(page, case)
        size = (case.get("width", 128), case.get("height", 128))
        fields = {**case, "width": size[0], "height": size[1]}
        request = Inpaint(prompt="a fish", image=ID, mask=ID, area="masked", **fields)
        box = " ".join(map(str, lay_out(request, original, mask, size).box))
        expect(page.locator("#mark-region"), json.dumps(case)).to_have_attribute("data-box", box)
        seen.add(box)
    assert len(seen) >= 5
    page.select_option("#area", "whole")
    expect(page.locator("#mark-region")).to_have_attribute("data-box", "")


def test_blurring_is_pillows_to_the_byte(page: Page) -> None:
    """The region's arithmetic stands on it, and so does Feather."""
    greys = np.random.default_rng(4).choice([0, 0, 0, 255, 90], (61, 83)).astype(np.uint8)
    code = """async ([pixels, width, height, radius]) => {
        const { blurred, now } = await import("/static/js/canvas/filters.js");
        return [...now(blurred({ pixels: Uint8Array.from(pixels), width, height }, radius))];
    }"""
    for radius in (1, 2, 4, 7, 16, 31, 64):
        got = page.evaluate(code, [greys.ravel().tolist(), 83, 61, radius])
        expected = np.asarray(Image.fromarray(greys).filter(ImageFilter.GaussianBlur(radius)))
        np.testing.assert_array_equal(np.reshape(got, (61, 83)), expected, str(radius))

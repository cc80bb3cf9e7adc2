"""The whole system through the page, in Chromium: type, paint with the mouse, reload, cancel."""

import io
import os
import re
from collections.abc import Iterator
from pathlib import Path

import httpx2
import numpy as np
import pytest
from PIL import Image
from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, Request, expect

from tests.chromium import running_chromium
from tests.e2e.stack import ROOT, Stack

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]

LONG = 120_000  # milliseconds: a job on two shared cores


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with running_chromium() as chromium:
        yield chromium


@pytest.fixture
def page(browser: Browser, stack: Stack) -> Iterator[Page]:
    """The page, opened by somebody new. Fails on any error in its console and on any request to elsewhere."""
    complaints: list[str] = []

    def hear(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(message.text)

    def see(request: Request) -> None:
        if not request.url.startswith((stack.url, "blob:", "data:")):
            complaints.append(request.url)

    page = browser.new_page(viewport={"width": 1280, "height": 900}, color_scheme="dark")
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", hear)
    page.on("request", see)
    page.goto(stack.url)
    yield page
    page.close()
    assert complaints == []


def fill(page: Page, **fields: str) -> None:
    """Fill form fields, opening the folded settings first."""
    toggle = page.locator("#settings-toggle")
    if toggle.is_visible() and toggle.get_attribute("aria-expanded") == "false":
        toggle.click()
    for name, value in fields.items():
        page.locator(f"#{name}").fill(value)


def generate(page: Page) -> Locator:
    """Press Generate; the new job's card."""
    with page.expect_response(lambda response: response.request.method == "POST" and response.status == 202) as answer:
        page.locator("#generate").click()
    return page.locator(f"[data-job-id='{answer.value.json()['id']}']")


def picture(card: Locator, stack: Stack) -> "np.ndarray[tuple[int, int, int], np.dtype[np.uint8]]":
    """The pixels of a card's finished picture, as the server has them."""
    image = card.locator(".result img[data-image-id]").first
    expect(image).to_be_visible(timeout=LONG)
    data = httpx2.get(f"{stack.url}/api/v1/images/{image.get_attribute('data-image-id')}").content
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def test_a_prompt_develops_into_a_picture(page: Page, stack: Stack) -> None:
    fill(page, prompt="a black cat on a beach at sunset", steps="30", seed="0", guidance="4")
    card = generate(page)
    expect(card).to_have_attribute("data-state", re.compile("queued|running"))
    assert picture(card, stack).shape == (128, 128, 3)
    expect(card).to_have_attribute("data-state", "succeeded")
    expect(card.locator(".result img[data-image-id]")).to_have_js_property("naturalWidth", 128)
    if os.environ.get("SCREENSHOT"):  # `make screenshot`: the README shows it
        page.locator(".panel-body").evaluate("panel => panel.scrollTo(0, 0)")
        page.screenshot(path=ROOT / os.environ["SCREENSHOT"])


def test_a_mask_painted_with_the_mouse_is_repainted_and_nothing_else(page: Page, stack: Stack, tmp_path: Path) -> None:
    original = np.random.default_rng(2).integers(0, 256, (128, 128, 3), dtype=np.uint8)
    Image.fromarray(original).save(tmp_path / "noise.png")
    page.locator("#image-file").set_input_files(tmp_path / "noise.png")
    canvas = page.locator("#mask-canvas")
    expect(canvas).to_be_visible()
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.4, box["y"] + box["height"] * 0.5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + box["height"] * 0.5, steps=8)
    page.mouse.up()
    fill(page, prompt="a red flower", steps="6", seed="1")
    got = picture(generate(page), stack)
    changed = (got != original).any(axis=2)
    assert changed[60:68, 52:76].mean() > 0.95  # the stroke's middle
    assert not changed[:16].any()
    assert not changed[-16:].any()
    assert not changed[:, :8].any()


def test_a_reload_finds_the_running_job_again_and_cancel_ends_it(page: Page, stack: Stack) -> None:
    fill(page, prompt="a blue bird", steps="900", seed="4")
    card = generate(page)
    expect(card).to_have_attribute("data-state", "running", timeout=LONG)
    job_id = card.get_attribute("data-job-id")
    page.reload()
    again = page.locator(f"[data-job-id='{job_id}']")
    expect(again).to_have_attribute("data-state", "running", timeout=LONG)
    page.locator("#cancel").click()
    expect(again).to_have_attribute("data-state", "cancelled", timeout=LONG)
    assert stack.job(str(job_id))["state"] == "cancelled"


def test_a_wrong_value_is_told_beside_its_field(page: Page) -> None:
    fill(page, prompt="x", width="100")
    page.locator("#generate").click()
    expect(page.locator("#width-error")).to_be_visible()
    expect(page.locator("#width")).to_have_attribute("aria-invalid", "true")


@pytest.mark.parametrize("width", [1280, 390])
def test_nothing_reaches_over_the_edge(page: Page, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= width

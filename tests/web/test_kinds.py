"""Grids and enlargements on the page: their pictures are shown, and what was asked for is told."""

import json
from typing import TYPE_CHECKING, Any
from urllib.request import Request, urlopen

import numpy as np
import pytest
from numpy.typing import NDArray
from playwright.sync_api import Page, expect

from tests.api.kit import png

if TYPE_CHECKING:
    from tests.web.conftest import Studio

pytestmark = pytest.mark.browser


def send(studio: "Studio", path: str, data: bytes, content_type: str) -> Any:
    with urlopen(Request(f"{studio.url}/api/v1/{path}", data, {"Content-Type": content_type})) as answer:
        return json.load(answer)


def submit(studio: "Studio", **body: Any) -> None:
    send(studio, "jobs", json.dumps(body).encode(), "application/json")


def colour(width: int, height: int, value: int) -> NDArray[np.uint8]:
    return np.full((height, width, 3), value, np.uint8)


def test_a_grid_shows_its_cells_and_the_whole_first(page: Page, studio: "Studio") -> None:
    axes = {"x": {"field": "steps", "values": "2, 4"}, "y": {"field": "guidance", "values": "1-7 [2]"}}
    submit(studio, kind="grid", base={"kind": "txt2img", "prompt": "a red fox", "seed": 5}, **axes)
    page.reload()
    claim = studio.claim(studio.next_job())
    expect(page.locator(".job .asked")).to_have_text("a red fox")
    expect(page.locator(".frame")).to_have_count(5)
    facts = page.locator(".job .facts li")
    expect(facts.nth(0)).to_have_text("Grid")
    expect(facts.nth(1)).to_have_text("Steps: 2, 4")
    expect(facts.nth(2)).to_have_text("Guidance: 1, 7")
    for number in range(4):
        studio.picture(claim, number, colour(128, 128, 50 * number))
    studio.step(claim, 9)
    expect(page.locator(".job .standing")).to_contain_text("4 of 5 done")
    whole = studio.picture(claim, 4, colour(400, 300, 255), "grid")
    studio.finish(claim)
    expect(page.locator(".result img")).to_have_count(5)
    first = page.locator(".frame").first
    expect(first.locator("img")).to_have_attribute("data-image-id", whole)
    expect(first.locator(".seed")).to_have_text("all cells")
    captions = [frame.text_content() for frame in page.locator(".frame .seed").all()]
    assert sorted(map(str, captions)) == ["2 · 1", "2 · 7", "4 · 1", "4 · 7", "all cells"]
    expect(page.locator(".job .standing")).to_contain_text("5 pictures")
    expect(page.get_by_role("button", name="Same settings")).to_have_count(0)
    first.locator(".enlarge").click()
    expect(page.locator("#viewer img")).to_have_attribute("alt", "a red fox, all cells")


def test_an_enlargement_shows_its_picture(page: Page, studio: "Studio") -> None:
    image = send(studio, "images", png(colour(40, 20, 9)), "image/png")["id"]
    submit(studio, kind="upscale", image=image, method="lanczos")
    submit(studio, kind="upscale", image=image, prompt="a red fox", seed=7)
    page.reload()
    expect(page.locator(".job")).to_have_count(2)
    plain = studio.next_job()
    page.locator(f"[data-job-id={plain.id}]").scroll_into_view_if_needed()
    expect(page.locator(f"[data-job-id={plain.id}] .facts li")).to_have_text(["Enlarged", "2 times", "without a model"])
    assert studio.store.cancel(plain.id)  # which of two models' lines is served first, nobody says
    redrawn = studio.next_job()
    assert redrawn.request.prompt == "a red fox"
    claim = studio.claim(redrawn)
    made = studio.picture(claim, 0, colour(80, 40, 90))
    studio.finish(claim)
    shown = page.locator(f"[data-job-id={redrawn.id}]")
    expect(shown.locator(".result img")).to_have_attribute("data-image-id", made)
    expect(shown.locator(".facts li").nth(2)).to_have_text("20 steps")
    expect(shown.locator(".seed")).to_have_text("seed 7")

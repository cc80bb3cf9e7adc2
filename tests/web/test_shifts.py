"""Nothing on the page jumps while a picture develops and when it is there: Chromium counts no shift at all."""

from typing import Any

import pytest
from playwright.sync_api import Browser, expect

from tests.web.conftest import PATIENCE, Studio
from tests.web.test_browser import colour, generate, jpeg

pytestmark = pytest.mark.browser

# Every shift with what moved, those right after a click or a key included.
WATCH = """(window.shifts = []) && new PerformanceObserver((list) => {
  for (const { value, sources } of list.getEntries()) {
    window.shifts.push([value, ...sources.map(({ node }) => node?.id || node?.className || node?.nodeName)]);
  }
}).observe({ type: "layout-shift" })"""
TWO_FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.mark.parametrize("pictures", [1, 3])
@pytest.mark.parametrize("width", [1280, 360])
def test_a_picture_that_arrives_moves_nothing(browser: Browser, studio: Studio, width: int, pictures: int) -> None:
    """From the worker's first step to the finished job, an older one below it."""
    context = browser.new_context(viewport={"width": width, "height": 844})
    page = context.new_page()
    page.goto(studio.url, timeout=4 * PATIENCE)
    page.wait_for_selector("#width[placeholder='128']", state="attached")
    generate(page, "the older one")
    older = studio.claim(studio.next_job())
    studio.picture(older, 0, colour(40, 60, 120))
    studio.finish(older)
    expect(page.locator(".result .enlarge img")).to_be_visible()
    page.locator("#count").evaluate(f"field => (field.value = '{pictures}')")  # a phone folds it away
    generate(page, "a black cat on a beach at sunset, a red boat on the sea behind it")
    job = studio.next_job()
    expect(page.locator(".job")).to_have_count(2)
    page.wait_for_timeout(500)  # until the older one has made room
    page.locator(".job").first.scroll_into_view_if_needed()
    page.evaluate(WATCH)
    claim = studio.claim(job)
    for step in (3, 15):
        studio.step(claim, step, jpeg(colour(90, 40, 40)))
        expect(page.locator(".job .standing").first).to_contain_text(f"Step {step}")
    for index in range(pictures):
        studio.picture(claim, index, colour(200, 60, 20 + index))
        expect(page.locator(".job").first.locator(".developed")).to_have_count(index + 1)
    studio.finish(claim)
    expect(page.locator(".job").first).to_have_attribute("data-state", "succeeded")
    expect(page.locator(".preview")).to_have_count(0)  # it goes when the picture has come through
    expect(page.locator("#service")).to_have_text("Ready")
    page.evaluate(TWO_FRAMES)
    shifts: Any = page.evaluate("window.shifts")
    context.close()
    assert shifts == []

"""Two tabs of one browser show the same, and one that nobody sees asks less."""

import pytest
from playwright.sync_api import Page, expect

from tests.api.kit import emptied
from tests.web.conftest import Studio
from tests.web.test_browser import colour, generate

pytestmark = pytest.mark.browser


def test_two_tabs_agree(page: Page, studio: Studio) -> None:
    other = page.context.new_page()
    other.goto(studio.url)
    other.wait_for_selector("#width[placeholder='128']")
    expect(other.locator("#empty")).to_be_visible()
    page.bring_to_front()
    page.fill("#count", "2")
    generate(page, "a tree")
    claim = studio.claim(studio.next_job())
    other.bring_to_front()
    expect(other.locator(".job .asked")).to_have_text("a tree")
    for number in range(2):
        studio.picture(claim, number, colour(0, 90 * number, 0))
    studio.finish(claim)
    expect(other.locator(".result img")).to_have_count(2)
    other.locator(".frame .enlarge").first.focus()
    other.keyboard.press("k")
    expect(other.locator(".counts")).to_have_text("1 kept · 0 discarded · 1 open")
    other.keyboard.press("ArrowRight")
    other.keyboard.press("d")
    expect(other.locator(".counts")).to_have_text("1 kept · 1 discarded · 0 open")
    page.bring_to_front()
    expect(page.locator(".result img")).to_have_count(1)
    page.get_by_title("Delete job").click()
    page.get_by_title("Delete job? Press again to do it").click()
    expect(page.locator(".job")).to_have_count(0)
    other.bring_to_front()
    expect(other.locator(".job")).to_have_count(0)


def test_a_tab_that_nobody_sees_asks_less(page: Page, studio: Studio) -> None:
    generate(page, "a tree")
    claim = studio.claim(studio.next_job())
    studio.step(claim, 2)
    expect(page.locator("#progress-text")).to_contain_text("Step 2 of 20")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.evaluate(
        "Object.defineProperty(document, 'hidden', { value: true, configurable: true });"
        "document.dispatchEvent(new Event('visibilitychange'))"
    )
    page.wait_for_timeout(6000)  # what was under way is over
    asked.clear()
    page.wait_for_timeout(12_000)
    assert len(asked) <= 4, asked  # seen, it would be some 40
    page.evaluate("delete document.hidden; document.dispatchEvent(new Event('visibilitychange'))")
    studio.picture(claim, 0, colour(0, 90, 0))
    studio.finish(claim)
    expect(page.locator(".result img")).to_be_visible()


def test_a_favourite_and_a_deletion_are_known_in_the_other_tab_at_once(page: Page, studio: Studio) -> None:
    emptied(studio.library)  # of what other tests made
    page.fill("#count", "2")
    generate(page, "a tree")
    claim = studio.claim(studio.next_job())
    ids = [studio.picture(claim, number, colour(0, 90 * number, 0)) for number in range(2)]
    studio.finish(claim)
    expect(page.locator(".result img")).to_have_count(2)
    library = page.context.new_page()
    library.goto(f"{studio.url}/library/{ids[0]}")
    favourite = library.locator("#sheet-favourite")
    expect(favourite).to_have_attribute("aria-pressed", "false")
    page.locator(".frame .enlarge").first.focus()
    page.keyboard.press("k")
    expect(favourite).to_have_attribute("aria-pressed", "true")
    favourite.click()
    expect(page.locator(".counts")).to_have_text("0 kept · 0 discarded · 2 open")
    library.get_by_title("Back to the library (Esc)").click()
    cells = library.locator(".cell")
    expect(cells).to_have_count(2)
    library.locator(f"#cell-{ids[1]}").hover()
    library.locator(f"#cell-{ids[1]} .tick").click()
    library.locator("#choose-delete").click()
    expect(page.locator(".result img")).to_have_count(1)
    library.get_by_role("button", name="Undo").click()
    expect(page.locator(".result img")).to_have_count(2)
    page.locator(".frame .enlarge").first.focus()
    page.keyboard.press("d")
    expect(cells).to_have_count(1)
    library.keyboard.press("Escape")

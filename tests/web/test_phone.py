"""The studio on a telephone: nothing is wider than its screen, and a reload does not jump."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.web.conftest import Studio
from tests.web.test_browser import colour, generate

pytestmark = pytest.mark.browser


@pytest.fixture
def phone(browser: Browser, studio: Studio) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 360, "height": 780}, has_touch=True, reduced_motion="reduce")
    page = context.new_page()
    page.goto(studio.url)
    page.wait_for_selector("#width[placeholder='128']", state="attached")
    yield page
    context.close()


def test_many_pictures_are_chosen_with_a_thumb(phone: Page, studio: Studio) -> None:
    phone.tap("#settings-toggle")
    phone.fill("#count", "3")
    generate(phone, "a tree with a very long name that says everything there is to say of trees")
    claim = studio.claim(studio.next_job())
    for number in range(3):
        studio.picture(claim, number, colour(0, 60 * number, 0))
    studio.finish(claim)
    expect(phone.locator(".result img")).to_have_count(3)
    phone.locator(".frame .enlarge").nth(1).tap()
    boxes = phone.locator("#viewer-foot :is(button, a)").evaluate_all(
        "(all) => all.map((each) => each.getBoundingClientRect())"
        ".map(({left, right, width, height}) => [left, right, width, height])"
    )
    assert len(boxes) == 9
    for left, right, width, height in boxes:
        assert (left >= 0, right <= 360, width >= 44, height >= 44) == (True, True, True, True), boxes
    phone.locator("#viewer").get_by_label("Discard").tap()
    expect(phone.locator("#viewer-told")).to_have_text("0 kept · 1 discarded · 2 open")


def test_what_is_set_more_rarely_opens_under_its_name(phone: Page) -> None:
    phone.tap("#settings-toggle")
    for name in ("hires", "variation", "guidance", "sampling", "compare", "queue"):
        settings = phone.locator(f"#{name}-more")
        settings.locator("summary").first.tap()
        expect(settings).to_have_attribute("open", "")
        expect(settings.locator(":is(input, select):visible").first).to_be_visible()


def test_a_canvas_that_comes_back_does_not_take_the_screen(phone: Page, studio: Studio) -> None:
    generate(phone, "a tree")
    claim = studio.claim(studio.next_job())
    studio.picture(claim, 0, colour(0, 90, 0))
    studio.finish(claim)
    phone.get_by_role("button", name="Use as input").tap()
    expect(phone.locator("#editor")).to_be_in_viewport()  # asked for, it is shown
    phone.evaluate("window.scrollTo(0, 0)")
    phone.wait_for_timeout(1200)  # it is kept when nothing has changed for 800 ms
    phone.reload()
    expect(phone.locator("#editor")).to_be_visible()
    phone.wait_for_timeout(300)
    assert phone.evaluate("window.scrollY") == 0


def test_the_keys_are_in_the_help_of_a_small_window_too(phone: Page) -> None:
    phone.keyboard.press("?")
    expect(phone.locator("#help kbd").first).to_be_visible()


@pytest.mark.parametrize(("width", "language"), [(360, "en"), (360, "ja"), (570, "ja")])
def test_help_and_the_rest_are_reached_on_a_telephone(
    browser: Browser, studio: Studio, width: int, language: str
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 780}, has_touch=True, locale=language)
    page = context.new_page()
    for address in ("/", "/queue", "/library", "/settings"):
        page.goto(f"{studio.url}{address}")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), address
    more, help_button = page.locator("#more-button"), page.locator("#help-button")
    if width == 360:
        expect(help_button).to_be_hidden()
        more.tap()
        expect(page.locator("#hold-queue")).to_be_visible()
    for item in (more, help_button, page.locator("#more a[href='/settings']")):
        box = item.bounding_box()
        assert box is None or min(box["width"], box["height"]) >= 44
        assert box is None or box["x"] + box["width"] <= width
    help_button.tap()
    expect(page.locator("#help")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator("#help")).to_be_hidden()
    expect(more if width == 360 else help_button).to_be_focused()
    context.close()

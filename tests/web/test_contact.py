"""Many pictures at once: a contact sheet from which some are kept and the rest goes."""

import pytest
from playwright.sync_api import Page, expect

from tests.web.conftest import Studio
from tests.web.test_browser import colour, generate

pytestmark = pytest.mark.browser


def developed(page: Page, studio: Studio, count: int) -> list[str]:
    """A finished job of so many pictures; their ids."""
    page.fill("#count", str(count))
    generate(page, "a tree")
    claim = studio.claim(studio.next_job())
    ids = [studio.picture(claim, number, colour(0, 20 * number, 0)) for number in range(count)]
    studio.finish(claim)
    expect(page.locator(".result img")).to_have_count(count)
    return ids


def favourites(studio: Studio, ids: list[str]) -> list[bool | None]:
    """Whether each is a favourite; None where it is gone."""
    kept = [studio.library.get(each) for each in ids]
    return [each.favourite if each else None for each in kept]


def test_pictures_are_kept_and_discarded_by_keys_and_the_rest_goes(page: Page, studio: Studio) -> None:
    ids = developed(page, studio, 6)
    counts = page.locator(".counts")
    expect(counts).to_have_text("0 kept · 0 discarded · 6 open")
    rest = page.locator(".choosing").get_by_title("Discard the rest")
    expect(rest).to_be_disabled()
    frames = page.locator(".frame")
    frames.nth(0).locator(".enlarge").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("k")
    expect(frames.nth(1).get_by_label("Keep")).to_have_attribute("aria-pressed", "true")
    expect(page.locator("#announce")).to_have_text("1 kept · 0 discarded · 5 open")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("d")
    expect(frames.nth(2)).to_have_class("frame discarded")
    expect(frames.nth(3).locator(".enlarge")).to_be_focused()  # it goes on
    page.keyboard.press("Control+z")
    expect(counts).to_have_text("1 kept · 0 discarded · 5 open")
    frames.nth(4).hover()
    frames.nth(4).get_by_label("Keep").click()
    expect(counts).to_have_text("2 kept · 0 discarded · 4 open")
    before = page.locator(".frames").bounding_box()
    rest.click()
    expect(counts).to_have_text("2 kept · 0 discarded · 4 open")  # asked once more
    rest.click()
    expect(counts).to_have_text("2 kept · 4 discarded · 0 open")
    assert page.locator(".frames").bounding_box() == before  # nothing moved under the hand
    assert favourites(studio, ids) == [None, True, None, None, True, None]
    page.get_by_role("button", name="Bring back").click()
    expect(counts).to_have_text("2 kept · 0 discarded · 4 open")
    expect(page.locator(".result img")).to_have_count(6)
    assert favourites(studio, ids) == [False, True, False, False, True, False]
    page.reload()
    expect(counts).to_have_text("2 kept · 0 discarded · 4 open")


def test_the_arrow_keys_go_up_and_down_and_enter_opens(page: Page, studio: Studio) -> None:
    ids = developed(page, studio, 9)
    tops = page.locator(".frame").evaluate_all("(all) => all.map((each) => each.offsetTop)")
    across = tops.count(tops[0])
    assert 1 < across < 9
    page.locator(".frame .enlarge").first.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".frame .enlarge").nth(across + 1)).to_be_focused()
    page.keyboard.press("ArrowUp")
    expect(page.locator(".frame .enlarge").nth(1)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#viewer img")).to_have_attribute("src", f"/api/v1/images/{ids[1]}")


def test_pictures_are_kept_and_discarded_in_the_large_view_too(page: Page, studio: Studio) -> None:
    ids = developed(page, studio, 4)
    viewer, told = page.locator("#viewer"), page.locator("#viewer-told")
    large = viewer.locator("img")
    page.locator(".frame .enlarge").nth(1).click()
    page.keyboard.press("k")
    expect(told).to_have_text("1 kept · 0 discarded · 3 open")
    expect(viewer.get_by_label("Keep")).to_have_attribute("aria-pressed", "true")
    for key in ("ArrowRight", "ArrowRight"):  # each draws the foot anew, and the next one is heard all the same
        page.keyboard.press(key)
    expect(large).to_have_attribute("src", f"/api/v1/images/{ids[3]}")
    page.keyboard.press("d")  # the last one: the one before it follows
    expect(told).to_have_text("1 kept · 1 discarded · 2 open")
    expect(large).to_have_attribute("src", f"/api/v1/images/{ids[2]}")
    expect(page.locator("#progress-text")).to_contain_text("3 pictures")
    viewer.get_by_label("Discard").click()
    expect(large).to_have_attribute("src", f"/api/v1/images/{ids[1]}")
    page.keyboard.press("Control+z")
    expect(large).to_have_attribute("src", f"/api/v1/images/{ids[2]}")
    page.keyboard.press("Escape")
    expect(page.locator(".frame .enlarge").nth(2)).to_be_focused()
    expect(page.locator(".counts")).to_have_text("1 kept · 1 discarded · 2 open")
    assert favourites(studio, ids) == [False, True, False, None]


def test_what_is_refused_is_told_on_the_sheet(page: Page, studio: Studio) -> None:
    developed(page, studio, 2)
    page.route("**/api/v1/images/delete", lambda route: route.fulfill(status=500, json={"detail": "The disk is full."}))
    page.locator(".frame .enlarge").first.focus()
    page.keyboard.press("Delete")
    expect(page.locator(".choosing").get_by_role("alert")).to_have_text("The disk is full.")
    expect(page.locator(".result")).to_have_count(2)

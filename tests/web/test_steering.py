"""Steering the queue from the page: pause, change places, try again; and a list that glides where it would jump."""

import re

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from contract.jobs import JobState
from contract.steering import Steering
from tests.web.conftest import PATIENCE, Studio
from tests.web.test_browser import colour, generate

pytestmark = pytest.mark.browser

WATCH = """new PerformanceObserver((list) => {
  window.shifts = (window.shifts ?? []).concat(list.getEntries().map(({ value }) => value));
}).observe({ type: "layout-shift", buffered: true })"""
MOST_SHIFT = 0.1  # of a page all in all, input or not


def card(page: Page, number: int) -> Locator:
    """From the newest, 0."""
    return page.locator(".job").nth(number)


def standing(page: Page, number: int) -> Locator:
    return card(page, number).locator(".standing")


def test_a_job_is_paused_and_resumed_from_the_keyboard(page: Page, studio: Studio) -> None:
    generate(page)
    job = studio.next_job()
    card(page, 0).get_by_role("button", name="Pause").focus()
    page.keyboard.press("Enter")
    expect(standing(page, 0)).to_have_text("Paused")
    expect(page.locator("#announce")).to_have_text("Paused")
    assert studio.store.claim("w", 60) is None
    expect(card(page, 0).get_by_role("button", name="Resume")).to_be_focused()
    page.keyboard.press("Enter")
    expect(standing(page, 0)).to_have_text("Waiting, next in line")
    claim = studio.claim(job)
    studio.step(claim, 2)
    expect(standing(page, 0)).to_contain_text("Step 2 of 20")
    card(page, 0).get_by_role("button", name="Pause").click()
    expect(standing(page, 0)).to_have_text("Pausing")
    studio.store.release(claim)  # as its worker does
    expect(standing(page, 0)).to_have_text("Paused")


def test_a_waiting_job_gets_another_priority_on_its_card(page: Page, studio: Studio) -> None:
    for prompt in ("one", "two"):
        generate(page, prompt)
    first, second = studio.next_job(), studio.next_job()
    choice = card(page, 0).get_by_label("Priority")
    expect(card(page, 0).locator(".chooser")).to_have_text(re.compile("^Normal priority"))
    choice.select_option("high")
    expect(page.locator("#announce")).to_have_text("High priority. Waiting, next in line")
    expect(card(page, 0).locator(".chooser")).to_have_text(re.compile("^High priority"))
    expect(standing(page, 1)).to_have_text("Waiting, 1 job ahead")
    claim = studio.store.claim("w", 60)
    assert claim is not None
    assert claim.job_id == second.id
    expect(choice).to_be_hidden()
    studio.finish(claim)
    expect(standing(page, 1)).to_have_text("Waiting, next in line")
    assert studio.claim(first)


def test_waiting_jobs_change_places(page: Page, studio: Studio) -> None:
    first = card(page, 0).get_by_role("group", name="Place among your waiting jobs")
    generate(page, "one")
    one = studio.next_job()
    expect(card(page, 0).locator(".place")).to_have_css("visibility", "hidden")  # alone it has nobody to pass
    for prompt in ("two", "three"):
        generate(page, prompt)
        studio.next_job()
    expect(standing(page, 0)).to_have_text("Waiting, 2 jobs ahead")
    first.get_by_role("button", name="Sooner").click()
    expect(page.locator("#announce")).to_have_text("Moved. Waiting, 1 job ahead")
    expect(standing(page, 1)).to_have_text("Waiting, 2 jobs ahead")
    first.get_by_role("button", name="Later").click()
    expect(standing(page, 0)).to_have_text("Waiting, 2 jobs ahead")
    first.get_by_role("button", name="First").click()
    expect(standing(page, 0)).to_have_text("Waiting, next in line")
    claim = studio.store.claim("w", 60)
    assert claim
    assert studio.store.work(claim.job_id).request["prompt"] == "three"
    studio.step(claim, 1)
    expect(card(page, 0).locator(".place")).to_have_css("visibility", "hidden")
    expect(standing(page, 2)).to_have_text("Waiting, next in line")
    studio.claim(one)


def test_a_failed_job_is_tried_again_and_a_refusal_is_told_beside_the_button(page: Page, studio: Studio) -> None:
    generate(page, "a cat")
    job = studio.next_job()
    studio.fail(studio.claim(job), "No room.")
    again = page.locator(".job[data-state=failed]").get_by_role("button", name="Try again")
    again.click()
    second = studio.next_job()
    assert second.request == job.request
    expect(card(page, 0)).to_have_attribute("data-job-id", second.id)
    expect(page.locator("#announce")).to_have_text("Trying again. Waiting, next in line")
    for _ in range(2):
        again.click()
        studio.next_job()
    again.click()  # the fixture's queue takes three
    told = page.locator(".job[data-state=failed]").get_by_role("alert")
    expect(told).to_have_text("3 jobs are waiting, which is the most this server takes; try later")
    assert studio.store.counts() == (3, 0)


def test_an_admin_pauses_the_queue(page: Page, studio: Studio) -> None:
    page.get_by_role("button", name="Pause queue").click()
    expect(page.get_by_role("button", name="Resume queue")).to_be_focused()
    assert Steering(studio.store).held()
    expect(page.locator("#service")).to_have_text("Paused")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Pause queue")).to_be_focused()
    assert not Steering(studio.store).held()


@pytest.mark.parametrize("width", [1280, 390])
def test_new_and_ended_jobs_shift_nothing(browser: Browser, studio: Studio, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844})
    page = context.new_page()
    page.goto(studio.url, timeout=4 * PATIENCE)
    page.wait_for_selector("#width[placeholder='128']", state="attached")
    page.evaluate(WATCH)
    generate(page, "one")
    claim = studio.claim(studio.next_job())
    studio.picture(claim, 0, colour(40, 60, 120))
    studio.finish(claim)
    expect(page.locator(".result .enlarge img")).to_be_visible()
    page.wait_for_timeout(1500)  # until it has glided: nobody types the next prompt while it does
    for prompt in ("two", "three"):
        generate(page, prompt)
        studio.next_job()
        expect(card(page, 0).locator(".asked")).to_have_text(prompt)
        page.wait_for_timeout(500)  # until it has glided
    (three, _), _ = studio.store.page(state=JobState.QUEUED, kind=None, before=None, limit=2)
    assert studio.store.cancel(three.id)
    expect(card(page, 0)).to_have_attribute("data-state", "cancelled")
    page.wait_for_timeout(500)
    assert page.evaluate("window.shifts?.reduce((sum, value) => sum + value, 0) ?? 0") < MOST_SHIFT
    context.close()

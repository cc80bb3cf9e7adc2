"""Signing in, in a real browser: the page, the dialog over the studio, and the way out."""

import os
import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from contract.access import Keys, Quota, Scope
from tests.web.conftest import Studio

pytestmark = pytest.mark.browser


@pytest.fixture
def keys(studio: Studio) -> Keys:
    return Keys(studio.store.redis)


@pytest.fixture
def text(keys: Keys) -> str:
    """Alice's key."""
    return keys.add("alice", [Scope.GENERATE, Scope.READ], Quota())[1]


@pytest.fixture
def tab(browser: Browser, text: str) -> Iterator[Page]:
    """A page not yet opened. A script error or a blocked resource fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    tab = context.new_page()
    wrong: list[str] = []
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    yield tab
    context.close()
    assert not wrong


def shot(tab: Page, name: str) -> None:
    if folder := os.environ.get("SCREENSHOTS"):
        tab.screenshot(path=f"{folder}/{name}.png")


def test_the_page_takes_a_key_and_needs_no_script(tab: Page, studio: Studio, text: str) -> None:
    tab.goto(f"{studio.url}/sign-in")
    expect(tab.get_by_label("Key")).to_be_focused()
    shot(tab, "sign-in")
    tab.get_by_label("Key").fill("darkroom_wrong")
    tab.get_by_role("button", name="Open the studio").click()
    expect(tab.get_by_role("alert")).to_contain_text("That is no key of this Darkroom")
    shot(tab, "sign-in-wrong")
    tab.get_by_label("Key").fill(text)
    tab.keyboard.press("Enter")
    expect(tab).to_have_url(f"{studio.url}/")
    expect(tab.get_by_role("button", name="Sign out")).to_be_visible()
    expect(tab.locator("#hold-queue")).to_be_hidden()  # an admin's
    expect(tab.locator("#service")).to_have_text("Ready")
    shot(tab, "signed-in")
    tab.get_by_role("button", name="Sign out").click()
    expect(tab).to_have_url(re.compile("/sign-in$"))
    assert tab.context.cookies() == []


def test_the_studio_asks_for_the_key_and_loses_nothing(tab: Page, studio: Studio, keys: Keys, text: str) -> None:
    tab.goto(studio.url)
    dialog = tab.get_by_role("dialog", name="Sign in")
    expect(dialog).to_be_visible()
    dialog.get_by_label("Key").fill(text)
    dialog.get_by_role("button", name="Open the studio").click()
    expect(dialog).to_be_hidden()
    expect(tab.locator("#service")).to_have_text("Ready")
    tab.get_by_label("Prompt", exact=True).fill("a black cat at night")
    _, new = keys.rotate("alice", grace_seconds=0)  # the session is over in the middle of the work
    tab.evaluate("document.getElementById('form').requestSubmit()")  # a poll may have opened the dialog before
    expect(dialog).to_be_visible()
    shot(tab, "sign-in-dialog")
    dialog.get_by_label("Key").fill("wrong")
    tab.keyboard.press("Enter")
    expect(dialog.get_by_role("alert")).to_contain_text("That is no key")
    dialog.get_by_label("Key").fill(new)
    tab.keyboard.press("Enter")
    job = studio.next_job()
    assert (job.request.prompt, job.owner) == ("a black cat at night", keys.all()[0].id)
    expect(dialog).to_be_hidden()
    expect(tab.get_by_label("Prompt", exact=True)).to_have_value("a black cat at night")

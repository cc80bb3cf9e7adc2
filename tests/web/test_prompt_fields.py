"""The prompt's field: weights marked behind it and changed by keys, chunks, and the prompts used before."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.contract.vocabulary import tokenizer
from tests.web.conftest import Studio
from tests.web.test_browser import colour, generate

pytestmark = pytest.mark.browser

SAME_PLACE = """(id) => {
  const field = document.getElementById(id), behind = document.getElementById(`${id}-marks`);
  const styles = [field, behind].map((each) => getComputedStyle(each));
  const names = ["fontSize", "fontFamily", "lineHeight", "letterSpacing", "paddingLeft", "paddingTop", "overflowWrap"];
  return {
    widths: [field.clientWidth, behind.clientWidth],
    heights: [field.scrollHeight, behind.scrollHeight],
    scrolled: [field.scrollTop, behind.scrollTop],
    styles: names.filter((name) => styles[0][name] !== styles[1][name]),
  };
}"""


def select(page: Page, text: str, field: str = "#prompt") -> None:
    page.locator(field).evaluate(
        "(field, text) => { const at = field.value.indexOf(text); field.focus();"
        " field.setSelectionRange(at, at + text.length); }",
        text,
    )


@pytest.mark.parametrize("field", ["#prompt", "#negative_prompt"])
def test_keys_change_a_weight_and_undo_takes_it_back(page: Page, field: str) -> None:
    prompt = page.locator(field)
    prompt.fill("a red fox")
    select(page, "red", field)
    page.keyboard.press("Control+ArrowUp")
    expect(prompt).to_have_value("a (red:1.1) fox")
    expect(page.locator("#announce")).to_have_text("Weight 1.1")
    page.keyboard.press("Control+ArrowUp")
    expect(prompt).to_have_value("a (red:1.2) fox")
    mark = page.locator(f"{field}-marks .text.more")
    expect(mark).to_have_text("red")
    expect(mark).to_have_css("display", "inline")
    expect(mark).not_to_have_css("background-color", "rgba(0, 0, 0, 0)")
    page.keyboard.press("Control+z")
    expect(prompt).to_have_value("a (red:1.1) fox")
    page.keyboard.press("Control+z")
    expect(prompt).to_have_value("a red fox")
    expect(page.locator(f"{field}-marks span")).to_have_count(0)
    page.keyboard.press("End")
    page.keyboard.press("Control+ArrowDown")
    expect(prompt).to_have_value("a red (fox:0.9)")
    page.keyboard.press("Control+ArrowUp")
    expect(prompt).to_have_value("a red fox")


def test_marks_lie_where_the_words_are(page: Page) -> None:
    page.fill("#prompt", "a (red:1.4) fox AND [cow|horse] " + "(in snow) and (fog:0.7), " * 60 + "\n\n")
    page.locator("#prompt").evaluate("(field) => { field.scrollTop = 90; }")
    expect(page.locator("#prompt-marks .and")).to_have_text("AND")
    expect(page.locator("#prompt-marks")).to_have_js_property("scrollTop", 90)
    found = page.evaluate(SAME_PLACE, "prompt")
    assert found["styles"] == []
    for pair in ("widths", "heights", "scrolled"):
        assert found[pair][0] == pytest.approx(found[pair][1], abs=2), pair
    assert page.locator("#prompt-marks").get_attribute("aria-hidden") == "true"


def test_composing_japanese_is_left_alone(page: Page) -> None:
    page.focus("#prompt")
    client = page.context.new_cdp_session(page)
    client.send("Input.imeSetComposition", {"text": "くろ", "selectionStart": 2, "selectionEnd": 2})
    expect(page.locator("#prompt")).to_have_value("くろ")
    page.locator("#prompt").evaluate(
        "(field) => field.dispatchEvent(new KeyboardEvent('keydown',"
        " { key: 'ArrowUp', ctrlKey: true, isComposing: true, bubbles: true }))"
    )
    expect(page.locator("#prompt")).to_have_value("くろ")
    client.send("Input.insertText", {"text": "黒い"})
    expect(page.locator("#prompt")).to_have_value("黒い")
    page.keyboard.press("Control+ArrowUp")
    expect(page.locator("#prompt")).to_have_value("(黒い:1.1)")


def test_each_chunk_has_a_bar_that_tells_its_words(page: Page, studio: Studio) -> None:
    (model,) = studio.store.models().values()
    studio.store.publish_tokenizer(model, tokenizer().dump)
    page.fill("#prompt", "cat " * 75 + "a cat BREAK a")
    bars = page.locator("#prompt-chunks button")
    expect(bars).to_have_count(3)
    expect(bars.nth(0)).to_have_attribute("aria-label", "Chunk 1 of 3: 75 of 75 tokens")
    bars.nth(1).focus()
    note = page.locator("#prompt-chunk-1")
    expect(note).to_be_visible()
    expect(note).to_contain_text("Chunk 2 of 3: 2 of 75 tokens")
    expect(note.locator("span")).to_have_text("a cat")
    page.keyboard.press("Enter")
    picked = "(field) => field.value.slice(field.selectionStart, field.selectionEnd)"
    assert page.locator("#prompt").evaluate(picked) == "a cat"


def test_prompts_are_remembered_and_found_again(page: Page, studio: Studio) -> None:
    for words in ("one", "two", "one", "three"):
        page.fill("#prompt", words)
        with page.expect_response(re.compile("/api/v1/jobs$")):
            page.click("#generate")
        studio.store.cancel(studio.next_job().id)
        expect(page.locator("#generate")).to_have_attribute("aria-disabled", "false")
    prompt = page.locator("#prompt")
    prompt.fill("four")
    for wanted in ("three", "one", "two", "two"):
        page.keyboard.press("Alt+ArrowUp")
        expect(prompt).to_have_value(wanted)
    for wanted in ("one", "three", "four"):
        page.keyboard.press("Alt+ArrowDown")
        expect(prompt).to_have_value(wanted)
    page.reload()
    page.get_by_role("button", name="Prompts used before").click()
    box = page.get_by_role("listbox", name="Prompts used before")
    expect(box).to_be_focused()
    expect(box.get_by_role("option")).to_have_text(["three", "one", "two"])
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    expect(prompt).to_have_value("two")
    page.get_by_role("button", name="Prompts used before").click()
    page.keyboard.press("Escape")
    expect(box).to_be_hidden()
    page.get_by_role("button", name="Prompts used before").click()
    page.get_by_role("button", name="Forget these prompts").click()
    expect(box).to_be_hidden()
    assert page.evaluate("localStorage.getItem('darkroom.history')") is None


def test_the_newest_seed_is_taken_again(page: Page, studio: Studio) -> None:
    reuse = page.get_by_role("button", name="The newest picture’s seed")
    expect(reuse).to_be_disabled()
    page.fill("#seed", "77")
    generate(page)
    claim = studio.claim(studio.next_job())
    studio.picture(claim, 0, colour(40, 60, 120))
    studio.finish(claim)
    page.fill("#seed", "")
    reuse.click()
    expect(page.locator("#seed")).to_have_value("77")


def test_a_shape_pressed_again_is_turned(page: Page) -> None:
    page.get_by_label("16:9 shape").click()
    expect(page.locator("#width")).to_have_value("168")
    page.get_by_label("16:9 shape").click()
    expect(page.locator("#width")).to_have_value("96")
    expect(page.locator("#height")).to_have_value("168")
    page.get_by_label("9:16 shape").click()
    expect(page.locator("#width")).to_have_value("168")

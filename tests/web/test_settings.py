"""Settings and help in Chromium on the real api: theme, language, what is kept, keys, shortcuts, and the guide."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page, expect

from contract.access import Keys, Quota, Scope
from tests.api.kit import emptied
from tests.web import shelf
from tests.web.test_browser import colour, drop_picture, generate

if TYPE_CHECKING:
    from tests.web.conftest import Studio

pytestmark = pytest.mark.browser

AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
BACKGROUND = "getComputedStyle(document.body).backgroundColor"
DARK, LIGHT = "rgb(18, 16, 14)", "rgb(244, 240, 234)"
SMALL = "nodes => nodes.filter(n => n.getBoundingClientRect().height < 43.5).map(n => n.outerHTML)"
# Every text that is seen or heard, without those of prompts, file names and code, which are in no language of ours.
WORDS = """() => {
  const own = "pre, code, kbd, script, style, .asked, .chip, [data-takes]";
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_ELEMENT | NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.nodeType === Node.TEXT_NODE) {
      if (!node.parentElement.closest(own)) found.push(node.data);
    } else if (!node.closest(own)) {
      for (const name of ["title", "aria-label", "alt", "placeholder"]) found.push(node.getAttribute(name) ?? "");
    }
  }
  return found;
}"""


@pytest.fixture
def tab(browser: Browser, studio: "Studio") -> Iterator[Page]:
    """A page on the settings, of a browser that was never here. An error of a script fails the test."""
    context = browser.new_context(
        viewport={"width": 1280, "height": 900}, color_scheme="light", reduced_motion="reduce"
    )
    tab = context.new_page()
    wrong: list[str] = []
    tab.on("pageerror", lambda error: wrong.append(str(error)))
    tab.on("console", lambda message: wrong.append(message.text) if "Security Policy" in message.text else None)
    tab.goto(f"{studio.url}/settings")
    yield tab
    context.close()
    assert not wrong


def cookies(tab: Page) -> dict[str, str]:
    return {each["name"]: each["value"] for each in tab.context.cookies()}


def test_a_theme_is_chosen_at_once_and_stays(tab: Page, studio: "Studio") -> None:
    assert tab.evaluate(BACKGROUND) == LIGHT
    tab.get_by_label("Dark", exact=True).check()
    assert tab.evaluate(BACKGROUND) == DARK
    assert cookies(tab) == {"darkroom-theme": "dark"}
    for address in ("/", "/library", "/sign-in", "/settings"):
        tab.goto(f"{studio.url}{address}")
        assert tab.evaluate(BACKGROUND) == DARK
    expect(tab.get_by_label("Dark", exact=True)).to_be_checked()
    tab.get_by_label("As the device", exact=True).check()
    assert tab.evaluate(BACKGROUND) == LIGHT
    assert cookies(tab) == {}
    tab.emulate_media(color_scheme="dark")
    assert tab.evaluate(BACKGROUND) == DARK
    tab.get_by_label("Light", exact=True).check()
    assert tab.evaluate(BACKGROUND) == LIGHT


def test_a_language_is_chosen_and_every_page_is_in_it(tab: Page, studio: "Studio") -> None:
    assert tab.evaluate("document.documentElement.lang") == "en"
    tab.get_by_label("Language").select_option("日本語")
    expect(tab.locator("#look-title")).to_have_text("表示")
    expect(tab.locator("#service")).to_have_text("準備完了")
    expect(tab.locator("#language")).to_have_value("ja")
    tab.goto(studio.url)
    expect(tab.locator("#generate")).to_contain_text("生成")
    tab.goto(f"{studio.url}/settings")
    tab.locator("#language").select_option("")
    expect(tab.locator("#look-title")).to_have_text("Appearance")
    assert cookies(tab) == {}


def test_what_the_browser_keeps_is_shown_and_can_be_deleted(tab: Page, studio: "Studio") -> None:
    expect(tab.locator("#kept-none")).to_be_visible()
    tab.goto(studio.url)
    tab.fill("#prompt", "a black cat")
    drop_picture(tab)
    tab.wait_for_timeout(1200)  # what is on the canvas is kept when nothing has changed for a while
    tab.goto(f"{studio.url}/settings")
    row = tab.locator("#kept-list li", has_text="What stands in the form")
    expect(row).to_contain_text("kB")
    row.get_by_role("button").click()
    expect(row.get_by_role("button")).to_have_attribute("title", re.compile("Press again"))
    row.get_by_role("button").click()
    expect(row).to_have_count(0)
    canvas = tab.locator("#kept-list li", has_text="What is on the canvas").get_by_role("button")
    canvas.click()
    canvas.click()
    expect(tab.locator("#kept-list li")).to_have_count(0)
    tab.goto(studio.url)
    expect(tab.locator("#service")).to_have_text("Ready")
    expect(tab.locator("#prompt")).to_have_value("")
    expect(tab.locator("#editor")).to_be_hidden()


def test_without_keys_the_page_says_so_and_how_to_make_them(tab: Page) -> None:
    expect(tab.locator("#who")).to_contain_text("No key is needed here")
    expect(tab.locator("#scopes li")).to_have_count(0)
    expect(tab.locator("#admin")).to_contain_text("darkroom keys add")


def test_a_key_its_scopes_and_its_usage(tab: Page, studio: "Studio") -> None:
    keys = Keys(studio.store.redis)
    key, text = keys.add("alice", [Scope.GENERATE, Scope.READ], Quota(cost=2.0, jobs=10))
    tab.goto(f"{studio.url}/sign-in")
    tab.get_by_label("Key").fill(text)
    tab.keyboard.press("Enter")
    expect(tab.locator("#service")).to_have_text("Ready")  # and so its modules are there
    tab.fill("#prompt", "a cat")
    tab.fill("#width", "1000")
    tab.fill("#height", "1000")
    tab.fill("#steps", "1")
    tab.click("#generate")
    assert studio.next_job().owner == key.id
    tab.goto(f"{studio.url}/settings")
    expect(tab.locator("#who")).to_have_text("The key alice may:")
    expect(tab.locator("#scopes li")).to_have_text(["Make, change and delete pictures", "See pictures and jobs"])
    told = dict(
        zip(tab.locator("#usage dt").all_text_contents(), tab.locator("#usage dd").all_text_contents(), strict=True)
    )
    assert told["Megapixel-steps in the last hour"] == "1 of 2"
    assert told["Jobs waiting or running"] == "1 of 10"
    assert told["Jobs so far"] == "1"
    assert told["Pictures in the last 24 hours"] == "0"
    assert told["Pictures in the library"] == "0, 0 kB"
    assert "Requests a minute" not in told
    assert tab.locator("#usage .bar span").first.evaluate("bar => bar.style.getPropertyValue('--done')") == "0.5"
    expect(tab.locator("#admin")).to_be_hidden()


@pytest.mark.parametrize("address", ["/", "/queue", "/library", "/settings"])
def test_the_question_mark_shows_the_shortcuts_on_every_page(tab: Page, studio: "Studio", address: str) -> None:
    tab.goto(f"{studio.url}{address}")
    expect(tab.locator("#service")).to_have_text("Ready")
    dialog = tab.get_by_role("dialog", name="Keyboard")
    tab.keyboard.press("?")
    expect(dialog).to_be_visible()
    expect(dialog.locator("kbd").first).to_have_text("?")
    expect(dialog).to_contain_text("Undo the deletion")
    assert dialog.locator(".help-scroll").evaluate("list => list.scrollWidth === list.clientWidth")
    tab.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    tab.get_by_role("button", name="Keyboard").click()
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Close").click()
    expect(dialog).to_be_hidden()


def test_a_question_mark_in_a_prompt_is_a_letter_and_help_cancels_no_job(tab: Page, studio: "Studio") -> None:
    tab.goto(studio.url)
    tab.locator("#prompt").press_sequentially("a cat?")
    expect(tab.locator("#help")).to_be_hidden()
    expect(tab.locator("#prompt")).to_have_value("a cat?")
    tab.click("#generate")
    job = studio.next_job()
    tab.keyboard.press("?")
    expect(tab.locator("#help")).to_be_visible()
    tab.keyboard.press("Escape")
    expect(tab.locator("#help")).to_be_hidden()
    tab.wait_for_timeout(300)
    found = studio.store.get(job.id)
    assert found is not None
    assert found.state == "queued"
    tab.keyboard.press("Escape")  # and now it does
    expect(tab.locator(".job")).to_have_attribute("data-state", "cancelled")


def test_the_guide_leads_to_a_first_picture_and_moves_nothing(tab: Page, studio: "Studio") -> None:
    tab.goto(studio.url)
    places = (
        "() => ['prompt', 'generate', 'steps'].map(id => document.getElementById(id).getBoundingClientRect().toJSON())"
    )
    expect(tab.locator("#width")).to_have_attribute("placeholder", "128")
    before = tab.evaluate(places)
    guide = tab.locator("#guide")
    expect(guide).to_be_hidden()
    tab.get_by_role("button", name="A first picture, step by step").click()
    expect(guide).to_be_focused()
    expect(guide).to_contain_text("1 of 4")
    expect(tab.locator(".guided")).to_have_attribute("id", "prompt")
    assert tab.evaluate(places) == before
    tab.keyboard.press("Tab")
    tab.keyboard.press("Tab")
    expect(tab.get_by_role("button", name="Next")).to_be_focused()
    tab.keyboard.press("Enter")
    expect(guide).to_contain_text("Press Generate")
    expect(tab.locator(".guided")).to_have_attribute("id", "generate")
    generate(tab)
    claim = studio.claim(studio.next_job())
    expect(guide).to_contain_text("Watch it develop")
    expect(tab.locator(".guided")).to_have_class(re.compile("frames"))
    studio.picture(claim, 0, colour(0, 0, 200))
    studio.finish(claim)
    expect(guide).to_contain_text("Make it yours")
    expect(tab.locator(".guided")).to_have_class(re.compile("tools"))
    tab.get_by_role("button", name="Done").click()
    expect(guide).to_be_hidden()
    expect(tab.locator(".guided")).to_have_count(0)


def test_the_guide_can_be_left_and_comes_again_from_help(tab: Page, studio: "Studio") -> None:
    tab.keyboard.press("?")
    tab.get_by_role("dialog").get_by_role("link", name="A first picture, step by step").click()
    guide = tab.locator("#guide")
    expect(guide).to_be_focused()
    expect(tab).to_have_url(f"{studio.url}/")
    tab.keyboard.press("Escape")
    expect(guide).to_be_hidden()
    tab.reload()
    expect(tab.locator("#service")).to_have_text("Ready")
    expect(guide).to_be_hidden()
    tab.goto(f"{studio.url}/?guide")
    tab.get_by_role("button", name="Skip").click()
    expect(guide).to_be_hidden()
    expect(tab.locator("#prompt")).to_be_focused()


def test_a_word_can_be_pointed_at(tab: Page, studio: "Studio") -> None:
    tab.goto(f"{studio.url}/settings#word-seed")
    expect(tab.locator("#word-seed")).to_be_in_viewport()
    expect(tab.locator("#word-seed")).to_contain_text("The number that the noise is made from.")


@pytest.mark.parametrize(
    ("width", "scheme", "language"),
    [(1280, "dark", "en"), (360, "light", "en"), (1280, "light", "ja"), (360, "dark", "ja")],
)
def test_nothing_is_in_the_way_of_anybody(
    browser: Browser, studio: "Studio", width: int, scheme: Any, language: str
) -> None:
    """axe finds nothing, nothing is too small to touch, nothing reaches past a narrow screen."""
    context = browser.new_context(
        viewport={"width": width, "height": 780},
        color_scheme=scheme,
        locale=language,
        reduced_motion="reduce",
        bypass_csp=True,
    )
    page = context.new_page()

    def look(name: str) -> None:
        if folder := os.environ.get("SCREENSHOTS"):
            page.screenshot(path=f"{folder}/{name}-{width}-{scheme}-{language}.png", full_page=name == "settings")
        page.evaluate("window.axe") or page.add_script_tag(path=AXE)
        violations = page.evaluate("axe.run().then(found => found.violations)")
        told = [(v["id"], [n["target"] for n in v["nodes"]]) for v in violations]
        assert told == [], json.dumps(told, indent=1)
        assert page.evaluate("document.documentElement.scrollWidth") == width

    page.goto(f"{studio.url}/settings")
    expect(page.locator("#usage dt").first).to_be_visible()
    expect(page.locator("#service")).not_to_be_empty()
    look("settings")
    touched = page.locator("main :is(button, select, .choice, .contents a):visible, .top nav .tool:visible")
    assert touched.evaluate_all(SMALL) == [] or width > 899
    page.keyboard.press("?")
    expect(page.locator("#help")).to_be_visible()
    look("help")
    page.goto(f"{studio.url}/?guide")
    expect(page.locator("#guide")).to_be_visible()
    look("guide")
    context.close()


def test_no_english_is_left_in_japanese(browser: Browser, studio: "Studio") -> None:
    """A walk through all pages: no text has three words of Latin letters, but for prompts and names."""
    emptied(studio.library)
    ids = shelf.put(studio, "a red boat", "a black cat", negative_prompt="rain")
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="ja", reduced_motion="reduce")
    page = context.new_page()

    def look(name: str = "") -> None:
        if (folder := os.environ.get("SCREENSHOTS")) and name:
            page.screenshot(path=f"{folder}/{name}-1280.png")
            page.set_viewport_size({"width": 360, "height": 780})
            page.screenshot(path=f"{folder}/{name}-360.png")
            page.set_viewport_size({"width": 1280, "height": 900})
        found = [text.strip() for text in page.evaluate(WORDS)]
        assert len([text for text in found if re.search("[ぁ-ん]", text)]) > 20
        ours = [text for text in found if not re.search("a red boat|a black cat|a cat|^Align Your Steps$", text)]
        assert [text for text in ours if re.search(r"[A-Za-z]{2,}[ ,.]+[A-Za-z]+[ ,.]+[A-Za-z]{2,}", text)] == []

    page.goto(studio.url)
    expect(page.locator("#service")).to_have_text("準備完了")
    expect(page.locator("#empty")).to_be_visible()
    look()
    generate(page, "a cat")
    claim = studio.claim(studio.next_job())
    studio.step(claim, 3)
    expect(page.locator("#progress-text")).to_contain_text("ステップ 3 / 20")
    look()
    studio.picture(claim, 0, colour(0, 0, 200))
    studio.finish(claim)
    expect(page.locator(".job .standing")).to_contain_text("画像 1 枚")
    look("studio")
    page.locator(".enlarge").click()
    expect(page.locator("#viewer")).to_be_visible()
    look()
    page.keyboard.press("Escape")
    generate(page, "a cat")
    studio.fail(studio.claim(studio.next_job()), "ran out")
    expect(page.locator(".job .failure").first).to_have_text("デバイスのメモリが足りませんでした。（ran out）")
    generate(page, "a cat")
    studio.fail(
        studio.claim(studio.next_job()), "the worker crashed 3 times while making this, at last by exit status 3"
    )
    crashed = "処理中にワーカーが 3 回停止しました（最後の原因：終了コード 3）。"
    expect(page.locator(".job .failure").first).to_have_text(crashed)
    page.fill("#prompt", "a cat __nothing__")
    page.click("#generate")
    refused = (
        r"ワイルドカード nothing はありません（ワイルドカードは 1 つもありません）。文字どおりに使う場合は \__nothing__"
    )
    expect(page.locator("#prompt-error")).to_have_text(f"{refused} と書きます。")
    look()

    page.get_by_title("元画像にする", exact=True).first.click()
    expect(page.locator("#editor")).to_be_visible()
    look("canvas")
    generate(page, "a cat")
    page.goto(f"{studio.url}/queue")
    expect(page.locator("main")).to_contain_text("a cat")
    look("queue")
    page.goto(f"{studio.url}/library")
    expect(page.locator(".cell.there").first).to_be_visible()
    expect(page.locator("#found")).to_contain_text("枚")
    page.focus("#grid")
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    expect(page.locator("#chosen-count")).to_have_text("1 枚を選択中")
    look("library")
    page.click("#choose-tag")
    look("tags")
    page.keyboard.press("Escape")
    page.goto(f"{studio.url}/library?q=nothing-of-this")
    expect(page.locator("#nothing-title")).to_have_text("見つかりませんでした")
    look()
    page.goto(f"{studio.url}/library/{ids[0]}")
    expect(page.locator("#sheet .told")).to_contain_text("テキストから描きました。")
    look("sheet")
    page.goto(f"{studio.url}/settings")
    expect(page.locator("#usage dt").first).to_be_visible()
    look()
    context.close()

"""The library's pages in Chromium on the real api: looked through, chosen from, deleted and had back, read."""

import io
import json
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image, PngImagePlugin
from playwright.sync_api import Browser, Page, Route, expect

from contract.library import Changes, Wanted
from contract.requests import Txt2Img
from tests.api.kit import emptied
from tests.web import shelf

if TYPE_CHECKING:
    from tests.web.conftest import Studio

pytestmark = pytest.mark.browser

AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
PLACES = "cells => cells.map(cell => [cell.dataset.id, cell.style.transform, cell.style.width, cell.style.height])"
GO_TO = """async top => {
  while (document.body.scrollHeight < top + 2 * innerHeight)
    await new Promise(next => setTimeout(next, 20));
  scrollTo(0, top);
  for (const _ of [1, 2]) await new Promise(next => requestAnimationFrame(next));
  return scrollY;
}"""
DROP = """bytes => {
  const files = new DataTransfer();
  files.items.add(new File([new Uint8Array(bytes)], "cat.png", { type: "image/png" }));
  for (const type of ["dragover", "drop"])
    document.body.dispatchEvent(new DragEvent(type, { bubbles: true, dataTransfer: files }));
}"""
SMALL = """nodes => nodes.filter(node => node.getBoundingClientRect().height < 43.5).map(node => node.outerHTML)"""
A1111 = """a blue cat
Negative prompt: rain
Steps: 13, Sampler: Euler a, CFG scale: 5, Seed: 77, Size: 128x96, Model: somebody-elses"""


@pytest.fixture
def library(browser: Browser, studio: "Studio") -> Iterator[Page]:
    with shelf.unopened(browser, studio) as page:
        yield page


def show(page: Page, studio: "Studio", query: str = "") -> None:
    page.goto(f"{studio.url}/library{query}")
    expect(page.locator(".cell.there").first).to_be_visible()


def there(page: Page) -> list[str]:
    """Ids of the pictures in the page, in their order."""
    cells = page.locator(".cell").evaluate_all("cells => cells.map(c => [Number(c.ariaPosInSet), c.dataset.id])")
    return [image_id for _, image_id in sorted(cells)]


def listed(studio: "Studio", **wanted: Any) -> list[str]:
    found, _ = studio.library.page(Wanted(**wanted), owner=None, limit=1000)
    return [image.id for image in found]


def test_of_thousands_only_those_near_the_screen_are_in_the_page(library: Page, studio: "Studio") -> None:
    """Of three thousand, through thirty screens: pages come as one comes to them, and nothing that is shown moves."""
    page, ids = library, shelf.put_many(studio, 3000)
    show(page, studio)
    expect(page.locator("#found")).to_have_text("3,000 pictures")
    places: dict[str, tuple[float, ...]] = {}
    most = 0
    for screen in range(1, 31):
        cells = page.locator(".cell").evaluate_all(PLACES)
        most = max(most, len(cells))
        for image_id, *place in cells:
            assert places.setdefault(image_id, tuple(place)) == tuple(place)
        assert page.evaluate(GO_TO, screen * 800) == screen * 800
    assert len(places) >= 400
    assert 20 <= most <= 120  # three screens of them
    assert set(places) == set(ids[-len(places) :])  # the newest, and none left out


def test_a_search_narrows_at_once_and_stays_in_the_address(library: Page, studio: "Studio") -> None:
    page, ids = library, shelf.put(studio, "a black cat on a beach", "a red boat", "a black boat at night")
    show(page, studio)
    page.locator("#q").press_sequentially("black boa")
    expect(page.locator(".cell")).to_have_count(1)
    assert there(page) == [ids[2]]
    assert page.url.endswith("/library?q=black+boa")
    page.reload()
    expect(page.locator(".cell")).to_have_count(1)
    expect(page.locator("#q")).to_have_value("black boa")
    page.fill("#q", "zebra")
    expect(page.locator("#nothing")).to_contain_text("Nothing found")
    page.get_by_role("button", name="Clear search and filters").click()
    expect(page.locator(".cell")).to_have_count(3)
    page.go_back()
    expect(page.locator("#nothing-title")).to_have_text("Nothing found")


def test_an_empty_library_says_what_to_do(library: Page, studio: "Studio") -> None:
    library.goto(f"{studio.url}/library")
    expect(library.locator("#nothing")).to_contain_text("No pictures yet")
    library.get_by_role("link", name="Make the first one").click()
    expect(library.locator("#prompt")).to_be_visible()


def test_filters_are_the_apis_and_show_as_chips(library: Page, studio: "Studio") -> None:
    page, ids = library, shelf.put(studio, "one", "two", "three", "four")
    studio.library.change(ids[1], Changes(favourite=True, tags=["sea", "deep"], board="Trip"))
    studio.library.change(ids[2], Changes(favourite=True, tags=["sea"]))
    show(page, studio)
    quick = page.locator("#quick")
    words = ["seed 1", "board Trip", "from Feb 28, 2026", "to Mar 2, 2026", "tag deep"]
    quick.get_by_role("button", name="Favourites").click()
    expect(page.locator(".cell")).to_have_count(2)
    page.click("#filter")
    page.fill("#tag", "deep")
    page.keyboard.press("Enter")
    expect(page.locator(".cell")).to_have_count(1)
    page.fill("#board", "Trip")
    page.fill("#since", "2026-02-28")
    page.fill("#until", "2026-03-02")
    page.fill("#seed", "1")
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(quick.locator(".set")).to_have_text(words)
    assert there(page) == [ids[1]]
    for part in ("favourite=true", "tag=deep", "board=Trip", "seed=1", "since=2026-02-28", "until=2026-03-02"):
        assert part in page.url
    for _ in range(5):
        quick.locator(".set").first.click()
    expect(page.locator(".cell")).to_have_count(2)
    page.select_option("#sort", "oldest")
    expect(page.locator(".cell").first).to_have_attribute("data-id", ids[1])
    quick.get_by_role("button", name="Sent here").click()
    expect(page.locator("#nothing-title")).to_have_text("Nothing found")


def test_chosen_and_deleted_by_keyboard_and_had_back(library: Page, studio: "Studio") -> None:
    page, ids = library, shelf.put(studio, *(f"number {at}" for at in range(8)))
    show(page, studio)
    page.focus("#grid")
    for key in ("ArrowRight", "ArrowRight", " ", "Shift+ArrowRight", "Shift+ArrowRight"):
        page.keyboard.press(key)
    expect(page.locator("#chosen-count")).to_have_text("3 selected")
    active = page.locator("#grid").get_attribute("aria-activedescendant")
    assert active == f"cell-{ids[4]}"  # the newest, number 7, is the first
    chosen = page.locator(".cell[aria-selected=true]").evaluate_all("cells => cells.map(c => c.dataset.id)")
    assert sorted(chosen) == sorted(ids[4:7])
    page.keyboard.press("Delete")
    expect(page.locator(".cell")).to_have_count(5)
    expect(page.locator("#chosen")).to_be_hidden()
    expect(page.locator("#grid")).to_be_focused()
    assert listed(studio) == [ids[7], *reversed(ids[:4])]
    page.get_by_role("button", name="Undo").click()
    expect(page.locator(".cell")).to_have_count(8)
    assert there(page) == ids[::-1]
    assert listed(studio) == ids[::-1]
    page.keyboard.press("Escape")
    page.focus("#grid")
    page.keyboard.press("Control+a")
    expect(page.locator("#chosen-count")).to_have_text("8 selected")
    page.keyboard.press("Escape")
    expect(page.locator("#chosen")).to_be_hidden()


def test_what_is_done_to_many(library: Page, studio: "Studio") -> None:
    page, ids = library, shelf.put(studio, *(f"number {at}" for at in range(5)))
    studio.library.change(ids[0], Changes(tags=["old", "kept"]))
    show(page, studio)
    page.locator(f"#cell-{ids[0]} .tick").click(force=True)
    page.locator(f"#cell-{ids[2]}").click(modifiers=["Shift"])
    page.locator(f"#cell-{ids[4]}").click(modifiers=["Control"])
    page.locator(f"#cell-{ids[1]}").click()  # while some are chosen, a click chooses
    expect(page.locator("#chosen-count")).to_have_text("3 selected")
    page.click("#choose-tag")
    page.fill("#labels-input", "sea, best")
    page.get_by_role("button", name="old").click()
    page.get_by_role("button", name="Save").click()
    page.click("#choose-favourite")
    expect(page.locator(".cell.favourite")).to_have_count(3)
    page.click("#choose-board")
    page.fill("#labels-input", "Trip")
    page.get_by_role("button", name="Save").click()
    expect(page.locator("#boards option")).to_have_count(1)
    with page.expect_download() as download:
        page.click("#choose-download")
    assert len(zipfile.ZipFile(download.value.path()).namelist()) == 3
    assert set(listed(studio, board="Trip", favourite=True, tag=["sea", "best"])) == {ids[0], ids[2], ids[4]}
    first = studio.library.get(ids[0])
    assert first is not None
    assert sorted(first.tags) == ["best", "kept", "sea"]


def test_a_picture_opens_over_the_grid_and_leaves_it_in_its_place(library: Page, studio: "Studio") -> None:
    page, ids = library, shelf.put(studio, *(f"number {at}" for at in range(90)))
    show(page, studio)
    page.evaluate("scrollTo(0, 1500)")
    page.locator(f"#cell-{ids[60]}.there").scroll_into_view_if_needed()
    before = page.evaluate("scrollY")
    assert before > 0
    page.locator(f"#cell-{ids[60]}").click()
    expect(page.locator("#sheet .asked")).to_have_text("number 60")
    assert page.url.endswith(f"/library/{ids[60]}")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#sheet .asked")).to_have_text("number 59")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    expect(page.locator("#sheet .asked")).to_have_text("number 61")
    assert page.url.endswith(f"/library/{ids[61]}")
    page.keyboard.press("Escape")
    expect(page.locator("#sheet")).to_be_hidden()
    assert page.url.endswith("/library")
    expect(page.locator("#grid")).to_be_focused()
    assert abs(page.evaluate("scrollY") - before) < 400
    page.keyboard.press("Enter")
    expect(page.locator("#sheet .asked")).to_have_text("number 61")
    page.go_back()
    expect(page.locator("#sheet")).to_be_hidden()


def test_a_pictures_page_by_itself_tells_how_it_was_made(library: Page, studio: "Studio") -> None:
    page = library
    ids = shelf.put(studio, "first", "a black cat", "third", negative_prompt="rain", steps=12, guidance=4.5)
    page.goto(f"{studio.url}/library/{ids[1]}")
    expect(page.locator("#sheet .asked")).to_have_text("a black cat")
    expect(page.locator("#sheet .asked-not")).to_have_text("without rain")
    expect(page.locator("#sheet .told")).to_contain_text("12 steps of DPM++ 2M on the Karras schedule")
    pairs = page.locator("#sheet .pairs")
    for value in ("From words", "DPM++ 2M", "12", "4.5", "128 × 96"):
        expect(pairs.get_by_text(value, exact=True).first).to_be_visible()
    expect(page.locator(".sheet-picture img")).to_have_js_property("naturalWidth", 128)
    page.keyboard.press("f")
    expect(page.locator("#sheet-favourite")).to_have_attribute("aria-pressed", "true")
    page.fill("#sheet-board", "Trip")
    page.keyboard.press("Enter")
    page.fill("#sheet-tag", "sea, cat")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Take off the tag cat")).to_be_visible()
    assert listed(studio, board="Trip", favourite=True, tag=["sea", "cat"]) == [ids[1]]
    page.get_by_role("button", name="Delete").click()
    expect(page.locator("#sheet .asked")).to_have_text("first")
    assert listed(studio) == [ids[2], ids[0]]
    page.keyboard.press("Control+z")
    expect(page.locator("#toasts")).to_contain_text("1 picture brought back.")
    assert listed(studio) == ids[::-1]
    page.keyboard.press("Escape")
    expect(page.locator(".cell")).to_have_count(3)
    page.goto(f"{studio.url}/library/img_{'a' * 26}")
    expect(page.locator("#sheet")).to_contain_text("There is no picture of this id")


def test_the_chain_and_variations(library: Page, studio: "Studio") -> None:
    page, (first,) = library, shelf.put(studio, "where it began")
    request = {"kind": "img2img", "prompt": "what came of it", "image": first, "strength": 0.4}
    later = shelf.picture(studio, shelf.blobs(studio)[1], 9, "what came of it").model_copy(update={"index": 0})
    details = {**later.metadata, "inputs": {first: later.sha256}, "request": {**later.metadata["request"], **request}}
    assert studio.library.add(later.model_copy(update={"metadata": details}), 1)
    page.goto(f"{studio.url}/library/{first}")
    page.locator("#chain a").click()
    expect(page.locator("#sheet .asked")).to_have_text("what came of it")
    expect(page.locator("#sheet .told")).to_contain_text("of which 40% could change")
    expect(page.locator("#chain h3")).to_have_text(["Made from"])
    page.locator("#chain a").click()
    expect(page.locator("#sheet .asked")).to_have_text("where it began")
    page.get_by_role("button", name="Vary").click()
    expect(page.locator("#toasts")).to_contain_text("4 variations are on their way")
    asked = studio.next_job().request
    assert isinstance(asked, Txt2Img)
    assert (asked.prompt, asked.seed, asked.count) == ("where it began", 0, 4)
    assert asked.variation is not None
    assert asked.variation.strength == 0.2


def test_verifying_is_told_in_plain_words(library: Page, studio: "Studio") -> None:
    page, ids = library, shelf.put(studio, "a black cat")
    job_id = f"job_{'a' * 26}"
    why = "the device: cuda then, cpu here"
    told = {"image_id": ids[0], "same": False, "reasons": [why], "greatest": 9, "mean": 0.5}
    job: dict[str, Any] = {
        "id": job_id, "kind": "txt2img", "state": "queued", "paused": False, "attempts": 0, "images": [], "error": None,
        "created_at": "2026-03-01T12:00:00Z", "started_at": None, "finished_at": None, "request": {"kind": "txt2img"},
        "progress": {"step": 0, "steps": 9, "fraction": 0, "position": 0, "starts_in_seconds": None},
    }  # fmt: skip
    page.route("**/verify", lambda route: route.fulfill(status=202, json=job))
    done = {**job, "state": "succeeded", "verification": told}
    page.route(f"**/jobs/{job_id}*", lambda route: route.fulfill(json=done))
    page.goto(f"{studio.url}/library/{ids[0]}")
    page.get_by_role("button", name="Verify").click()
    expect(page.locator("#verdict")).to_contain_text(why)
    expect(page.locator("#verdict")).to_contain_text("The largest difference of a pixel is 9 of 255")
    done["verification"] = {**told, "same": True, "reasons": []}
    page.get_by_role("button", name="Verify").click()
    expect(page.locator("#verdict")).to_have_text("Made again, and every byte agrees.")


def test_all_settings_travel_to_the_studio(library: Page, studio: "Studio") -> None:
    """Also those that the form has no control for: what is submitted there is what was asked for here."""
    fields: dict[str, Any] = {
        "negative_prompt": "rain", "steps": 11, "guidance": 3.5, "sampler": "euler_a", "schedule": "normal", "eta": 0.5,
        "directions": ({"toward": "night", "scale": 0.5},), "blend": ({"prompt": "a dog", "weight": 0.3},),
        "seed_size": {"width": 64, "height": 64}, "metadata": False, "tiling": "x",
        "hires": {"factor": 2.0, "prompt": "finer", "sampler": "ddim"},
    }  # fmt: skip
    page, (image_id,) = library, shelf.put(studio, "a black cat", **fields)
    page.goto(f"{studio.url}/library/{image_id}")
    page.get_by_role("link", name="Same settings").click()
    expect(page.locator("#prompt")).to_have_value("a black cat")
    along = "blend, directions, hires, metadata, seed size"
    expect(page.locator("#carried-names")).to_have_text(along)
    assert page.url == f"{studio.url}/"
    page.reload()
    page.wait_for_selector("#width[placeholder='128']")
    page.click("#generate")
    asked = studio.next_job().request
    wanted = Txt2Img(prompt="a black cat", model=studio.model, width=128, height=96, seed=0, **fields)
    assert asked.model_dump() == wanted.model_dump()
    page.click("#drop-carried")
    expect(page.locator("#carried")).to_be_hidden()
    page.goto(f"{studio.url}/library/{image_id}")
    page.get_by_role("link", name="Use as input").click()
    expect(page.locator("#mask-canvas")).to_be_visible()


def described() -> bytes:
    """A picture that the AUTOMATIC1111 web UI might have made."""
    out, info = io.BytesIO(), PngImagePlugin.PngInfo()
    info.add_text("parameters", A1111)
    Image.new("RGB", (128, 96), (9, 90, 200)).save(out, "png", pnginfo=info)
    return out.getvalue()


def test_a_dropped_file_is_read_and_its_settings_are_used(library: Page, studio: "Studio") -> None:
    page = library
    page.goto(f"{studio.url}/library")
    expect(page.locator("#nothing")).to_be_visible()
    page.evaluate(DROP, list(described()))
    dialog = page.locator("#reading")
    expect(dialog.locator("h2")).to_contain_text("AUTOMATIC1111")
    expect(dialog.locator(".pairs")).to_contain_text("Euler a")
    expect(dialog.locator(".notes")).to_contain_text("somebody-elses")
    dialog.get_by_role("button", name="Use these settings").click()
    page.wait_for_selector("#width[placeholder='128']")
    names = ("prompt", "negative_prompt", "steps", "seed", "guidance")
    values = {name: page.locator(f"#{name}").input_value() for name in names}
    assert values == {"prompt": "a blue cat", "negative_prompt": "rain", "steps": "13", "seed": "77", "guidance": "5"}
    expect(page.locator("#sampler")).to_have_value("euler_a")
    assert listed(studio) == []
    page.goto(f"{studio.url}/library")
    ours = {"clip_skip": "0", "kind": "txt2img", "previews": "True", "sampler": "dpmpp_2m", "prompt": "a blue cat"}
    read: dict[str, object] = {"source": "darkroom", "parameters": ours, "texts": {}, "request": None, "notes": []}
    page.route("**/api/v1/read", lambda route: route.fulfill(json=read))
    page.set_input_files("#image-file", {"name": "x.png", "mimeType": "image/png", "buffer": described()})
    pairs = dialog.locator(".pairs :is(dt, dd)")
    expect(pairs).to_have_text(
        ["Prompt", "a blue cat", "Kind", "From words", "Sampler", "DPM++ 2M", "Skip text layers", "0"]
    )
    expect(dialog.get_by_role("button", name="Close")).to_be_focused()
    page.keyboard.press("Escape")
    page.unroute("**/api/v1/read")
    page.set_input_files("#image-file", {"name": "x.txt", "mimeType": "text/plain", "buffer": b"x"})
    expect(page.locator("#toasts")).to_contain_text("not a PNG, JPEG or WebP")


def test_a_failing_list_is_told_and_tried_again(library: Page, studio: "Studio") -> None:
    page = library
    shelf.put(studio, "a black cat")

    def refuse(route: Route) -> None:
        route.fulfill(
            status=422, content_type="application/problem+json", body=json.dumps({"detail": "No such order."})
        )

    page.route("**/api/v1/images?*", refuse)
    page.goto(f"{studio.url}/library?sort=sideways")
    expect(page.locator("#nothing")).to_contain_text("No such order.")
    page.unroute("**/api/v1/images?*")
    page.goto(f"{studio.url}/library")
    expect(page.locator(".cell.there")).to_have_count(1)


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 360)])
def test_accessible_and_no_wider_than_the_screen(browser: Browser, studio: "Studio", scheme: str, width: int) -> None:
    emptied(studio.library)
    ids = shelf.put(studio, *(f"number {at}" for at in range(12)))
    studio.library.change(ids[3], Changes(favourite=True, tags=["sea"], board="Trip"))
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if scheme == "dark" else "light", bypass_csp=True,
        reduced_motion="reduce",
    )  # fmt: skip
    page = context.new_page()

    def look() -> None:
        page.evaluate("window.axe") or page.add_script_tag(path=AXE)
        violations = page.evaluate("axe.run().then(found => found.violations)")
        told = [(v["id"], [n["target"] for n in v["nodes"]]) for v in violations]
        assert told == [], json.dumps(told, indent=1)
        assert page.evaluate("document.documentElement.scrollWidth") == width

    show(page, studio, "?sort=newest")
    page.focus("#grid")
    page.keyboard.press("ArrowRight")
    page.keyboard.press(" ")
    look()
    touched = (
        "main button:visible, main select:visible, main input:visible:not(.visually-hidden), #chosen button:visible"
    )
    small = page.locator(touched).evaluate_all(SMALL)
    assert small == [] or width > 899
    page.goto(f"{studio.url}/library/{ids[3]}")
    expect(page.locator("#sheet .pairs")).to_be_visible()
    look()
    context.close()

"""What one does with the library's pictures in Chromium: compare two, look closely, put on boards, and scroll far."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Browser, Page, expect

from contract.library import Changes
from tests.api.kit import emptied
from tests.web import shelf

if TYPE_CHECKING:
    from tests.web.conftest import Studio

pytestmark = pytest.mark.browser

AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
BOX = (
    "node => { const { left, top, width, height } = node.getBoundingClientRect(); return [left, top, width, height]; }"
)

# An api of a hundred thousand pictures, in the page: three shapes, none of them ever loaded.
ENDLESS = """(() => {
  const MANY = 100000;
  const real = window.fetch;
  const picture = at => ({
    id: `img_${String(at).padStart(26, "a")}`, url: `/static/favicon.svg?${at}`, width: [512, 768, 512][at % 3],
    height: [512, 512, 768][at % 3], job_id: null, index: 0, seed: at, role: "output", kind: "txt2img", model: "mini",
    sampler: "euler", prompt: `picture ${at}`, negative_prompt: "", favourite: false, board: null, tags: [],
    format: "png", bytes: 1, created_at: "2026-03-01T12:00:00Z",
  });
  window.fetch = (address, init) => {
    const { pathname, searchParams } = new URL(address, location.href);
    const answer = body => Promise.resolve(Response.json(body));
    if (pathname === "/api/v1/images/count") return answer({ pictures: MANY, more: false });
    if (pathname !== "/api/v1/images") return real(address, init);
    const from = Number(searchParams.get("cursor") ?? 0);
    const until = Math.min(MANY, from + 5000); // more at a time than the real one, so that it is soon over
    const images = Array.from({ length: until - from }, (_, at) => picture(from + at));
    return answer({ images, next_cursor: until < MANY ? String(until) : null });
  };
})()"""
TO_THE_END = """async () => {
  let [most, began] = [0, performance.now()];
  while (!document.querySelector(".cell[aria-posinset='100000']") && performance.now() - began < 240_000) {
    scrollTo(0, document.body.scrollHeight);
    await new Promise(next => requestAnimationFrame(next));
    most = Math.max(most, document.querySelectorAll(".cell").length);
  }
  const places = [...document.querySelectorAll(".cell")].map(cell => Number(cell.ariaPosInSet));
  return { most, last: Math.max(...places), nodes: document.querySelectorAll("*").length };
}"""


@pytest.fixture
def page(browser: Browser, studio: "Studio") -> Iterator[Page]:
    with shelf.unopened(browser, studio) as page:
        yield page


def show(page: Page, studio: "Studio", path: str = "/library") -> None:
    page.goto(f"{studio.url}{path}")
    expect(page.locator(".cell.there, .sheet-picture img").first).to_be_visible()


def box(page: Page, selector: str) -> list[float]:
    found: list[float] = page.locator(selector).evaluate(BOX)
    return found


def test_two_are_compared(page: Page, studio: "Studio") -> None:
    same = {"steps": 12, "guidance": 4.5}
    (first,) = shelf.put(studio, "a black cat on a mat", **same)
    (second,) = shelf.put(studio, "a white cat on a mat", negative_prompt="rain", clip_skip=1, **same)
    shelf.put(studio, "a boat")
    show(page, studio)
    compare = page.locator("#choose-compare")
    page.locator(f"#cell-{second} .tick").click(force=True)
    expect(page.locator("#chosen")).to_be_visible()
    expect(compare).to_be_hidden()
    page.locator(f"#cell-{first}").click()
    compare.click()
    dialog = page.locator("#compare")
    rows = dialog.locator("tbody tr")
    expect(rows.first).to_be_visible()
    told = {row.locator("th").inner_text(): row.locator("td").all_inner_texts() for row in rows.all()}
    assert told["Prompt"] == ["a white cat on a mat", "a black cat on a mat"]
    assert told["Negative prompt"] == ["rain", ""]
    assert told["clip_skip"] == ["1", "0"]
    assert not {"Steps", "Guidance", "Sampler", "Model", "Size"} & told.keys()
    expect(rows.first.locator("mark")).to_have_text(["white", "black"])
    pictures = dialog.locator(".compare-stage img")
    assert [image.get_attribute("src") for image in pictures.all()] == [f"/api/v1/images/{i}" for i in (second, first)]
    left, right = (image.evaluate(BOX) for image in pictures.all())
    assert left[0] + left[2] <= right[0]
    assert left[2:] == right[2:]
    page.get_by_role("button", name="Swap A and B").click()
    expect(rows.first.locator("mark")).to_have_text(["black", "white"])
    page.get_by_role("button", name="Slider").click()
    frame = box(page, ".compare-box .slider")
    assert [box(page, f".compare-box img >> nth={at}") for at in (0, 1)] == [frame, frame]
    slider = page.get_by_label("Where A ends and B begins")
    left_edge, top, width, height = frame
    page.mouse.click(left_edge + width / 4, top + height / 2)
    assert 23 <= float(slider.input_value()) <= 27
    page.keyboard.press("Home")
    clipped = "image => getComputedStyle(image).clipPath"
    assert page.locator(".compare-box .slider-right").evaluate(clipped) == "inset(0px 0px 0px 0%)"
    page.keyboard.press("Escape")
    expect(dialog).to_be_hidden()
    page.focus("#grid")
    page.keyboard.press("c")
    expect(page.locator(".compare-box .slider")).to_be_visible()  # as it was looked at last
    page.get_by_role("button", name="Side by side").click()
    page.locator(".compare figure a").first.click()
    expect(page.locator("#sheet .asked")).to_have_text("a white cat on a mat")


def test_a_picture_is_looked_at_closely(page: Page, studio: "Studio") -> None:
    ids = shelf.put(studio, *(f"number {at}" for at in range(3)))
    show(page, studio, f"/library/{ids[1]}")
    expect(page.locator(".sheet-side .pairs")).to_be_visible()
    beside = box(page, ".sheet-picture img")
    page.keyboard.press(" ")
    expect(page.locator(".sheet-side")).to_be_hidden()
    large = box(page, ".sheet-picture img")
    assert large[2] > beside[2]
    assert large[3] == pytest.approx(800 - 56, abs=1)  # all of the height below the bar
    page.keyboard.press("z")
    assert box(page, ".sheet-picture img")[2:] == [128, 96]  # a pixel of the picture is one of the screen
    expect(page.get_by_role("button", name="Actual pixels (Z)")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".sheet-picture img")).to_have_attribute("data-id", ids[0])
    assert box(page, ".sheet-picture img")[2:] == [128, 96]
    page.keyboard.press("Escape")
    expect(page.locator(".sheet-side .asked")).to_have_text("number 0")
    page.locator(".sheet-picture img").click()
    expect(page.locator(".sheet-side")).to_be_hidden()
    page.keyboard.press("Escape")
    page.keyboard.press("Escape")
    expect(page.locator("#sheet")).to_be_hidden()
    page.locator(f"#cell-{ids[2]}").click()
    expect(page.locator(".sheet-side .asked")).to_be_visible()  # not large any more


def test_what_is_larger_than_the_screen_is_moved_by_dragging(page: Page, studio: "Studio") -> None:
    (image_id,) = shelf.put(studio, "a large one")
    page.set_viewport_size({"width": 500, "height": 400})
    page.goto(f"{studio.url}/library/{image_id}")
    image = page.locator(".sheet-picture img")
    expect(image).to_be_visible()
    page.keyboard.press("z")
    image.evaluate("image => image.style.setProperty('--pixels', '2000px')")
    left, top, *_ = image.evaluate(BOX)
    page.mouse.move(300, 250)
    page.mouse.down()
    page.mouse.move(220, 200, steps=4)
    page.mouse.up()
    now = image.evaluate(BOX)
    assert (now[0] - left, now[1] - top) == (-80, -50)
    expect(page.get_by_role("button", name="Actual pixels (Z)")).to_have_attribute("aria-pressed", "true")


def drag(page: Page, source: str, target: str) -> None:
    """By mouse, from the middle of one to the middle of the other."""
    for step, selector in enumerate((source, target)):
        left, top, width, height = box(page, selector)
        page.mouse.move(left + width / 2, top + height / 2, steps=1 + 4 * step)
        page.mouse.down() if step == 0 else page.mouse.up()


def test_pictures_are_dragged_onto_boards(page: Page, studio: "Studio") -> None:
    ids = shelf.put(studio, *(f"number {at}" for at in range(6)))
    studio.library.change(ids[0], Changes(board="Trip"))
    studio.library.change(ids[1], Changes(board="Work"))
    show(page, studio)
    strip = page.locator("#boards-strip button")
    expect(strip).to_have_text(["Trip 1", "Work 1", "New board"])
    drag(page, f"#cell-{ids[5]}", "[data-board=Trip]")
    expect(strip).to_have_text(["Trip 2", "Work 1", "New board"])
    expect(page.locator("#sheet")).to_be_hidden()  # a drag is no click
    for at in (2, 3):
        page.locator(f"#cell-{ids[at]}").click(modifiers=["Control"])
    drag(page, f"#cell-{ids[3]}", "[data-board=Work]")
    expect(strip).to_have_text(["Work 3", "Trip 2", "New board"])
    page.get_by_role("button", name="Undo").last.click()
    expect(strip).to_have_text(["Trip 2", "Work 1", "New board"])
    drag(page, f"#cell-{ids[2]}", ".make")
    page.fill("#labels-input", "Sea & sky")
    page.get_by_role("button", name="Save").click()
    expect(strip).to_have_text(["Sea & sky 2", "Trip 2", "Work 1", "New board"])
    page.keyboard.press("Escape")
    page.locator("[data-board=Trip]").click()
    expect(page.locator(".cell")).to_have_count(2)
    assert page.url.endswith("/library?board=Trip")
    expect(page.locator("[data-board=Trip]")).to_have_attribute("aria-pressed", "true")
    drag(page, f"#cell-{ids[0]}", "[data-board=Work]")
    expect(page.locator(".cell")).to_have_count(1)  # it is not on the board that is shown any more
    page.locator("[data-board=Trip]").click()
    expect(page.locator(".cell")).to_have_count(6)
    page.hover(f"#cell-{ids[4]}")
    page.mouse.down()
    page.mouse.move(700, 700, steps=3)
    expect(page.locator(".ghost")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".ghost")).to_have_count(0)
    page.mouse.up()


def test_sizes_are_chosen_and_kept(page: Page, studio: "Studio") -> None:
    ids = shelf.put(studio, *(f"number {at}" for at in range(30)))
    show(page, studio)
    before = box(page, f"#cell-{ids[20]}")[3]
    page.focus("#size")
    page.keyboard.press("End")
    page.wait_for_function(f"document.querySelector('#cell-{ids[29]}').getBoundingClientRect().height > 330")
    page.reload()
    expect(page.locator(".cell.there").first).to_be_visible()
    assert page.locator("#size").input_value() == "480"
    assert box(page, f"#cell-{ids[29]}")[3] > 1.5 * before
    page.focus("#size")
    page.keyboard.press("Home")
    page.wait_for_function(f"document.querySelector('#cell-{ids[29]}').getBoundingClientRect().height < 180")


def test_all_are_counted_though_not_all_are_there(page: Page, studio: "Studio") -> None:
    shelf.put_many(studio, 1234)
    show(page, studio)
    expect(page.locator("#found")).to_have_text("1,234 pictures")
    page.fill("#q", "negative:rain")
    expect(page.locator("#nothing-title")).to_have_text("Nothing found")


def test_a_hundred_thousand_are_scrolled_through(page: Page, studio: "Studio") -> None:
    page.add_init_script(ENDLESS)
    page.goto(f"{studio.url}/library")
    expect(page.locator("#found")).to_have_text("100,000 pictures")
    told: dict[str, Any] = page.evaluate(TO_THE_END)
    assert told["last"] == 100_000
    assert told["most"] <= 150
    assert told["nodes"] < 2000
    page.focus("#grid")
    page.keyboard.press("Home")
    expect(page.locator(".cell[aria-posinset='1']")).to_be_visible()
    page.keyboard.press("End")
    expect(page.locator(".cell[aria-posinset='100000'].active")).to_be_visible()


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 360)])
def test_comparing_is_accessible_and_fits(browser: Browser, studio: "Studio", scheme: str, width: int) -> None:
    emptied(studio.library)
    ids = shelf.put(studio, "a black cat on a mat", "a white cat", negative_prompt="rain")
    studio.library.change(ids[0], Changes(board="Trip"))
    context = browser.new_context(
        viewport={"width": width, "height": 780}, color_scheme="dark" if scheme == "dark" else "light", bypass_csp=True,
        reduced_motion="reduce",
    )  # fmt: skip
    page = context.new_page()
    show(page, studio)
    page.focus("#grid")
    page.keyboard.press("Control+a")
    page.click("#choose-compare")
    expect(page.locator("#compare tbody tr").first).to_be_visible()
    for mode in ("Side by side", "Slider"):
        page.get_by_role("button", name=mode).click()
        page.evaluate("window.axe") or page.add_script_tag(path=AXE)
        violations = page.evaluate("axe.run().then(found => found.violations)")
        told = [(v["id"], [n["target"] for n in v["nodes"]]) for v in violations]
        assert told == [], json.dumps(told, indent=1)
        assert page.evaluate("document.documentElement.scrollWidth") == width
        stage = box(page, ".compare-stage")
        for image in page.locator(".compare-stage img").all():
            left, top, wide, high = image.evaluate(BOX)
            assert left >= 0
            assert left + wide <= width
            assert top >= stage[1] - 1
            assert top + high <= stage[1] + stage[3] + 1
    context.close()

"""The canvas as a person uses it: zoom, tools, filters, colours, results. Oracles: numpy, scipy, Pillow, geometry."""

import time
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pytest
from PIL import Image, ImageFilter
from playwright.sync_api import Browser, Page, expect
from scipy import ndimage

from contract.requests import Inpaint
from tests.web.canvas import Hand, mask_of, noise, put, settle, submitted

if TYPE_CHECKING:
    from tests.web.conftest import Studio

pytestmark = pytest.mark.browser

WIDTH, HEIGHT = 1200, 800


@pytest.fixture
def table(browser: Browser, studio: "Studio") -> Iterator[Page]:
    """The page with a picture on the canvas."""
    context = browser.new_context(viewport={"width": 1280, "height": 1000}, has_touch=True)
    page = context.new_page()
    wrong: list[str] = []
    page.on("pageerror", lambda error: wrong.append(str(error)))
    page.goto(studio.url)
    page.fill("#prompt", "a red fish")
    put(page, noise(WIDTH, HEIGHT))
    page.focus("#mask-canvas")
    yield page
    context.close()
    assert not wrong


def test_a_mask_painted_at_37_and_at_400_percent_is_the_same_to_the_pixel(table: Page, studio: "Studio") -> None:
    """Real wheel and pointer events at the same places of the picture, at two zooms; and what geometry says of it."""
    hand = Hand(table)
    masks = []
    strokes = [[(500.0, 300.0), (600.0, 300.0), (600.0, 400.0)], [(500.0, 400.0)]]  # whole CSS pixels at 37 % and 400 %
    table.locator("#brush-size").fill("31")
    for percent, about in ((37, (700.0, 500.0)), (400, None)):
        if about is None:
            about = hand.screen([(550, 350)])[0]
        hand.zoom_to(percent, about)
        for stroke in strokes:
            for x, y in hand.screen(stroke):
                assert abs(x - round(x)) < 0.02, "the browser gives the mouse whole pixels"
                assert abs(y - round(y)) < 0.02
            hand.draw(stroke, whole=True)
        masks.append(mask_of(submitted(table, studio), studio))
        table.click("#clear-mask")
    np.testing.assert_array_equal(masks[0], masks[1])
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    along = np.hypot(x - np.clip(x, 500, 600), y - 300)
    down = np.hypot(x - 600, y - np.clip(y, 300, 400))
    near = np.minimum(np.minimum(along, down), np.hypot(x - 500, y - 400)) <= 15.5
    assert near.sum() > 6000
    np.testing.assert_array_equal(masks[0], np.where(near, 255, 0))


def test_pan_and_zoom(table: Page) -> None:
    hand = Hand(table)
    left, top, zoom = hand.place()
    middle = (left + 600 * zoom, top + 400 * zoom)
    table.mouse.move(*middle)
    table.mouse.down(button="middle")
    table.mouse.move(middle[0] + 60, middle[1] + 40)
    table.mouse.up(button="middle")
    assert hand.place() == pytest.approx((left + 60, top + 40, zoom), abs=0.5)
    table.keyboard.down("h")
    table.mouse.down()
    table.mouse.move(*middle)
    table.mouse.up()
    table.keyboard.up("h")
    assert hand.place() == pytest.approx((left, top, zoom), abs=0.5)
    table.keyboard.down(" ")  # after the mouse, not after an arrow key
    table.mouse.down()
    table.mouse.move(middle[0] - 30, middle[1])
    table.mouse.up()
    table.keyboard.up(" ")
    assert hand.place() == pytest.approx((left - 30, top, zoom), abs=0.5)
    table.click("#zoom-full")
    assert hand.place()[2] == pytest.approx(1)
    table.click("#zoom-out")
    expect(table.locator("#zoom-full")).to_have_text("75 %")
    table.keyboard.press("0")
    assert hand.place() == pytest.approx((left, top, zoom), abs=0.5)
    expect(table.locator("#undo")).to_be_disabled()  # none of it has painted
    assert table.evaluate("scrollX") == 0


def test_shapes_and_filters(table: Page, studio: "Studio") -> None:
    """Rectangle and lasso, taken away with Shift; invert, grow, shrink, feather."""
    hand = Hand(table)
    hand.zoom_to(100, (700.0, 500.0))
    table.keyboard.press("r")
    hand.draw([(400, 250), (700, 450)])
    table.keyboard.down("Shift")
    hand.draw([(500, 300), (550, 320)])
    table.keyboard.up("Shift")
    table.keyboard.press("l")
    hand.draw([(700, 450), (760, 450), (760, 500)])
    expected = np.zeros((HEIGHT, WIDTH), np.uint8)
    expected[250:450, 400:700] = 255
    expected[300:320, 500:550] = 0
    x, y = np.meshgrid(np.arange(WIDTH) + 0.5, np.arange(HEIGHT) + 0.5)
    corner = (x < 760) & (y > 450) & (y < 500) & ((x - 700) * 50 > (y - 450) * 60)
    expected[corner] = 255
    got = mask_of(submitted(table, studio), studio)
    assert (got != expected).sum() <= 60, "only centres on the very line may fall either way"
    expected = got
    table.fill("#mask-by", "5")
    table.click("#grow-mask")
    grown = ndimage.distance_transform_edt(expected == 0) <= 5
    np.testing.assert_array_equal(told(table, studio), np.where(grown, 255, 0))
    table.fill("#mask-by", "9")
    table.click("#shrink-mask")
    shrunk = ndimage.distance_transform_edt(grown) > 9
    np.testing.assert_array_equal(told(table, studio), np.where(shrunk, 255, 0))
    table.fill("#mask-by", "6")
    table.click("#feather-mask")
    soft = np.asarray(Image.fromarray(np.where(shrunk, 255, 0).astype(np.uint8)).filter(ImageFilter.GaussianBlur(6)))
    np.testing.assert_array_equal(told(table, studio), soft)
    table.click("#invert-mask")
    np.testing.assert_array_equal(told(table, studio), 255 - soft)
    for _ in range(4):
        table.click("#undo")
    np.testing.assert_array_equal(told(table, studio), expected)


def told(page: Page, studio: "Studio") -> Any:
    expect(page.locator("#editor")).not_to_have_attribute("aria-busy", "true")
    return mask_of(submitted(page, studio), studio)


def test_colours_become_part_of_the_picture(table: Page, studio: "Studio") -> None:
    hand = Hand(table)
    table.locator("#brush-colour").fill("#20a0f0")  # which chooses the layer too
    table.locator("#brush-size").fill("40")
    hand.draw([(300, 200), (500, 200)])
    expect(table.locator("#input-about")).to_contain_text("redrawn as a whole")
    request = submitted(table, studio)
    assert request.kind == "img2img"
    sent = opaque(studio.pixels(request.image))
    original = noise(WIDTH, HEIGHT)
    np.testing.assert_array_equal(sent[195:205, 300:500], np.broadcast_to((0x20, 0xA0, 0xF0), (10, 200, 3)))
    outside = np.ones((HEIGHT, WIDTH), bool)
    outside[178:222, 278:522] = False
    np.testing.assert_array_equal(sent[outside], original[outside])
    again = submitted(table, studio)
    assert again.image == request.image, "it was sent before"
    table.click("#on-mask")
    hand.draw([(300, 600)])
    request = submitted(table, studio)
    assert (request.kind, request.image) == ("inpaint", again.image)
    assert mask_of(request, studio)[195:205, 300:500].max() == 0
    table.click("#on-colour")
    table.click("#clear-sketch")
    plain = submitted(table, studio)
    np.testing.assert_array_equal(studio.pixels(plain.image), original)
    table.click("#undo")
    np.testing.assert_array_equal(opaque(studio.pixels(submitted(table, studio).image)), sent)
    table.keyboard.down("Alt")
    hand.draw([(400, 200)])
    table.keyboard.up("Alt")
    expect(table.locator("#brush-colour")).to_have_value("#20a0f0")


def opaque(pixels: Any) -> Any:
    """Red, green and blue of a picture that hides all that is behind it."""
    assert pixels[..., 3].min() == 255
    return pixels[..., :3]


def test_two_fingers_zoom_and_a_slip_of_the_first_paints_nothing(table: Page) -> None:
    hand = Hand(table)
    left, top, zoom = hand.place()
    a, b = hand.screen([(500, 400), (700, 400)])
    fingers = table.context.new_cdp_session(table)

    def touch(kind: str, *points: tuple[float, float]) -> None:
        at = [{"x": x, "y": y, "id": number} for number, (x, y) in enumerate(points)]
        fingers.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": at})

    touch("touchStart", a)
    touch("touchStart", a, b)
    spread = b[0] - a[0]
    touch("touchMove", (a[0] - spread / 2, a[1]), (b[0] + spread / 2, b[1]))
    touch("touchEnd")
    now = hand.place()
    assert now[2] == pytest.approx(2 * zoom, abs=0.002)
    assert now[0] + 600 * now[2] == pytest.approx(left + 600 * zoom, abs=1.5)
    assert now[1] + 400 * now[2] == pytest.approx(top + 400 * zoom, abs=1.5)
    expect(table.locator("#undo")).to_be_disabled()
    touch("touchStart", a)
    touch("touchMove", (a[0] + 50, a[1]))
    touch("touchEnd")
    expect(table.locator("#undo")).to_be_enabled()  # one finger paints


def test_a_pen_paints_as_wide_as_it_presses(table: Page, studio: "Studio") -> None:
    hand = Hand(table)
    table.locator("#brush-size").fill("100")
    (at,) = hand.screen([(600, 400)])
    pen = table.context.new_cdp_session(table)
    for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
        event = {"type": kind, "x": at[0], "y": at[1], "pointerType": "pen", "force": 0.5, "button": "left"}
        pen.send("Input.dispatchMouseEvent", {**event, "clickCount": 1, "buttons": int(kind == "mousePressed")})
    area = (mask_of(submitted(table, studio), studio) > 0).sum()
    assert area == pytest.approx(np.pi * 25**2, rel=0.03)


def test_keys_alone(table: Page, studio: "Studio") -> None:
    """Choose a tool, move, paint, fill a rectangle; the window follows the brush."""
    table.focus("#mask-canvas")
    table.keyboard.press("r")
    table.keyboard.press("ArrowRight")  # a quarter of 100 pixels
    table.keyboard.down(" ")
    for _ in range(7):
        table.keyboard.press("Shift+ArrowRight")
    for _ in range(3):
        table.keyboard.press("ArrowDown")
    table.keyboard.up(" ")
    mask = mask_of(submitted(table, studio), studio)
    rows, columns = np.nonzero(mask)
    assert (columns.min(), columns.max() + 1, rows.min(), rows.max() + 1) == (625, 632, 400, 475)
    assert len(rows) == 7 * 75
    table.focus("#mask-canvas")
    table.keyboard.press("1")
    for _ in range(40):
        table.keyboard.press("ArrowRight")
    settle(table)
    ring, stage = table.locator("#brush-ring").bounding_box(), table.locator("#stage").bounding_box()
    assert ring is not None
    assert stage is not None
    assert stage["x"] <= ring["x"] + ring["width"] / 2 <= stage["x"] + stage["width"]


def result(studio: "Studio", pixels: Any) -> str:
    """The job that was asked for is finished with these pixels."""
    job = studio.next_job()
    claim = studio.claim(job)
    made = studio.picture(claim, 0, pixels)
    studio.finish(claim)
    return made


def test_a_result_lies_over_the_original_and_is_taken_over(table: Page, studio: "Studio") -> None:
    hand = Hand(table)
    stage = table.locator("#stage").bounding_box()
    hand.draw([(300, 200), (500, 300)])
    table.click("#generate")
    first = result(studio, noise(WIDTH, HEIGHT, 1))
    after = table.locator("#review .slider-right")
    expect(after).to_have_attribute("src", f"/api/v1/images/{first}")
    settle(table)
    now = table.locator("#stage").bounding_box()
    assert now is not None
    assert stage is not None
    assert now["height"] == stage["height"]
    boxes = [table.locator(f"#review .slider-{side}").bounding_box() for side in ("left", "right")]
    assert boxes[0] == boxes[1]
    line = table.get_by_label("Line between before and after")
    line.focus()
    table.keyboard.press("End")
    expect(table.locator("#review .slider")).to_have_css("--split", "1")
    left, top, zoom = hand.place()
    (middle,) = hand.screen([(600, 400)])
    drags: list[tuple[Literal["left", "middle"], str]] = [("middle", "Shift"), ("left", "h")]
    for button, key in drags:  # what drags the picture does so under the line, too
        table.mouse.move(*middle)
        table.keyboard.down(key)
        table.mouse.down(button=button)
        table.mouse.move(middle[0] + 40, middle[1] + 30, steps=2)
        table.mouse.up(button=button)
        table.keyboard.up(key)
        left, top = left + 40, top + 30
        assert hand.place() == pytest.approx((left, top, zoom), abs=0.5)
    expect(table.locator("#review .slider")).to_have_css("--split", "1")
    table.get_by_role("button", name="Another seed").click()
    request = studio.next_job()
    studio.seen.discard(request.id)
    second = result(studio, noise(WIDTH, HEIGHT, 2))
    expect(after).to_have_attribute("src", f"/api/v1/images/{second}")
    jobs = {job.id: job.request for job in studio.store.page(state=None, kind=None, before=None, limit=20)[0]}
    seeds = [asked.model_dump(exclude={"seed"}) for asked in jobs.values()]
    assert seeds[0] == seeds[1]
    assert len({asked.seed for asked in jobs.values()}) == 2
    discard = table.locator("#review-bar").get_by_text("Discard")
    discard.click()
    discard.click()
    expect(table.locator(".job")).to_have_count(1)
    expect(table.locator("#review")).to_be_hidden()
    assert studio.store.image(second) is None
    table.click("#generate")
    third = result(studio, noise(WIDTH, HEIGHT, 3))
    table.locator("#review-bar").get_by_text("Accept").click()
    expect(table.locator("#input-picture")).to_have_attribute("src", f"/api/v1/images/{third}")
    expect(table.locator("#review")).to_be_hidden()
    expect(table.locator("#undo")).to_be_disabled()


def test_somebody_who_paints_on_is_not_interrupted(table: Page, studio: "Studio") -> None:
    hand = Hand(table)
    hand.draw([(300, 200)])
    table.click("#generate")
    job = studio.next_job()
    hand.draw([(600, 400)])
    claim = studio.claim(job)
    studio.picture(claim, 0, noise(WIDTH, HEIGHT, 1))
    studio.finish(claim)
    expect(table.locator(".job")).to_have_attribute("data-state", "succeeded")
    expect(table.locator("#review")).to_be_hidden()


def test_raw_beside_output_and_where_they_differ(table: Page, studio: "Studio") -> None:
    Hand(table).draw([(300, 200), (500, 300)])
    table.click("#generate")
    job = studio.next_job()
    claim = studio.claim(job)
    made = noise(WIDTH, HEIGHT, 1) // 2
    raw = made.copy()
    raw[100:200, 100:200] += 40
    studio.picture(claim, 0, made)
    studio.picture(claim, 0, raw, "raw")
    studio.finish(claim)
    table.locator(".result .enlarge").click()
    table.locator("#viewer").get_by_text("Raw", exact=True).click()
    expect(table.locator("#viewer figcaption").last).to_have_text("Where they differ, by 40 of 255 at most")
    table.locator("#viewer").get_by_text("Before and after").click()
    assert isinstance(job.request, Inpaint)
    expect(table.locator("#viewer .slider-left")).to_have_attribute("src", f"/api/v1/images/{job.request.image}")
    left, right = (table.locator(f"#viewer .slider-{side}").bounding_box() for side in ("left", "right"))
    assert left == right  # one lies on the other


def test_a_reload_loses_nothing(table: Page, studio: "Studio") -> None:
    hand = Hand(table)
    hand.draw([(300, 200), (500, 300)])
    table.click("#on-colour")
    hand.draw([(700, 500), (800, 500)])
    before = submitted(table, studio)  # the page has long opened its database by now
    kept = """async () => {
        const opening = indexedDB.open("darkroom", 2);
        await new Promise((done) => (opening.onsuccess = done));
        const all = opening.result.transaction("canvas").objectStore("canvas").getAll();
        await new Promise((done) => (all.onsuccess = done));
        opening.result.close();
        return all.result.some(({ mask, sketch }) => mask && sketch);
    }"""
    deadline = time.monotonic() + 60
    while not table.evaluate(kept):
        assert time.monotonic() < deadline
        table.wait_for_timeout(200)
    table.reload()
    expect(table.locator("#clear-sketch")).to_be_enabled()
    after = submitted(table, studio)
    np.testing.assert_array_equal(mask_of(after, studio), mask_of(before, studio))
    np.testing.assert_array_equal(studio.pixels(after.image), studio.pixels(before.image))

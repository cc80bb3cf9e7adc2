"""The page in Chromium on the real api: what a person does, and what they see while the worker (the test) works."""

import io
import json
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from playwright.sync_api import Browser, Page, expect

from contract.jobs import JobState
from contract.requests import Img2Img, Txt2Img

if TYPE_CHECKING:
    from tests.web.conftest import Studio

pytestmark = pytest.mark.browser

AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"


def colour(*rgb: int) -> NDArray[np.uint8]:
    """A plain picture of 128 x 128."""
    return np.full((128, 128, 3), rgb, np.uint8)


def jpeg(pixels: NDArray[np.uint8]) -> bytes:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "jpeg")
    return out.getvalue()


def generate(page: Page, prompt: str = "a black cat") -> None:
    page.fill("#prompt", prompt)
    page.click("#generate")


def drop_picture(page: Page, size: tuple[int, int] = (128, 128)) -> None:
    out = io.BytesIO()
    Image.new("RGB", size, (10, 20, 30)).save(out, "png")
    page.set_input_files("#image-file", {"name": "start.png", "mimeType": "image/png", "buffer": out.getvalue()})
    page.wait_for_selector("#mask-canvas")


def test_a_prompt_becomes_a_picture(page: Page, studio: "Studio") -> None:
    page.fill("#negative_prompt", "rain")
    page.fill("#steps", "8")
    page.fill("#seed", "123")
    page.select_option("#sampler", "euler_a")
    page.select_option("#schedule", "normal")
    generate(page, "a black cat on a beach at sunset")
    job = studio.next_job()
    assert job.request.model_dump() == Txt2Img(
        prompt="a black cat on a beach at sunset", negative_prompt="rain", model=studio.model, width=128, height=128,
        steps=8, sampler="euler_a", schedule="normal", guidance=7.5, seed=123, count=1,
    ).model_dump()  # fmt: skip
    expect(page.locator(".job .standing")).to_have_text("Waiting, next in line")
    before = page.locator(".frame .paper").bounding_box()
    claim = studio.claim(job)
    studio.step(claim, 3, jpeg(colour(200, 10, 10)))
    expect(page.locator("#progress-text")).to_contain_text("Step 3 of 8")
    expect(page.locator("#progress")).to_have_attribute("aria-valuenow", "38")
    expect(page.locator(".preview img")).to_be_visible()
    image_id = studio.picture(claim, 0, colour(0, 0, 200))
    studio.finish(claim)
    result = page.locator(".result img[data-role=output]")
    expect(result).to_have_attribute("data-image-id", image_id)
    expect(page.locator(".result .seed")).to_have_text("seed 123")
    expect(page.locator(".job")).to_have_attribute("data-state", "succeeded")
    expect(page.locator("#cancel")).to_be_disabled()
    expect(page.locator("#announce")).to_contain_text("1 picture")
    assert page.locator(".frame .paper").bounding_box() == before  # nothing jumped
    with page.expect_download() as download:
        page.get_by_label("Download", exact=True).click()
    assert download.value.suggested_filename == "darkroom-123.png"
    assert np.array_equal(np.asarray(Image.open(download.value.path())), colour(0, 0, 200))


def test_pictures_appear_one_by_one(page: Page, studio: "Studio") -> None:
    page.fill("#count", "3")
    page.fill("#seed", "5")
    generate(page)
    claim = studio.claim(studio.next_job())
    expect(page.locator(".frame")).to_have_count(3)
    for number in range(3):
        studio.picture(claim, number, colour(number * 40, 0, 0))
        studio.step(claim, 20 * (number + 1))
        expect(page.locator(".result img")).to_have_count(number + 1)
    studio.finish(claim)
    expect(page.locator(".result .seed")).to_have_text(["seed 5", "seed 6", "seed 7"])


def test_cancel_and_escape(page: Page, studio: "Studio") -> None:
    generate(page, "first")
    first = studio.next_job()
    generate(page, "second")
    second = studio.next_job()
    expect(page.locator(".job .asked")).to_have_text(["second", "first"])
    page.click("#cancel")  # the newest
    expect(page.locator(f"[data-job-id={second.id}]")).to_have_attribute("data-state", "cancelled")
    claim = studio.claim(first)
    studio.step(claim, 1)
    expect(page.locator("#progress-text")).to_contain_text("Step 1 of 20")
    page.keyboard.press("Escape")
    page.wait_for_timeout(300)
    assert studio.store.progress(claim, 2).name == "CANCEL"
    assert studio.store.cancelled(claim)
    expect(page.locator(f"[data-job-id={first.id}]")).to_have_attribute("data-state", "cancelled")


def test_ctrl_enter_generates(page: Page, studio: "Studio") -> None:
    page.fill("#prompt", "a boat")
    page.keyboard.press("Control+Enter")
    assert studio.next_job().request.prompt == "a boat"


def test_a_reload_finds_the_running_job_again(page: Page, studio: "Studio") -> None:
    generate(page, "a green bird")
    claim = studio.claim(studio.next_job())
    studio.step(claim, 4)
    expect(page.locator("#progress-text")).to_contain_text("Step 4 of 20")
    page.reload()
    expect(page.locator(".job .asked")).to_have_text("a green bird")
    expect(page.locator("#progress-text")).to_contain_text("Step 4 of 20")
    expect(page.locator("#prompt")).to_have_value("a green bird")
    studio.picture(claim, 0, colour(0, 99, 0))
    studio.finish(claim)
    expect(page.locator(".result img")).to_be_visible()
    page.reload()
    expect(page.locator(".result img")).to_be_visible()
    expect(page.locator(".job .standing")).to_contain_text("1 picture")


def test_a_lost_connection_is_told_and_comes_back(page: Page, studio: "Studio") -> None:
    generate(page)
    claim = studio.claim(studio.next_job())
    expect(page.locator(".job")).to_have_attribute("data-state", "running")
    page.context.set_offline(True)
    studio.step(claim, 7)
    expect(page.locator("#service")).to_contain_text("cannot be reached")
    page.context.set_offline(False)
    studio.picture(claim, 0, colour(1, 2, 3))
    studio.finish(claim)
    expect(page.locator(".result img")).to_be_visible()
    expect(page.locator("#service")).to_have_text("Ready")


def test_a_full_queue_is_waited_for_and_escape_gives_up(page: Page, studio: "Studio") -> None:
    for number in range(3):  # the fixture's queue takes three
        generate(page, f"number {number}")
        studio.next_job()
    generate(page, "one too many")
    expect(page.locator("#progress-text")).to_contain_text("Trying again in 30 s")
    page.keyboard.press("Escape")
    expect(page.locator("#generate")).to_have_attribute("aria-disabled", "false")
    assert studio.store.counts() == (3, 0)


def test_what_the_browser_can_tell_is_told_beside_the_field(page: Page, studio: "Studio") -> None:
    page.fill("#steps", "5000")
    page.fill("#width", "100")
    page.click("#generate")
    for name in ("prompt", "steps", "width"):
        expect(page.locator(f"#{name}-error")).not_to_be_empty()
        expect(page.locator(f"#{name}")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#prompt")).to_be_focused()
    expect(page.locator("#problem")).to_contain_text("Steps:")
    assert studio.store.counts() == (0, 0)
    page.fill("#steps", "20")
    page.fill("#width", "")
    generate(page)
    assert studio.next_job().request.model_dump()["steps"] == 20
    expect(page.locator("#problem")).to_be_hidden()


def test_what_the_server_refuses_is_told_beside_the_field(page: Page, studio: "Studio") -> None:
    page.fill("#width", "2048")
    page.fill("#height", "2048")
    generate(page)
    expect(page.locator("#width-error")).to_contain_text("at most 1048576")
    expect(page.locator("#problem")).to_contain_text("Width: 2048 x 2048")
    expect(page.locator("#width")).to_be_focused()


def test_a_picture_that_is_none_is_refused(page: Page, studio: "Studio") -> None:
    page.set_input_files("#image-file", {"name": "a.gif", "mimeType": "image/gif", "buffer": b"GIF89a"})
    expect(page.locator("#image-error")).to_have_text("This is not a PNG, JPEG or WebP picture.")
    page.set_input_files("#image-file", {"name": "a.png", "mimeType": "image/png", "buffer": b"no picture"})
    expect(page.locator("#image-error")).not_to_have_text("This is not a PNG, JPEG or WebP picture.")
    expect(page.locator("#image-error")).not_to_be_empty()
    expect(page.locator("#editor")).to_be_hidden()


def test_a_failed_job_says_why(page: Page, studio: "Studio") -> None:
    generate(page)
    claim = studio.claim(studio.next_job())
    studio.fail(claim, "No room. Choose a smaller size.")
    expect(page.locator(".failure")).to_have_text("No room. Choose a smaller size.")
    expect(page.locator("#announce")).to_have_text("Failed: No room. Choose a smaller size.")
    expect(page.locator(".frame")).to_have_count(0)


def test_prompts_are_text_and_nothing_else(page: Page, studio: "Studio") -> None:
    prompt = "<img src=x onerror=alert(1)> & <b>bold</b>"
    generate(page, prompt)
    claim = studio.claim(studio.next_job())
    studio.picture(claim, 0, colour(9, 9, 9))
    studio.finish(claim)
    expect(page.locator(".asked")).to_have_text(prompt)
    expect(page.locator(".asked *")).to_have_count(0)
    expect(page.locator(".result img")).to_have_attribute("alt", f"{prompt}, seed {studio_seed(studio)}")


def studio_seed(studio: "Studio") -> int:
    (job,), _ = studio.store.page(state=JobState.SUCCEEDED, kind=None, before=None, limit=1)
    assert job.images[0].seed is not None
    return job.images[0].seed


def test_a_picture_is_redrawn_from_a_picture(page: Page, studio: "Studio") -> None:
    expect(page.locator("#strength")).to_be_hidden()
    drop_picture(page, (200, 136))
    expect(page.locator("#width")).to_have_attribute("placeholder", "200")
    page.fill("#strength", "0.4")
    page.click("#picture-more summary")
    page.select_option("#resize", "crop")
    generate(page)
    request = studio.next_job().request
    assert isinstance(request, Img2Img)
    assert (request.strength, request.resize, request.width, request.height) == (0.4, "crop", 200, 136)
    assert studio.pixels(request.image).shape[:2] == (136, 200)
    page.click("#remove-image")
    generate(page)
    assert studio.next_job().kind == "txt2img"


def test_same_settings_bring_back_everything_and_raw_is_shown_on_demand(page: Page, studio: "Studio") -> None:
    drop_picture(page)
    canvas = page.locator("#mask-canvas").bounding_box()
    assert canvas is not None
    page.mouse.move(canvas["x"] + 100, canvas["y"] + 100)
    page.mouse.down()
    page.mouse.move(canvas["x"] + 200, canvas["y"] + 150)
    page.mouse.up()
    expect(page.locator("#strength")).to_have_value("1")
    page.click("#picture-more summary")
    page.fill("#padding", "48")
    page.select_option("#fill", "noise")
    page.fill("#seed", "77")
    page.fill("#count", "2")
    generate(page, "a fish")
    job = studio.next_job()
    claim = studio.claim(job)
    for number in range(2):
        studio.picture(claim, number, colour(0, 0, 100))
        raw = studio.picture(claim, number, colour(100, 0, 0), "raw")
    studio.finish(claim)
    second = page.locator(".result").nth(1)
    expect(second.locator("img")).to_have_attribute("data-role", "output")
    second.get_by_label("Show raw").click()
    expect(second.locator("img")).to_have_attribute("data-image-id", raw)
    page.click("#remove-image")
    for name, value in {"#prompt": "another", "#seed": "1", "#guidance": "3"}.items():
        page.fill(name, value)
    second.get_by_label("Same settings").click()
    expect(page.locator("#seed")).to_have_value("78")  # that picture's own
    expect(page.locator("#mask-canvas")).to_be_visible()
    page.click("#generate")
    again = studio.next_job().request
    assert again == job.request.model_copy(update={"seed": 78, "count": 1})  # the mask's id says its bytes are the same


def test_use_as_input_and_delete(page: Page, studio: "Studio") -> None:
    """Of one picture; of many, one is kept or discarded (test_contact.py)."""
    generate(page)
    job = studio.next_job()
    claim = studio.claim(job)
    made = studio.picture(claim, 0, colour(50, 0, 0))
    studio.finish(claim)
    result = page.locator(f".result:has([data-image-id={made}])")
    result.get_by_label("Use as input").click()
    expect(page.locator("#input-picture")).to_have_attribute("src", f"/api/v1/images/{made}")
    result.locator(".enlarge").click()
    delete = page.locator("#viewer").get_by_title("Delete")
    delete.click()
    expect(result).to_have_count(1)  # asked once more
    delete.click()
    expect(page.locator(".job")).to_have_count(0)
    assert studio.store.image(made) is None
    assert studio.store.get(job.id) is None


def test_a_picture_can_be_enlarged(page: Page, studio: "Studio") -> None:
    page.fill("#count", "2")
    generate(page, "a tree")
    claim = studio.claim(studio.next_job())
    ids = [studio.picture(claim, number, colour(0, 50 * number, 0)) for number in range(2)]
    studio.finish(claim)
    page.locator(".result .enlarge").first.click()
    expect(page.locator("#viewer img")).to_have_attribute("src", f"/api/v1/images/{ids[0]}")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#viewer img")).to_have_attribute("src", f"/api/v1/images/{ids[1]}")
    page.keyboard.press("Escape")
    expect(page.locator("#viewer")).to_be_hidden()


def test_shapes_keep_the_area_the_model_is_used_to(page: Page, studio: "Studio") -> None:
    page.get_by_label("16:9 shape").click()
    expect(page.locator("#width")).to_have_value("168")  # sqrt(128 * 128 * 16 / 9) = 170.7
    expect(page.locator("#height")).to_have_value("96")
    page.click("#swap")
    expect(page.locator("#width")).to_have_value("96")
    page.get_by_label("4:3 shape").click()  # stays upright
    expect(page.locator("#height")).to_have_value("144")  # 147.8
    expect(page.locator("#width")).to_have_value("112")  # 110.9


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1440), ("light", 360)])
def test_accessible_and_no_wider_than_the_screen(browser: Browser, studio: "Studio", scheme: str, width: int) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if scheme == "dark" else "light", bypass_csp=True,
        reduced_motion="reduce",
    )  # fmt: skip
    page = context.new_page()
    page.goto(studio.url)
    drop_picture(page)
    if width == 360:
        page.click("#settings-toggle")
    page.fill("#count", "3")
    generate(page)
    claim = studio.claim(studio.next_job())
    studio.picture(claim, 0, colour(90, 90, 90))
    studio.step(claim, 5)
    expect(page.locator(".result img")).to_be_visible()
    generate(page, "failing")
    studio.fail(studio.claim(studio.next_job()), "No room.")
    expect(page.locator(".failure")).to_have_count(2)
    page.add_script_tag(path=AXE)
    violations = page.evaluate("axe.run().then(found => found.violations)")
    told = [(v["id"], [n["target"] for n in v["nodes"]]) for v in violations]
    assert told == [], json.dumps(told, indent=1)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    context.close()

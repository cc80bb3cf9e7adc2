"""The queue's page in Chromium on the real api: what runs and waits, in order, and what is done about it."""

import json
import re
import signal
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect

from contract.deaths import death
from contract.ids import new_job_id
from contract.jobs import JobState, MemoryUse, ModelInfo, WorkerInfo
from contract.requests import Txt2Img
from contract.steering import Steering
from contract.store import Claim
from tests.api.kit import emptied
from tests.web.shelf import COLOURS, unopened
from tests.web.test_browser import colour

if TYPE_CHECKING:
    from tests.web.conftest import Studio

pytestmark = pytest.mark.browser

AXE = Path(__file__).parent / "vendor" / "axe-core" / "axe.min.js"
SMALL = "nodes => nodes.filter(node => node.getBoundingClientRect().height < 43.5).map(node => node.outerHTML)"
HIDE = """hidden => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => hidden });
  document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture
def queue(browser: Browser, studio: "Studio") -> Iterator[Page]:
    with unopened(browser, studio, 900) as page:
        yield page


def submit(studio: "Studio", prompt: str, **fields: object) -> str:
    """A job of 20 steps."""
    values = {"prompt": prompt, "model": studio.model, "width": 128, "height": 128, "seed": 7, "steps": 20, **fields}
    request = Txt2Img.model_validate(values)
    steps = 20 * request.count
    return studio.store.submit(new_job_id(), request, owner="local", steps=steps, inputs={}, max_queue=100).id


def claim(studio: "Studio", job_id: str) -> Claim:
    taken = studio.store.claim("w", 60)
    assert taken is not None
    assert taken.job_id == job_id
    return taken


def kill(studio: "Studio", prompt: str) -> str:
    """A job that crashes its worker until it is a dead letter."""
    job_id = submit(studio, prompt)
    for _ in range(3):
        assert studio.store.claim("dies", 60)
        studio.store.bury("dies", 9, death(-signal.SIGSEGV))
    return job_id


def show(page: Page, studio: "Studio") -> None:
    page.goto(f"{studio.url}/queue")
    expect(page.locator("#active:not([aria-busy])")).to_be_attached()


def row(page: Page, job_id: str) -> Locator:
    return page.locator(f".row[data-job-id={job_id}]")


def order(page: Page) -> list[str]:
    ids: list[str] = page.locator("#active .row").evaluate_all("rows => rows.map(row => row.dataset.jobId)")
    return ids


def test_a_job_goes_from_waiting_to_its_picture(queue: Page, studio: "Studio") -> None:
    page, ids = queue, [submit(studio, "a black cat", count=2, priority="high"), submit(studio, "a red boat")]
    show(page, studio)
    assert order(page) == ids
    first, second = (row(page, job_id) for job_id in ids)
    expect(first).to_contain_text("High priority · From words · 2 pictures · 128\u00a0×\u00a0128")
    expect(first.locator(".row-standing")).to_have_text("Next in line")
    expect(second.locator(".row-standing")).to_have_text("1 job ahead")
    expect(first.locator(".row-when")).to_have_text("When is not known yet")
    expect(page.locator("#summary")).to_have_text("2 waiting")
    taken = claim(studio, ids[0])
    time.sleep(1.1)  # the ledger wants to have seen a second of it before it tells how fast a worker is
    studio.step(taken, 10)
    expect(first.locator(".row-standing")).to_contain_text("Step 10 of 40")
    expect(first.get_by_role("progressbar")).to_have_attribute("aria-valuenow", "25")
    expect(first.locator(".row-when")).to_contain_text("Done")
    expect(second.locator(".row-when")).to_contain_text("Starts")
    expect(page.locator("#announce")).to_contain_text("a black cat: Step 10 of 40")
    picture = studio.picture(taken, 0, colour(*COLOURS[0]))
    studio.finish(taken)
    expect(page.locator("#ended .row")).to_have_count(1)
    expect(first.locator(".row-standing")).to_contain_text("1 picture in")
    expect(first.locator(".row-when")).to_contain_text("Ended")
    expect(first.locator(".thumb")).to_have_attribute("href", f"/library/{picture}")
    expect(first.locator(".thumb img")).to_be_visible()
    assert order(page) == [ids[1]]


def test_an_empty_queue_is_kind_and_fills_by_itself(queue: Page, studio: "Studio") -> None:
    page = queue
    show(page, studio)
    expect(page.locator("#empty")).to_contain_text("Nothing is waiting")
    job_id = submit(studio, "a cat")
    expect(row(page, job_id)).to_be_visible()
    expect(page.locator("#empty")).to_be_hidden()


def test_places_are_changed_by_keyboard_and_the_focus_stays(queue: Page, studio: "Studio") -> None:
    page, ids = queue, [submit(studio, f"number {at}") for at in range(3)]
    show(page, studio)
    row(page, ids[0]).focus()
    page.keyboard.press("End")
    expect(row(page, ids[2])).to_be_focused()
    page.keyboard.press("Alt+ArrowUp")
    expect(page.locator("#announce")).to_contain_text("Moved. Waiting, 1 job ahead")
    expect(page.locator("#active .row").nth(1)).to_have_attribute("data-job-id", ids[2])
    expect(row(page, ids[2])).to_be_focused()
    earlier = row(page, ids[2]).get_by_role("button", name="Sooner")
    earlier.focus()
    page.keyboard.press("Enter")
    expect(page.locator("#active .row").first).to_have_attribute("data-job-id", ids[2])
    expect(earlier).to_be_focused()
    expect(earlier).to_have_attribute("aria-disabled", "true")  # it is the first, and the button stays
    page.keyboard.press("Enter")
    page.keyboard.press("ArrowDown")
    expect(row(page, ids[0])).to_be_focused()
    claim(studio, ids[2])  # those above it go or come, and it keeps the focus
    studio.store.cancel(ids[1])
    expect(page.locator("#active .row")).to_have_count(2)
    expect(row(page, ids[0])).to_be_focused()


def test_a_row_is_dragged_to_another_place(queue: Page, studio: "Studio") -> None:
    page, ids = queue, [submit(studio, f"number {at}") for at in range(3)]
    show(page, studio)
    target = row(page, ids[0])
    row(page, ids[2]).hover()
    row(page, ids[2]).locator(".grip").drag_to(target, target_position={"x": 300, "y": 4})
    expect(page.locator("#active .row").first).to_have_attribute("data-job-id", ids[2])
    assert order(page) == [ids[2], ids[0], ids[1]]
    assert [job.id for job in Steering(studio.store).active("local", 9)[0]] == order(page)


def test_a_drag_that_is_given_up_moves_nothing(queue: Page, studio: "Studio") -> None:
    page, ids = queue, [submit(studio, f"number {at}") for at in range(3)]
    show(page, studio)
    grip, target = row(page, ids[2]).locator(".grip").bounding_box(), row(page, ids[0]).bounding_box()
    assert grip
    assert target
    page.mouse.move(grip["x"] + 8, grip["y"] + 20)
    page.mouse.down()
    page.mouse.move(target["x"] + 90, target["y"] + 4, steps=4)
    expect(row(page, ids[0])).to_have_class(re.compile("drop-before"))
    page.keyboard.press("Escape")
    expect(row(page, ids[0])).not_to_have_class(re.compile("drop-before"))
    page.mouse.up()
    expect(row(page, ids[2])).not_to_have_css("translate", re.compile("px"))
    assert [job.id for job in Steering(studio.store).active("local", 9)[0]] == ids


@pytest.mark.parametrize("width", [360, 1024])
def test_a_finger_drags_a_row_by_its_dots_and_scrolls_elsewhere(browser: Browser, studio: "Studio", width: int) -> None:
    emptied(studio.library)
    context = browser.new_context(viewport={"width": width, "height": 780}, has_touch=True, reduced_motion="reduce")
    page, ids = context.new_page(), [submit(studio, f"number {at}") for at in range(4)]
    show(page, studio)
    row(page, ids[3]).get_by_role("button", name="Sooner").tap()  # the buttons do it one place at a time
    expect(page.locator("#announce")).to_contain_text("Moved.")
    expect(page.locator("#active .row").last).to_have_attribute("data-job-id", ids[2])
    last = row(page, ids[2])
    last.scroll_into_view_if_needed()
    grip, target = last.locator(".grip").bounding_box(), row(page, ids[1]).bounding_box()
    assert grip
    assert target
    if width == 360:
        assert min(grip["width"], grip["height"]) >= 44
    expect(last.locator(".grip")).to_have_css("touch-action", "none")
    touch = context.new_cdp_session(page)

    def finger(kind: str, *points: tuple[float, float]) -> None:
        touch.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": y} for x, y in points]})

    x, y = grip["x"] + grip["width"] / 2, grip["y"] + grip["height"] / 2
    finger("touchStart", (x, y))
    for part in (0.3, 0.6, 1.0):
        finger("touchMove", (x, y + (target["y"] + 8 - y) * part))
    expect(row(page, ids[1])).to_have_class(re.compile("drop-before"))
    finger("touchEnd")
    expect(page.locator("#active .row").nth(1)).to_have_attribute("data-job-id", ids[2])
    assert [job.id for job in Steering(studio.store).active("local", 9)[0]] == [ids[0], ids[2], ids[1], ids[3]]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    context.close()


def test_a_waiting_job_gets_another_priority(queue: Page, studio: "Studio") -> None:
    page, ids = queue, [submit(studio, f"number {at}") for at in range(3)]
    show(page, studio)
    choice = row(page, ids[2]).get_by_label("Priority")
    expect(choice).to_have_value("normal")
    choice.focus()
    choice.select_option("high")
    expect(page.locator("#active .row").first).to_have_attribute("data-job-id", ids[2])
    expect(row(page, ids[2]).locator(".row-facts")).to_contain_text("High priority")
    expect(page.locator("#announce")).to_contain_text("High priority. Waiting, next in line")
    expect(choice).to_be_focused()
    page.keyboard.press("ArrowDown")  # chooses, and does not go to the next row
    expect(row(page, ids[2]).locator(".row-facts")).not_to_contain_text("priority")
    expect(choice).to_have_value("normal")
    row(page, ids[0]).get_by_label("Priority").select_option("low")
    expect(page.locator("#active .row").last).to_have_attribute("data-job-id", ids[0])
    requests = [job.request for job in studio.store.get_many(ids)]
    assert [isinstance(each, Txt2Img) and each.priority for each in requests] == ["low", "normal", "normal"]
    taken = claim(studio, ids[1])
    expect(row(page, ids[1]).get_by_label("Priority")).to_be_hidden()
    studio.finish(taken)


def test_pausing_cancelling_and_trying_again(queue: Page, studio: "Studio") -> None:
    page, (first, second) = queue, (submit(studio, "one"), submit(studio, "two"))
    show(page, studio)
    row(page, first).focus()
    page.keyboard.press("p")
    expect(row(page, first).locator(".row-standing")).to_have_text("Paused")
    expect(row(page, first)).to_be_focused()
    assert order(page) == [second, first]
    page.keyboard.press("p")
    expect(row(page, first).locator(".row-standing")).to_have_text("Next in line")
    page.keyboard.press("Delete")
    expect(page.locator("#ended .row")).to_have_count(1)
    expect(row(page, first)).to_be_focused()  # in its new list
    page.keyboard.press("r")
    expect(page.locator("#toasts")).to_contain_text("one is in the queue once more")
    expect(page.locator("#active .row")).to_have_count(2)
    studio.fail(claim(studio, second), "No room. Choose a smaller size.")
    expect(row(page, second).locator(".row-failure")).to_have_text("No room. Choose a smaller size.")
    expect(page.locator("#announce")).to_contain_text("Failed: No room.")
    remove = row(page, second).get_by_role("button", name="Delete")
    remove.click()
    assert studio.store.get(second)  # it asks once more
    remove.click()
    expect(row(page, second)).to_have_count(0)
    assert studio.store.get(second) is None


def test_all_that_wait_are_cleared_at_once(queue: Page, studio: "Studio") -> None:
    page, ids = queue, [submit(studio, f"number {at}") for at in range(4)]
    taken = claim(studio, ids[0])
    show(page, studio)
    clear = page.locator("#clear")
    clear.click()
    assert studio.store.counts() == (3, 1)
    clear.click()
    expect(page.locator("#toasts")).to_contain_text("3 waiting jobs were cancelled")
    expect(page.locator("#ended .row")).to_have_count(3)
    expect(clear).to_have_css("visibility", "hidden")
    assert order(page) == [ids[0]]
    assert studio.store.counts() == (0, 1)
    studio.finish(taken)


def test_workers_and_how_true_the_times_are(queue: Page, studio: "Studio") -> None:
    page, job_id = queue, submit(studio, "a cat")
    claim(studio, job_id)
    model = ModelInfo(
        name=studio.model, label="Mini", description="", hash="0" * 64, native_width=128, native_height=128,
        prediction="v_prediction", text_layers=4,
    )  # fmt: skip
    studio.present(
        WorkerInfo(
            id="w", host="attic", device="NVIDIA H100", models=[model], rows=12, busy=1, ready=True,
            heartbeat_at=datetime.now(UTC), memory=MemoryUse(used=20_000_000_000, total=80_000_000_000),
            counters={"images": 1234.0},
        )
    )  # fmt: skip
    studio.store.redis.lpush("darkroom:foretold", "100000 90000")
    show(page, studio)
    card = page.locator(".worker")
    expect(card).to_contain_text("NVIDIA H100")
    expect(card).to_contain_text("Mini · w, attic")
    expect(card.locator(".worker-doing")).to_have_text("1 job · 12 rows in flight · 1,234 pictures so far")
    expect(card.locator(".worker-jobs")).to_have_text("a cat")
    expect(card.get_by_role("meter")).to_have_attribute("aria-valuetext", "20 of 80 GB of memory")
    expect(page.locator("#estimates")).to_contain_text("within 10%")
    studio.store.withdraw("w")
    with studio._beats:
        studio._worker = None
        studio.store.withdraw("w")
    expect(page.locator("#no-workers")).to_be_visible()
    expect(page.locator(".worker")).to_have_count(0)


def test_an_admin_tries_dead_letters_again_or_forgets_them(queue: Page, studio: "Studio") -> None:
    page = queue
    ids = [kill(studio, "first poison"), kill(studio, "second poison")]
    show(page, studio)
    letters = page.locator(".letter")
    expect(letters).to_have_count(2)
    expect(letters.first).to_contain_text("It made its worker crash (SIGSEGV). It was begun 3 times")
    letters.first.get_by_role("button", name="Try again").click()
    expect(letters).to_have_count(1)
    expect(page.locator("#active .row")).to_contain_text("second poison")
    for _ in range(2):
        page.locator("#purge").click()
    expect(page.locator("#letters-part")).to_be_hidden()
    assert {studio.store.get(job_id).state for job_id in ids} == {JobState.FAILED}  # type: ignore[union-attr]


def test_a_broken_connection_is_told_and_heals_and_nobody_asks_for_a_hidden_page(queue: Page, studio: "Studio") -> None:
    page, asked = queue, []
    show(page, studio)
    page.route("**/api/**", lambda route: route.abort())
    expect(page.locator("#service")).to_contain_text("cannot be reached. Trying again.")
    page.unroute("**/api/**")
    job_id = submit(studio, "a cat")
    expect(row(page, job_id)).to_be_visible()
    expect(page.locator("#service")).to_contain_text("1 waiting")

    def note(route: Route) -> None:
        asked.append(route.request.url)
        route.continue_()

    page.evaluate(HIDE, True)
    page.wait_for_timeout(500)  # what was under way
    page.route("**/api/v1/jobs/active", note)
    page.wait_for_timeout(4000)
    assert asked == []
    page.evaluate(HIDE, False)
    studio.store.cancel(job_id)
    expect(page.locator("#ended .row")).to_have_count(1)
    assert asked


@pytest.mark.parametrize(("scheme", "width"), [("dark", 1280), ("light", 360)])
def test_accessible_and_no_wider_than_the_screen(browser: Browser, studio: "Studio", scheme: str, width: int) -> None:
    emptied(studio.library)
    kill(studio, "poison " + "x" * 200)
    ids = [submit(studio, "a black cat on a beach at sunset, in the style of a linocut " * 4, priority="high")]
    ids += [submit(studio, f"number {at}") for at in range(3)]
    taken = claim(studio, ids[0])
    studio.step(taken, 3)
    Steering(studio.store).pause(ids[3])
    Steering(studio.store).hold()
    context = browser.new_context(
        viewport={"width": width, "height": 800}, color_scheme="dark" if scheme == "dark" else "light", bypass_csp=True,
        reduced_motion="reduce",
    )  # fmt: skip
    page = context.new_page()
    show(page, studio)
    expect(page.locator("#ended .row")).to_have_count(1)
    expect(page.locator("#held")).to_be_visible()
    expect(page.locator(".worker")).to_be_visible()
    page.add_script_tag(path=AXE)
    violations = page.evaluate("axe.run().then(found => found.violations)")
    told = [(v["id"], [n["target"] for n in v["nodes"]]) for v in violations]
    assert told == [], json.dumps(told, indent=1)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator("main button:visible, main .button:visible").evaluate_all(SMALL) == []
    context.close()

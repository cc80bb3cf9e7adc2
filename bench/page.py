"""The page in Chromium on a local `darkroom up`: how soon it shows, what it weighs, whether it jumps, how it paints.

python -m bench.page [--url http://127.0.0.1:8000]   # without, one is started on a free port

Take the figures on a machine that does nothing else: server, worker and browser share its cores.
"""

from __future__ import annotations

import argparse
import math
import os
import shutil
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

from tests.e2e.stack import Stack
from tests.web.canvas import put, settle

VIEW: ViewportSize = {"width": 1280, "height": 900}
LOADS = 5
SIDE = 2048  # pixels of the picture that is painted on
MOVES = 200

# What a page does is watched from inside: handlers of pointer events, from the window's first listener to its last,
# the drawing before each frame, tasks over 50 ms, and shifts of the layout, those right after a click included.
WATCH = """() => {
    const seen = (window.seen = { handlers: [], frames: [], long: [], shifts: 0, moved: [] });
    let began = 0;
    for (const type of ["pointerdown", "pointermove", "pointerup"]) {
        window.addEventListener(type, () => (began = performance.now()), true);
        window.addEventListener(type, () => seen.handlers.push(performance.now() - began));
    }
    const ask = window.requestAnimationFrame.bind(window);
    window.requestAnimationFrame = (act) => ask((now) => {
        const start = performance.now();
        act(now);
        seen.frames.push(performance.now() - start);
    });
    new PerformanceObserver((list) => seen.long.push(...list.getEntries().map((each) => each.duration)))
        .observe({ type: "longtask" });
    new PerformanceObserver((list) => {
        for (const { value, sources } of list.getEntries()) {
            seen.shifts += value;
            seen.moved.push(...sources.map(({ node }) => node?.id || node?.className || node?.nodeName));
        }
    }).observe({ type: "layout-shift" });
}"""


def line(what: str, found: float, aim: float, unit: str) -> str:
    """One row; met is: no more than the aim."""
    return f"| {what} | {found:.3g} {unit} | {aim:g} {unit} | {'yes' if found <= aim else '**NO**'} |"


@contextmanager
def darkroom(url: str | None) -> Iterator[str]:
    """The address of a running Darkroom; without one, of one that is started and ended."""
    if url:
        yield url
        return
    with tempfile.TemporaryDirectory() as folder:
        stack = Stack(Path(folder) / "data")
        try:
            stack.start()
            yield stack.url
        finally:
            stack.stop()


@contextmanager
def opened(browser: Browser, url: str) -> Iterator[Page]:
    """The studio, by somebody who was never there, watched."""
    context = browser.new_context(viewport=VIEW)
    context.add_init_script(f"({WATCH})()")
    page = context.new_page()
    page.goto(url, wait_until="networkidle")
    page.wait_for_selector("#width[placeholder]:not([placeholder=''])")
    yield page
    context.close()


def loading(browser: Browser, url: str) -> Iterator[str]:
    """First contentful paint, and what came over the wire: headers and bodies, pictures left out."""
    paints, weights = [], []
    for _ in range(LOADS):
        context = browser.new_context(viewport=VIEW)
        page = context.new_page()
        wire = context.new_cdp_session(page)
        kinds: dict[str, str] = {}
        sizes: dict[str, int] = {}
        wire.on("Network.responseReceived", lambda told, kinds=kinds: kinds.update({told["requestId"]: told["type"]}))
        wire.on(
            "Network.loadingFinished",
            lambda told, sizes=sizes: sizes.update({told["requestId"]: told["encodedDataLength"]}),
        )
        wire.send("Network.enable")
        page.goto(url, wait_until="networkidle")
        paints.append(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0].startTime"))
        weights.append(sum(size for number, size in sizes.items() if kinds.get(number) != "Image") / 1000)
        context.close()
    yield line(f"first contentful paint, median of {LOADS}", statistics.median(paints) / 1000, 1, "s")
    yield line("first contentful paint, worst", max(paints) / 1000, 1, "s")
    yield line("page weight without pictures", max(weights), 300, "kB")


def arriving(page: Page) -> Iterator[str]:
    """A picture is asked for and develops: how far anything jumps from the click on, and once it is there."""
    page.fill("#prompt", "a black cat on a beach at sunset")
    page.evaluate("seen.shifts = 0")
    page.click("#generate")
    page.wait_for_selector(".job[data-state=running], .job[data-state=succeeded]", timeout=120_000)
    asked = page.evaluate("seen.shifts")
    page.evaluate("Object.assign(seen, { shifts: 0, moved: [] })")
    page.wait_for_selector(".job[data-state=succeeded] .developed", timeout=120_000)
    time.sleep(1.5)  # the preview goes
    moved = ", ".join(sorted(set(page.evaluate("seen.moved"))))
    yield line("layout shift when a job comes", asked, 0.1, "")
    what = "layout shift when its picture arrives"
    yield line(f"{what} (moved: {moved})" if moved else what, page.evaluate("seen.shifts"), 0, "")


def photograph() -> np.ndarray[Any, np.dtype[np.uint8]]:
    """Something with shapes and grain, of SIDE x SIDE."""
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE
    base = np.stack([np.sin(9 * x) + y, np.cos(7 * y) * x, x * y * 2], axis=-1)
    grain = np.random.default_rng(0).normal(0, 0.05, base.shape)
    return ((base + grain).clip(-1, 1) * 100 + 128).astype(np.uint8)


def path(count: int) -> list[tuple[float, float]]:
    """Places on a winding line over the picture, as shares of its sides."""
    turns = [6 * math.pi * number / count for number in range(count + 1)]
    return [(0.5 + 0.42 * math.sin(turn), 0.5 + 0.4 * math.cos(1.7 * turn)) for turn in turns]


def painting(page: Page, how: str, prepare: Callable[[Page], object]) -> Iterator[str]:
    """One stroke of MOVES moves; what the page was busy with meanwhile."""
    prepare(page)
    settle(page)
    time.sleep(1)
    box = page.evaluate("""() => {
        const [one, other] = ["stage", "mask-canvas"].map((id) => document.getElementById(id).getBoundingClientRect());
        const [x, y] = [Math.max(one.left, other.left), Math.max(one.top, other.top, 0)];
        const bottom = Math.min(one.bottom, other.bottom, innerHeight);
        return { x, y, width: Math.min(one.right, other.right) - x, height: bottom - y };
    }""")
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in path(MOVES)]
    page.mouse.move(*places[0])
    page.evaluate("Object.assign(seen, { handlers: [], frames: [], long: [] })")
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place)
    page.mouse.up()
    time.sleep(1)
    seen: dict[str, Sequence[float]] = page.evaluate("seen")
    assert len(seen["handlers"]) >= MOVES / 4, "the browser put most moves together"
    yield line(f"{how}: input handling, p95", float(np.percentile(seen["handlers"], 95)), 8, "ms")
    yield line(f"{how}: drawing before a frame, p95", float(np.percentile(seen["frames"], 95)), 8, "ms")
    yield line(f"{how}: longest handler or drawing", max([*seen["handlers"], *seen["frames"]]), 50, "ms")
    yield line(f"{how}: tasks over 50 ms", len(seen["long"]), 0, "")


def colours(page: Page) -> None:
    page.click("#zoom-fit")
    page.click("#on-colour")
    page.locator("#brush-hardness").fill("40")
    page.locator("#brush-opacity").fill("60")


def measure(browser: Browser, url: str) -> Iterator[str]:
    yield "| what | found | aim | met |\n|---|---|---|---|"
    yield from loading(browser, url)
    with opened(browser, url) as page:
        yield from arriving(page)
    with opened(browser, url) as page:
        put(page, photograph())
        yield from painting(page, "mask", lambda _: None)
        yield from painting(page, "mask at 100 %", lambda page: page.click("#zoom-full"))
        yield from painting(page, "soft colour", colours)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", help="of a running Darkroom that needs no key; else one is started")
    options = parser.parse_args()
    print(f"load average before: {' '.join(f'{load:.1f}' for load in os.getloadavg())}\n")
    with darkroom(options.url) as url, sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for text in measure(browser, url):
            print(text, flush=True)
        browser.close()


if __name__ == "__main__":
    main()

"""A Chromium of our own, as Debian has it."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, sync_playwright

START = 120_000  # ms; on a machine that is busy with other work


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Chromium's headless shell, else all of Chromium: the same engine, in three times the processor time.

    What is around the page in a whole Chromium is built for every context, though nobody sees it.
    """
    path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    arguments = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=arguments, timeout=START)
        yield chromium
        chromium.close()

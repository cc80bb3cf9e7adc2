"""Signs of life of the thread that owns the device, for a watchdog (worker/watchdog.py) to look at."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum


class Activity(Enum):
    RESTING = "resting"  # nothing to do
    WORKING = "working"
    WARMING = "warming"  # compiling, measuring or calling something for the first time: this may take minutes


class Pulse:
    """Written by the device's thread, read by any. beats: how often it has come round; broken: it never will again."""

    def __init__(self) -> None:
        self.beats = 0
        self.activity = Activity.RESTING
        self.broken = False

    def beat(self, activity: Activity = Activity.WORKING) -> None:
        self.beats += 1
        self.activity = activity

    @contextmanager
    def warming(self) -> Iterator[None]:
        """What happens inside is given more time."""
        before = self.activity
        self.beat(Activity.WARMING)
        try:
            yield
        finally:
            self.beat(before)

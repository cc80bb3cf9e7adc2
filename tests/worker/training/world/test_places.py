"""The backgrounds are whole, follow from seeds, and can be told apart, as can the times of day and the weathers."""

from __future__ import annotations

from functools import cache
from itertools import combinations, product

import numpy as np
import pytest
import skia
from numpy.typing import NDArray

from worker.training.world import places, weather
from worker.training.world.vocabulary import PLACES, TIMES, WEATHERS

SIZE = 64
SEEDS = range(4)


def pixels(surface: skia.Surface) -> NDArray[np.float64]:
    rgba: NDArray[np.uint8] = surface.toarray(colorType=skia.ColorType.kRGBA_8888_ColorType)
    return rgba[:, :, :3].astype(float)  # (SIZE, SIZE, 3), 0 .. 255


def blank(level: int) -> tuple[skia.Surface, skia.Canvas]:
    """A surface all of one gray, whose canvas is measured in hundredths."""
    surface = skia.Surface(SIZE, SIZE)
    canvas = surface.getCanvas()
    canvas.clear(skia.Color(level, level, level))
    canvas.scale(SIZE / 100, SIZE / 100)
    return surface, canvas


def background(place: str, time: str, sky: str, seed: int = 0, paper: int = 0) -> NDArray[np.float64]:
    """Everything but the subjects, as `scenes` paints it, over a gray of level `paper`."""
    surface, canvas = blank(paper)
    rng = np.random.default_rng(seed)
    places.paint(canvas, place, time, rng, sky)
    places.paint_foreground(canvas, place, time, rng)
    if place not in places.INDOORS:
        weather.paint(canvas, sky, time, rng)
    return pixels(surface)


@cache
def layout(place: str, time: str, sky: str) -> NDArray[np.float64]:
    """The mean over a few seeds, at 16 x 16."""
    mean = np.mean([background(place, time, sky, seed) for seed in SEEDS], axis=0)
    small: NDArray[np.float64] = mean.reshape(16, SIZE // 16, 16, SIZE // 16, 3).mean(axis=(1, 3))
    return small


def apart(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Root mean square difference, of 255."""
    return float(np.sqrt(np.mean((a - b) ** 2)))


def front(sky: str, time: str) -> NDArray[np.float64]:
    """How much of what lies behind it the weather lets through, (SIZE, SIZE), 0 .. 1: white paper less black."""
    over = []
    for level in (255, 0):
        surface, canvas = blank(level)
        weather.paint(canvas, sky, time, np.random.default_rng(5))
        over.append(pixels(surface))
    through: NDArray[np.float64] = (over[0] - over[1]).mean(axis=2) / 255
    return through


@pytest.mark.parametrize(("place", "time", "sky"), [*product(PLACES, TIMES, WEATHERS)])
def test_the_whole_picture_is_painted_and_follows_from_the_seed(place: str, time: str, sky: str) -> None:
    on_black, on_white = (background(place, time, sky, 3, paper) for paper in (0, 255))
    assert np.array_equal(on_black, on_white)
    assert not np.array_equal(on_black, background(place, time, sky, 4))


@pytest.mark.parametrize(("place", "sky"), [*product(PLACES, WEATHERS)])
def test_day_is_brighter_than_sunset_and_sunset_than_night(place: str, sky: str) -> None:
    day, sunset, night = (layout(place, time, sky).mean() for time in TIMES)
    assert day > sunset + 4
    assert sunset > night + 30


@pytest.mark.parametrize("time", TIMES)
def test_places_are_told_apart(time: str) -> None:
    bound = {"day": 24, "sunset": 18, "night": 16}[time]
    for a, b in combinations(PLACES, 2):
        assert apart(layout(a, time, "clear"), layout(b, time, "clear")) > bound, (a, b)


@pytest.mark.parametrize("place", PLACES)
def test_weathers_are_told_apart(place: str) -> None:
    """In a room too, though there only a seventh of the picture shows it."""
    bound = 5 if place in places.INDOORS else 10
    for time in TIMES:
        for a, b in combinations(WEATHERS, 2):
            assert apart(layout(place, time, a), layout(place, time, b)) > bound, (time, a, b)


def test_in_a_room_the_weather_is_seen_in_the_window_only() -> None:
    for time, sky in product(TIMES, WEATHERS[1:]):
        rows, columns = np.nonzero((background("room", time, "clear") != background("room", time, sky)).any(axis=2))
        assert np.ptp(rows) <= 0.4 * SIZE
        assert np.ptp(columns) <= 0.4 * SIZE
        assert rows.max() < 0.55 * SIZE


@pytest.mark.parametrize("place", sorted(set(PLACES) - {"room", "sky"}))
def test_a_rainbow_stays_in_the_sky(place: str) -> None:
    plain, arched = (background(place, "day", sky) for sky in ("clear", "rainbow"))
    below = round(0.76 * SIZE)
    assert np.array_equal(plain[below:], arched[below:])
    assert (plain[:below] != arched[:below]).any(axis=2).mean() > 0.08


def test_what_is_before_the_subjects_leaves_them_visible() -> None:
    for time in TIMES:
        assert (front("clear", time) == 1).all()
        assert (front("rainbow", time) == 1).all()
        rain, fog = front("rain", time), front("fog", time)
        assert 0.6 < rain.mean() < 0.85
        middle = fog[:, SIZE * 2 // 5 : SIZE * 3 // 5].mean(axis=1)  # from top to bottom, (SIZE,)
        assert (np.diff(middle) >= -0.01).all()  # thinner below, but for rounding
        assert middle.min() > 0.65
        assert middle[-1] > middle[0] + 0.15


def test_the_sky_is_blue_and_gray_in_rain_and_fog() -> None:
    """Colourfulness of the sky by day: the spread of the channels, of 255."""
    for place in sorted(set(PLACES) - {"room", "forest"}):
        spread = {sky: np.ptp(layout(place, "day", sky)[4:6].mean(axis=(0, 1))) for sky in WEATHERS}
        assert spread["clear"] > 25, place
        assert max(spread["rain"], spread["fog"]) < 25, place


def test_feet_stand_on_the_ground() -> None:
    assert set(places.GROUND) == set(PLACES)
    for place, (highest, lowest) in places.GROUND.items():
        assert highest < lowest < 100
        assert highest > (60 if place == "sky" else 80)


def test_the_sea_is_before_the_boat_and_nothing_else_is() -> None:
    for place in PLACES:
        over = [blank(level) for level in (255, 0)]
        for _, canvas in over:
            places.paint_foreground(canvas, place, "day", np.random.default_rng(2))
        hidden = (pixels(over[0][0]) == pixels(over[1][0])).all(axis=2).mean(axis=1)  # (SIZE,)
        if place != "sea":
            assert not hidden.any()
        else:
            assert (hidden[round(0.96 * SIZE) :] == 1).all()
            assert not hidden[: round(0.8 * SIZE)].any()

"""Processes die or stand still while clients wait: nothing accepted is lost, nothing is shown twice."""

import pytest

from tests.chaos.scenarios import c1, c2, c3, c4

pytestmark = pytest.mark.timeout(900)


def test_c1_workers_are_killed() -> None:
    report = c1(300, every=(2.0, 5.0))  # a fast machine is done within a quarter of a minute
    assert report.faults["kill worker"] >= 2
    report.assert_nothing_lost()


def test_c2_workers_and_redis_are_killed() -> None:
    report = c2(300)
    assert report.faults["kill redis"] >= 2
    report.assert_nothing_lost()
    assert report.failed == [], "503 and Retry-After, nothing else, while Redis is away"


def test_c4_a_zombies_results_are_fenced_off() -> None:
    report = c4(60)
    assert report.again >= 1, "what it held ran again elsewhere"
    report.assert_nothing_lost()


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_c1_at_length() -> None:
    c1(10_000).assert_nothing_lost()


@pytest.mark.slow
def test_c3_redis_stands_still() -> None:
    c3(600).assert_nothing_lost()

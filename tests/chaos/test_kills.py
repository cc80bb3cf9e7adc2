"""Processes die while clients wait: nothing accepted is lost, nothing is shown twice."""

import pytest

from tests.chaos.scenarios import c1, c2

pytestmark = pytest.mark.timeout(900)


def test_c1_workers_are_killed() -> None:
    report = c1(300)
    assert report.faults["kill worker"] >= 3
    report.assert_nothing_lost()


def test_c2_workers_and_redis_are_killed() -> None:
    report = c2(300)
    assert report.faults["kill redis"] >= 2
    report.assert_nothing_lost()

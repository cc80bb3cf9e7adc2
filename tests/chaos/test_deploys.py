"""Versions are replaced under load: nobody is refused, and no job pays for it."""

import pytest

from tests.chaos.scenarios import Report, c5

pytestmark = pytest.mark.timeout(900)


def assert_smooth(report: Report) -> None:
    assert report.failed == []
    assert report.again == 0, "a job that is handed back is not charged"
    report.assert_nothing_lost()


def test_c5_three_rounds() -> None:
    assert_smooth(c5(200, rounds=3))


@pytest.mark.slow
def test_c5_twenty_rounds() -> None:
    assert_smooth(c5(2000))

"""Memory or disk run full and are freed: work waits, and goes on without a restart."""

import pytest

from tests.chaos.scenarios import c6, c7

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_c6_redis_has_no_memory_left() -> None:
    report = c6(200)
    assert report.refused > 0
    assert report.failed == []
    report.assert_nothing_lost()


def test_c7_the_disk_is_full() -> None:
    c7(200).assert_nothing_lost()

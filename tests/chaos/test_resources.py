"""Memory or disk run full, or S3 fails, for a while: work waits, and goes on without a restart."""

import pytest

from tests.chaos.scenarios import c6, c7, c8

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


def test_c6_redis_has_no_memory_left() -> None:
    report = c6(200)
    assert report.refused > 0
    assert report.failed == []
    report.assert_nothing_lost()


def test_c7_the_disk_is_full() -> None:
    c7(200).assert_nothing_lost()


def test_c8_s3_fails() -> None:
    report = c8(200)
    assert report.failed == []
    report.assert_nothing_lost()

"""Clocks that are wrong: the ledger has its own."""

import pytest

from tests.chaos.scenarios import c14


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_c14_nobodys_clock_matters() -> None:
    report = c14(300)
    report.assert_nothing_lost()
    assert report.again == 0, "no lease ran out before its time"

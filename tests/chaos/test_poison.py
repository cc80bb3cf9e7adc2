"""Jobs that harm their worker: they end with the right word, are put aside where they crash it, and hurt no other."""

import pytest

from tests.chaos.scenarios import SCENARIOS

pytestmark = pytest.mark.timeout(900)


def test_c11_poison_becomes_dead_letters() -> None:
    report = SCENARIOS["C11"](100)
    report.assert_nothing_lost()
    assert report.dead == 5
    assert len(report.deaths) <= 15, "three crashes each"


def test_c13_nan_is_told_and_never_shown() -> None:
    """What the engine does about them is in tests/worker/engine; here: the word reaches the client, and no picture."""
    report = SCENARIOS["C13"](100)
    report.assert_nothing_lost()
    assert (report.dead, report.deaths) == (0, [])


@pytest.mark.slow
def test_c9_out_of_memory_fails_its_job_only() -> None:
    report = SCENARIOS["C9"](300)
    report.assert_nothing_lost()
    assert (report.dead, report.deaths, report.again) == (0, [], 0)


@pytest.mark.slow
def test_c10_a_broken_device_strikes_nobody() -> None:
    report = SCENARIOS["C10"](100)
    report.assert_nothing_lost()
    assert report.dead == 0
    assert [death for death in report.deaths if "status 71" not in death] == []
    assert len(report.deaths) == 3


@pytest.mark.slow
def test_c12_a_hang_is_ended_by_the_watchdog() -> None:
    report = SCENARIOS["C12"](50)
    report.assert_nothing_lost()
    assert report.dead == 1
    assert [death for death in report.deaths if "status 70" not in death] == []

"""Jobs that harm their worker: they end with the right word, are put aside where they crash it, and hurt no other."""

import pytest

from tests.chaos.scenarios import SCENARIOS, poisoned

pytestmark = pytest.mark.timeout(900)


def test_c11_and_c13_poison_becomes_dead_letters_and_nan_is_told_and_never_shown() -> None:
    """Both in one stack, which takes longer to start than a hundred jobs take.

    What the engine does about NaN is in tests/worker/engine; here: the word reaches the client, no picture does, and no
    worker dies of it.
    """
    report = poisoned(100, ("SEGFAULT", 5), ("NAN", 5))
    report.assert_nothing_lost()
    assert report.dead == 5
    assert len(report.deaths) <= 15, "three crashes each"
    assert [death for death in report.deaths if "SIGSEGV" not in death] == []


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

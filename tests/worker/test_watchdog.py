"""The watchdog in processes of their own, which it ends."""

import signal
import subprocess
import sys
import time

import pytest

from contract.settings import ROOT

SCRIPT = """
import sys, threading, time
from contract.deaths import Exit
from worker.engine.pulse import Activity, Pulse
from worker.watchdog import Watchdog
pulse = Pulse()
def hanging_device():
    {device}
def last_words(status):
    print(repr(status), flush=True)
    {words}
pulse.beat(Activity.WORKING)
threading.Thread(target=hanging_device, daemon=True).start()
Watchdog(pulse, {seconds}, last_words).start()
print("started", flush=True)
time.sleep({lives})
"""
HANG = "time.sleep(600)"


def run(device: str = HANG, words: str = "pass", seconds: float = 1.0, lives: float = 60.0) -> subprocess.Popen[str]:
    script = SCRIPT.format(device=device, words=words, seconds=seconds, lives=lives)
    return subprocess.Popen(
        [sys.executable, "-c", script], cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_a_device_that_does_not_move_ends_the_process_with_all_stacks_in_the_log() -> None:
    process = run()
    out, log = process.communicate(timeout=60)
    assert process.returncode == 70
    assert "<Exit.HANGS: 70>" in out
    assert "in hanging_device" in log
    assert log.count("most recent call first") >= 3


def test_a_broken_device_ends_it_at_once() -> None:
    process = run("pulse.broken = True", seconds=6.0)
    out, _ = process.communicate(timeout=60)
    assert process.returncode == 71
    assert "<Exit.BROKEN_DEVICE: 71>" in out


def test_last_words_that_hang_do_not_keep_it() -> None:
    process = run(words=HANG)
    process.communicate(timeout=60)
    assert process.returncode == 70


@pytest.mark.parametrize(
    "device",
    [
        "pulse.beat(Activity.RESTING)",
        "\n    while True:\n        pulse.beat()\n        time.sleep(0.1)",
        "\n    with pulse.warming():\n        time.sleep(600)",
    ],
)
def test_one_that_rests_moves_or_warms_up_is_left_alone(device: str) -> None:
    process = run(device, lives=4.0)
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_warming_up_has_an_end_too() -> None:
    process = run("\n    with pulse.warming():\n        time.sleep(600)", seconds=0.3)
    process.communicate(timeout=60)
    assert process.returncode == 70


def test_a_process_that_was_stopped_as_a_whole_does_not_hang() -> None:
    """For four times as long as it may be silent; then it still has its time."""
    process = run("\n    while True:\n        pulse.beat()\n        time.sleep(0.1)", lives=6.0)
    assert process.stdout
    assert process.stdout.readline() == "started\n"
    process.send_signal(signal.SIGSTOP)
    time.sleep(4.0)
    process.send_signal(signal.SIGCONT)
    process.communicate(timeout=60)
    assert process.returncode == 0


def test_code_that_keeps_the_interpreter_is_ended_without_it() -> None:
    """A regular expression of exponential cost holds the interpreter's lock, as a C extension may."""
    device = """
    import re
    for _ in range(20):  # alive until the watchdog looks
        pulse.beat()
        time.sleep(0.1)
    re.match('(a*)*$', 'a' * 40 + 'b')
"""
    process = run(device, seconds=1.0)
    with process:
        try:
            _, log = process.communicate(timeout=120)
        finally:
            process.kill()
    assert process.returncode == 1
    assert "Timeout" in log
    assert "in hanging_device" in log

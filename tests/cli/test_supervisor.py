"""The supervisor over real processes, small ones in place of Redis, worker and api."""

import json
import re
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.cli.launched import Launched, eventually, left_over

SUPERVISOR = """
import json, os, sys
from pathlib import Path
from cli.child import Service
from cli.supervisor import Supervisor
folder = Path(sys.argv[1])
def waits_for(file):
    return lambda: "" if not file or (folder / file).exists() else f"{file} is missing"
def prepare(name):
    return lambda: print(name, file=(folder / "prepared").open("a"))
def mourn(name):
    def told(status):
        print(name, status, file=(folder / "mourned").open("a"))
        return name == "busy"
    return told
services = [
    Service(name, tuple(argv), grace, waits_for(file), prepare(name), mourn=mourn(name))
    for name, argv, grace, file in json.loads(sys.argv[2])
]
sys.exit(Supervisor(services, logs=folder, env=os.environ).run("ready"))
"""
# Notes the signals it gets in `notes`, and has a child of its own.
OBEDIENT = """
import signal, subprocess, sys, time
name, notes = sys.argv[1:]
def note(number, _):
    with open(notes, "a") as file:
        print(name, signal.Signals(number).name, file=file)
    sys.exit()
signal.signal(signal.SIGTERM, note)
signal.signal(signal.SIGINT, note)
subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(600) # grandchild of " + name])
print("at work", flush=True)
time.sleep(600)
"""
STUBBORN = """
import signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
print("deaf", flush=True)
time.sleep(600)
"""
FAILING = "import sys; print('the film is torn', flush=True); sys.exit(3)"

Start = Callable[..., Launched]


def script(source: str, *args: str) -> list[str]:
    return [sys.executable, "-S", "-c", source, *args]


@pytest.fixture
def supervise(launch: Start, tmp_path: Path) -> Start:
    """Start a supervisor over `(name, argv, grace, file it waits for)`."""

    def start(*services: tuple[str, list[str], float, str]) -> Launched:
        return launch("-c", SUPERVISOR, str(tmp_path), json.dumps(services))

    return start


@pytest.fixture
def obedient(tmp_path: Path) -> Callable[[str], tuple[str, list[str], float, str]]:
    return lambda name: (name, script(OBEDIENT, name, str(tmp_path / "notes")), 10, "")


def settled(running: Launched, processes: int) -> list[psutil.Process]:
    """The tree below, once it has as many processes."""
    return eventually(lambda: tree if len(tree := running.tree()) == processes else None)  # type: ignore[no-any-return]  # psutil is untyped


def test_ctrl_c_ends_the_last_started_first_and_reaches_nobody_directly(
    supervise: Start, obedient: Any, tmp_path: Path
) -> None:
    running = supervise(obedient("redis"), obedient("worker"), obedient("api"))
    running.until("ready")
    tree = settled(running, 7)  # three, a child of each, and the guard
    running.ctrl_c()
    assert running.end() == 0
    assert (tmp_path / "notes").read_text().splitlines() == ["api SIGTERM", "worker SIGTERM", "redis SIGTERM"]
    assert not left_over(tree)
    assert running.said == ["ready"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
def test_signals_that_end_it_in_order(supervise: Start, obedient: Any, number: signal.Signals) -> None:
    running = supervise(obedient("redis"), obedient("api"))
    running.until("ready")
    tree = settled(running, 5)
    running.process.send_signal(number)
    assert running.end() == 0
    assert not left_over(tree)


def test_killed_it_leaves_nothing_behind(supervise: Start, obedient: Any) -> None:
    running = supervise(obedient("worker"), ("deaf", script(STUBBORN), 10, ""))
    running.until("ready")
    tree = settled(running, 4)
    running.process.kill()
    assert not left_over(tree)


def test_killed_after_its_guard_was_it_still_leaves_nothing_behind(supervise: Start, obedient: Any) -> None:
    running = supervise(obedient("worker"))
    running.until("ready")
    settled(running, 3)
    first = running.below("guard.py")
    first.kill()
    eventually(lambda: [p for p in running.tree() if "guard.py" in " ".join(p.cmdline()) and p != first])
    tree = running.tree()
    time.sleep(0.2)  # the new guard reads the names of those it guards
    running.process.kill()
    assert not left_over(tree)


def test_what_dies_starts_again_and_its_orphans_go(supervise: Start, obedient: Any, tmp_path: Path) -> None:
    running = supervise(obedient("worker"), obedient("api"))
    running.until("ready")
    settled(running, 5)
    api, grandchild = running.below("-c", "import signal", " api "), running.below("grandchild of api")
    api.kill()
    line = running.until("api was ended by SIGKILL")
    assert "starts again in 0.5 s" in line
    assert line.endswith("at work")  # the last line of its log
    settled(running, 5)
    assert running.below("-c", "import signal", " api ") != api
    assert not left_over([grandchild])
    assert (tmp_path / "prepared").read_text().split() == ["worker", "api", "api"]
    running.ctrl_c()
    assert running.end() == 0


def test_a_crash_loop_ends_all_with_the_end_of_the_log(supervise: Start, obedient: Any, tmp_path: Path) -> None:
    begun = time.monotonic()
    running = supervise(obedient("redis"), ("worker", script(FAILING), 10, "never"))
    assert running.end() == 1
    pauses = [re.search(r"starts again in ([\d.]+) s", line) for line in running.said]
    assert [float(pause[1]) for pause in pauses if pause] == [0.5, 1, 2, 4]
    assert time.monotonic() - begun > 7.5
    assert running.said[-6] == (
        f"darkroom: worker ended with status 3, 5 times within a minute. The end of {tmp_path / 'worker.log'}:"
    )
    assert running.said[-5:] == ["the film is torn"] * 5
    assert (tmp_path / "notes").read_text().splitlines() == ["redis SIGTERM"]


def test_who_dies_at_work_is_mourned_and_starts_again_as_often_as_it_takes(supervise: Start, tmp_path: Path) -> None:
    crashing = script("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)")
    running = supervise(("busy", crashing, 10, ""))
    eventually(lambda: (tmp_path / "mourned").exists() and len((tmp_path / "mourned").read_text().split("\n")) > 6)
    assert set((tmp_path / "mourned").read_text().splitlines()) == {f"busy {-signal.SIGSEGV}"}
    assert running.process.poll() is None, "it was taken for one that cannot start"
    running.ctrl_c()
    assert running.end() == 0


def test_what_does_not_end_in_its_grace_is_killed(supervise: Start, tmp_path: Path) -> None:
    running = supervise(("deaf", script(STUBBORN), 0.5, ""))
    running.until("ready")
    eventually((tmp_path / "deaf.log").read_text)
    begun = time.monotonic()
    running.ctrl_c()
    assert running.end() == 0
    assert 0.5 < time.monotonic() - begun < 30
    assert running.said[-1] == "darkroom: deaf did not end within 0.5 s and was killed"


def test_a_second_ctrl_c_ends_it_at_once(supervise: Start, tmp_path: Path) -> None:
    running = supervise(("one", script(STUBBORN), 60, ""), ("two", script(STUBBORN), 60, ""))
    running.until("ready")
    for name in ("one", "two"):
        eventually((tmp_path / f"{name}.log").read_text)
    tree = settled(running, 3)
    running.ctrl_c()
    time.sleep(0.5)
    assert running.process.poll() is None
    begun = time.monotonic()
    running.ctrl_c()
    assert running.end() == 0
    assert time.monotonic() - begun < 30, "it waited for their grace"
    assert not left_over(tree)


def test_services_start_one_after_the_other_and_long_waits_are_explained(
    supervise: Start, obedient: Any, tmp_path: Path
) -> None:
    name, argv, grace, _ = obedient("redis")
    running = supervise((name, argv, grace, "film"), obedient("worker"))
    begun = time.monotonic()
    assert running.until("Waiting") == "Waiting: film is missing"
    assert 1.9 < time.monotonic() - begun < 30
    assert not (tmp_path / "worker.log").exists()
    (tmp_path / "film").touch()
    running.until("ready")
    assert (tmp_path / "worker.log").exists()
    assert running.said == ["Waiting: film is missing", "ready"]
    running.ctrl_c()
    assert running.end() == 0


def test_ctrl_c_while_it_waits_ends_it(supervise: Start, obedient: Any, tmp_path: Path) -> None:
    name, argv, grace, _ = obedient("redis")
    running = supervise((name, argv, grace, "never"))
    tree = settled(running, 3)
    running.ctrl_c()
    assert running.end() == 0
    assert not left_over(tree)


def test_a_long_log_is_put_aside(supervise: Start, obedient: Any, tmp_path: Path) -> None:
    (tmp_path / "worker.log").write_bytes(b"x" * 10_000_001)
    running = supervise(obedient("worker"))
    running.until("ready")
    eventually(lambda: (tmp_path / "worker.log").read_text() == "at work\n")
    assert (tmp_path / "worker.log.1").stat().st_size == 10_000_001
    running.ctrl_c()
    assert running.end() == 0

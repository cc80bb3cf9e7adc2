"""Seconds from the start of `darkroom up` until it is alive, until it is ready, and until the first picture is there.

    python -m bench.coldstart --times 3

In an empty folder, on a free port, with a Redis of its own. Files are as warm in memory as the last start left them.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[1]
PATIENCE = 300.0  # seconds


@dataclass(frozen=True, slots=True)
class Start:
    """Seconds from the start of the process."""

    alive: float
    ready: float
    first_picture: float


def start_once(threads: int) -> Start:
    """Start, ask for one picture of 20 steps, stop. Raises TimeoutError or ChildProcessError when nothing comes."""
    with tempfile.TemporaryDirectory(prefix="darkroom-") as folder, socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        environment = {name: value for name, value in os.environ.items() if not name.startswith("DARKROOM_")}
        environment |= {"PYTHONPATH": str(ROOT), "DARKROOM_DRAIN_SECONDS": "1"}
        command = [sys.executable, "-m", "cli", "up", "--port", str(port), "--data", folder]
        command += ["--threads", str(threads)]
        begin = time.perf_counter()
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL)
        try:
            return _follow(f"http://127.0.0.1:{port}", process, lambda: time.perf_counter() - begin)
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(60)


def _follow(url: str, process: subprocess.Popen[bytes], now: Callable[[], float]) -> Start:
    def until(look: Callable[[], bool]) -> float:
        while not look():
            if process.poll() is not None:
                raise ChildProcessError(f"darkroom up ended with {process.returncode}")
            if now() > PATIENCE:
                raise TimeoutError(f"nothing for {PATIENCE:.0f} s")
            time.sleep(0.02)
        return now()

    alive = until(lambda: _ask(f"{url}/healthz") is not None)
    ready = until(lambda: _ask(f"{url}/readyz") is not None)
    job = _ask(f"{url}/api/v1/jobs", {"kind": "txt2img", "prompt": "a cat on a beach", "steps": 20})
    assert job is not None, "the job was refused"
    where = f"{url}/api/v1/jobs/{job['id']}"
    return Start(alive, ready, until(lambda: (_ask(where) or {}).get("state") == "succeeded"))


def _ask(url: str, body: dict[str, Any] | None = None) -> dict[str, Any] | None:
    """JSON of an answer; None where there is none yet, or no success."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return dict(json.load(answer))
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        return None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=3)
    parser.add_argument("--threads", type=int, default=0, help="of torch; 0: one for each core")
    options = parser.parse_args()
    starts = [asdict(start_once(options.threads)) for _ in range(options.times)]
    print("| seconds until | median | least |\n|---|---|---|")
    for name in starts[0]:
        taken = [start[name] for start in starts]
        print(f"| {name.replace('_', ' ')} | {statistics.median(taken):.2f} | {min(taken):.2f} |")


if __name__ == "__main__":
    main()

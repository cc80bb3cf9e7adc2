"""The whole of Darkroom as people start it: `make run`, in a folder of its own, on a free port."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import httpx2
import psutil

ROOT = Path(__file__).resolve().parents[2]
T = TypeVar("T")

FINAL = ("succeeded", "failed", "cancelled")
PATIENCE = 240.0  # seconds; on two slow cores that others share, a start that takes twelve can take all of ninety


def until(look: Callable[[], T], good: Callable[[T], object] = bool, seconds: float = PATIENCE) -> T:
    """What `look` finds, as soon as it is good."""
    deadline = time.monotonic() + seconds
    while not good(found := look()):
        assert time.monotonic() < deadline, f"after {seconds} s still {found}"
        time.sleep(0.05)
    return found


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Stack:
    """A running Darkroom, and how a program talks to it."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.url = f"http://127.0.0.1:{free_port()}"
        self.http = httpx2.Client(base_url=self.url, timeout=60)
        self._process: subprocess.Popen[str] | None = None

    def start(self) -> str:
        """Start, wait for the one line that says it is ready, and return it."""
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("DARKROOM_", "MAKE"))}
        env = {**clean, "DARKROOM_DATA": str(self.data), "DARKROOM_PORT": self.url.rpartition(":")[2]}
        env["DARKROOM_DRAIN_SECONDS"] = "2"  # no test waits for a worker that finishes a long job first
        env["DARKROOM_THREADS"] = "1"  # beside other work on the same cores, two wait for each other most of the time
        self._log = (self.data.parent / "make-run.log").open("w+")
        self._process = subprocess.Popen(
            ["make", "--silent", "run"], cwd=ROOT, env=env, stdout=self._log, stderr=subprocess.STDOUT, text=True,
            start_new_session=True,
        )  # fmt: skip
        until(self._said, lambda text: self.url in text)
        return next(line for line in self.output().splitlines() if self.url in line)

    def _said(self) -> str:
        assert self._process is not None
        assert self._process.poll() is None, f"make run ended:\n{self.output()}"
        return self.output()

    def output(self) -> str:
        """What `make run` has printed."""
        return Path(self._log.name).read_text()

    def stop(self) -> list[psutil.Process]:
        """Ctrl-C, as a terminal sends it: to everything in the foreground. Returns the processes it left behind."""
        assert self._process is not None
        below: list[psutil.Process] = []
        if self._process.poll() is None:  # else it ended before it was ready
            below = self.children("")
            os.killpg(self._process.pid, signal.SIGINT)
            self._process.wait(60)
        self._process = None
        self._log.close()
        self.http.close()
        return [process for process in below if process.is_running()]

    def children(self, part: str) -> list[psutil.Process]:
        """Processes below `make run` whose command line holds `part`."""
        assert self._process is not None
        found = []
        for process in psutil.Process(self._process.pid).children(recursive=True):
            try:
                if part in " ".join(process.cmdline()):
                    found.append(process)
            except psutil.NoSuchProcess:
                continue
        return found

    # --- the API ----------------------------------------------------------------------------------

    def submit(self, **request: Any) -> dict[str, Any]:
        answer = self.http.post("/api/v1/jobs", json={"kind": "txt2img", "prompt": "a red boat", "steps": 4, **request})
        assert answer.status_code == 202, answer.text
        job: dict[str, Any] = answer.json()
        assert answer.headers["Location"] == f"/api/v1/jobs/{job['id']}"
        return job

    def job(self, job_id: str) -> dict[str, Any]:
        answer = self.http.get(f"/api/v1/jobs/{job_id}")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    def finished(self, job_id: str, seconds: float = PATIENCE) -> dict[str, Any]:
        """The job, once it has ended."""
        return until(lambda: self.job(job_id), lambda job: job["state"] in FINAL, seconds)

    def running(self, job_id: str, step: int = 1) -> dict[str, Any]:
        """The job, once it runs and has made so many steps."""
        return until(
            lambda: self.job(job_id), lambda job: job["state"] == "running" and job["progress"]["step"] >= step
        )

    def picture(self, image: dict[str, Any]) -> bytes:
        answer = self.http.get(image["url"])
        assert answer.status_code == 200, answer.text
        return answer.content

    def upload(self, data: bytes) -> dict[str, Any]:
        answer = self.http.post("/api/v1/images", content=data, headers={"Content-Type": "image/png"})
        assert answer.status_code == 201, answer.text
        image: dict[str, Any] = answer.json()
        return image

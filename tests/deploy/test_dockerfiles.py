"""The Dockerfiles: linted, pinned, without root, and made of files that exist."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.files import DOCKERFILES, ROOT, Stage, stages

IMAGES = {
    "api": stages("Dockerfile")["api"],
    "worker": stages("Dockerfile")["worker"],
    "gpu": stages("Dockerfile.gpu")[""],
}


@pytest.mark.parametrize("name", DOCKERFILES)
def test_hadolint_finds_nothing(name: str) -> None:
    hadolint = Path(sys.executable).parent / "hadolint"
    linted = subprocess.run([hadolint, "--no-color", ROOT / name], capture_output=True, text=True, check=False)
    assert (linted.returncode, linted.stdout) == (0, "")


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_the_base_is_pinned_to_a_patch_version(image: Stage) -> None:
    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", image.base)


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_it_does_not_run_as_root(image: Stage) -> None:
    uid = image.all("USER")[-1]
    assert int(uid) > 0
    assert any(f"useradd --uid {uid} " in run for run in image.all("RUN"))
    assert image.instructions[-1][0] == "CMD"  # nothing after USER changes it


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_it_is_made_of_what_is_here_and_not_ignored(image: Stage) -> None:
    assert image.all("ADD") == []
    ignore = (ROOT / ".dockerignore").read_text().split("\n")
    assert "*" in ignore
    for source in image.copied:
        assert (ROOT / source).exists(), source
        assert f"!{source}" in ignore, source


@pytest.mark.parametrize("image", IMAGES.values(), ids=IMAGES)
def test_everything_installed_is_pinned(image: Stage) -> None:
    installs = [run for run in image.all("RUN") if "pip install" in run]
    assert installs
    assert all("--constraint requirements.lock" in run or "--no-deps" in run for run in installs)


def test_the_api_has_no_torch_and_no_worker() -> None:
    assert "worker" not in list(IMAGES["api"].copied)
    assert not any("[worker]" in run for run in IMAGES["api"].all("RUN"))
    assert {"api", "web", "contract", "cli"} <= set(IMAGES["api"].copied)
    for image in (IMAGES["worker"], IMAGES["gpu"]):
        assert {"worker", "contract", "cli"} <= set(image.copied)
        assert any("'.[worker]'" in run for run in image.all("RUN"))


def test_the_lock_pins_what_the_project_asks_for() -> None:
    asked = dict(re.findall(r'"([\w.-]+)(?:\[\w+\])?==([\w.]+)"', (ROOT / "pyproject.toml").read_text()))
    locked = dict(re.findall(r"^([\w.-]+)==(.+)$", (ROOT / "requirements.lock").read_text(), re.MULTILINE))
    normal = {re.sub(r"[-_.]+", "-", name).lower(): version for name, version in locked.items()}
    assert len(asked) > 30
    assert {name: normal.get(name) for name in asked} == asked

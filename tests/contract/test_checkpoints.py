"""Checkpoints on a real disk: the newest claim's counts, and damaged ones do not."""

from pathlib import Path

import pytest

from contract.checkpoints import Checkpoints


@pytest.fixture
def checkpoints(tmp_path: Path) -> Checkpoints:
    return Checkpoints(tmp_path / "checkpoints")


def test_the_last_one_kept_comes_back(checkpoints: Checkpoints) -> None:
    assert checkpoints.newest("job_a") is None
    assert checkpoints.jobs() == []
    checkpoints.keep("job_a", 9, b"three steps")
    checkpoints.keep("job_a", 9, b"six steps")
    checkpoints.keep("job_b", 10, b"else")
    assert checkpoints.newest("job_a") == b"six steps"
    assert sorted(checkpoints.jobs()) == ["job_a", "job_b"]


def test_a_late_twin_takes_no_ones_place(checkpoints: Checkpoints) -> None:
    """Also where tokens compare otherwise as text: 9 is older than 10."""
    checkpoints.keep("job_a", 9, b"old")
    checkpoints.keep("job_a", 10, b"new")
    checkpoints.keep("job_a", 9, b"late")
    assert checkpoints.newest("job_a") == b"new"


def test_a_newer_claim_leaves_one_file(checkpoints: Checkpoints, tmp_path: Path) -> None:
    for token in (3, 4, 17):
        checkpoints.keep("job_a", token, b"bytes")
    assert [file.name for file in (tmp_path / "checkpoints" / "job_a").iterdir()] == ["17"]


@pytest.mark.parametrize("damage", [b"", b"short", lambda whole: whole[:-1], lambda whole: whole[:-1] + b"\0"])
def test_damaged_bytes_are_passed_over(checkpoints: Checkpoints, tmp_path: Path, damage: object) -> None:
    checkpoints.keep("job_a", 5, b"newer, and damaged")
    file = tmp_path / "checkpoints" / "job_a" / "5"
    file.write_bytes(damage(file.read_bytes()) if callable(damage) else damage)  # type: ignore[arg-type]
    assert checkpoints.newest("job_a") is None
    checkpoints.keep("job_a", 4, b"older, and whole")
    assert checkpoints.newest("job_a") == b"older, and whole"


def test_an_interrupted_write_leaves_the_last_one(checkpoints: Checkpoints, tmp_path: Path) -> None:
    checkpoints.keep("job_a", 5, b"whole")
    (tmp_path / "checkpoints" / "job_a" / "5.part").write_bytes(b"half")
    assert checkpoints.newest("job_a") == b"whole"


def test_clearing_leaves_nothing_and_may_be_repeated(checkpoints: Checkpoints, tmp_path: Path) -> None:
    checkpoints.keep("job_a", 5, b"whole")
    (tmp_path / "checkpoints" / "job_a" / "4.part").write_bytes(b"half")
    checkpoints.clear("job_a")
    checkpoints.clear("job_a")
    assert checkpoints.jobs() == []
    assert checkpoints.newest("job_a") is None


def test_no_link_is_followed(checkpoints: Checkpoints, tmp_path: Path) -> None:
    """Neither to read nor to write, for a file as for a job's folder."""
    outside = tmp_path / "outside"
    outside.mkdir()
    Checkpoints(outside).keep("job_x", 3, b"another's")
    checkpoints.keep("job_a", 3, b"own")
    own = tmp_path / "checkpoints" / "job_a"
    (own / "4").symlink_to(outside / "job_x" / "3")
    assert checkpoints.newest("job_a") == b"own"
    (own / "5.part").symlink_to(outside / "job_x" / "3")
    checkpoints.keep("job_a", 5, b"newer")
    assert checkpoints.newest("job_a") == b"newer"
    (tmp_path / "checkpoints" / "job_b").symlink_to(outside / "job_x")
    assert checkpoints.newest("job_b") is None
    with pytest.raises(OSError, match="a link"):
        checkpoints.keep("job_b", 4, b"own")
    checkpoints.clear("job_b")
    assert [file.name for file in (outside / "job_x").iterdir()] == ["3"]
    assert Checkpoints(outside).newest("job_x") == b"another's"

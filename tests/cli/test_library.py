"""`darkroom library check` and `repair`: what differs is told, and mended."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from cli.main import main
from contract import keys
from contract.blobs import Blobs, open_blobs
from contract.library import Changes, Library, Wanted, open_library
from contract.settings import Settings
from contract.store import JobStore, connect
from tests.api.kit import noise, png
from tests.bucket import STORE, running_s3
from tests.contract.ledger import claim, picture, submit
from tests.contract.library.kit import keep, made


@pytest.fixture
def library(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Library]:
    """That which the commands below find by the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DARKROOM_REDIS_URL", settings.redis)
    monkeypatch.setenv("DARKROOM_DATA", str(settings.data))
    opened = open_library(settings)
    yield opened
    opened.close()


@pytest.fixture
def blobs(settings: Settings) -> Blobs:
    return Blobs(settings.blobs)


def darkroom(*argv: str) -> object:
    with pytest.raises(SystemExit) as ended:
        main(("library", *argv))
    return ended.value.code


def old(settings: Settings, data: bytes) -> str:
    """Bytes that were written two hours ago."""
    sha = Blobs(settings.blobs).put(data)
    os.utime(settings.blobs / sha[:2] / sha, (time.time() - 7200, time.time() - 7200))
    return sha


def test_what_differs_is_told_and_mended(
    library: Library, blobs: Blobs, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    store = JobStore(connect(settings))
    whole, lost = made(sha256=old(settings, b"whole")), made(sha256=old(settings, b"lost"))
    trashed = made(sha256=old(settings, b"trashed"))
    keep(library, whole, lost, trashed)
    library.trash([trashed.id])
    blobs.delete(lost.sha256)
    loose, young, given = old(settings, b"loose"), blobs.put(b"young"), old(settings, b"given")
    job_id = submit(store, inputs={"img_in": given})
    before = picture(job_id, sha=old(settings, b"from before there was a library"))
    assert store.add_picture(claim(store, job_id), before)
    assert darkroom("check") == 1
    told = capsys.readouterr().out
    assert told.splitlines() == [
        "3 pictures",
        f"{lost.id}: its bytes are gone; its record goes",
        f"{before.id}: its job shows it, the library lacks it; it is taken in",
        f"{loose}: bytes that nobody needs; they go in an hour",
    ]
    assert darkroom("repair") == 0
    assert capsys.readouterr().out == f"{told}All of it is mended.\n"
    found, _ = library.page(Wanted(), owner=None, limit=10)
    assert {image.id for image in found} == {whole.id, before.id}
    assert store.redis.zrange(keys.GARBAGE, 0, -1) == [loose]
    blobs.delete(loose)
    assert darkroom("check") == 0
    assert capsys.readouterr().out.splitlines() == ["3 pictures", "All is well."]
    assert blobs.get(young) == b"young"


def test_an_empty_folder_of_bytes_is_no_reason_to_forget_everything(
    library: Library, blobs: Blobs, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = keep(library, made(), made())
    assert "is that the right place?" in str(darkroom("repair"))
    found, _ = library.page(Wanted(), owner=None, limit=10)
    assert [image.id for image in found] == kept[::-1]


def test_a_library_that_is_away_is_told_in_a_line(library: Library, settings: Settings) -> None:
    (settings.data).mkdir(parents=True, exist_ok=True)
    (settings.data / "library.db").mkdir()
    assert str(darkroom("check")).startswith("darkroom: The library (its database) cannot be used")


def test_a_bucket_is_looked_at_where_the_pictures_lie_in_one(
    library: Library, settings: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    with running_s3():
        monkeypatch.setenv("DARKROOM_STORE", f"{STORE}/pictures")
        monkeypatch.setenv("DARKROOM_STORE_HTTP", "true")
        far = settings.model_copy(update={"store": f"{STORE}/pictures", "store_http": True})
        whole, lost = made(sha256=open_blobs(far).put(b"whole")), made(sha256="ab" * 32)
        keep(library, whole, lost)
        assert darkroom("check") == 1
        told = capsys.readouterr().out
        assert f"{lost.id}: its bytes are gone" in told
        assert whole.id not in told


def test_pictures_go_out_and_come_in_again(
    library: Library, blobs: Blobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    data = png(noise(48, 64))
    bytes_of: dict[str, Any] = {"sha256": blobs.put(data), "bytes": len(data)}
    cat, boat, hers = (made("a cat", **bytes_of), made("a boat", **bytes_of), made("a cat", owner="ab12", **bytes_of))
    keep(library, cat, boat, hers)
    library.change(cat.id, Changes(favourite=True, tags=["sea", "deep"]))
    wanted = ("--q", "cat", "--favourite", "true", "--tag", "sea", "--tag", "deep", "--since", "2026-03-01")
    assert darkroom("export", "some.zip", "--owner", "local", *wanted) == 0
    assert darkroom("export", "all") == 0
    assert capsys.readouterr().out == "1 pictures are in some.zip.\n3 pictures are in all.\n"
    monkeypatch.setenv("DARKROOM_DATA", str(tmp_path / "elsewhere"))
    assert darkroom("import", "some.zip", "--owner", "bob1") == 0
    assert darkroom("import", "all") == 1
    out, told = capsys.readouterr()
    assert out == "1 pictures taken in, 0 were there.\n2 pictures taken in, 0 were there, 1 refused.\n"
    assert told == f"line 2: {cat.id} is bob1's here; it stays so\n"


@pytest.mark.parametrize(
    ("argv", "says"),
    [
        (("export", "there"), "there: there are files in it already"),
        (("export", "new", "--seed", "x"), "--seed x: Input should be a valid integer"),
        (("export", "new", "--since", "yesterday"), "--since yesterday: "),
        (("export", "new", "--owner", "../x"), "is no id of a key"),
        (("import", "nowhere"), "nowhere: No such file"),
        (("import", "there"), "library.jsonl"),
        (("import", "there/file"), "the archive is damaged"),
    ],
)
def test_what_cannot_go_out_or_in(library: Library, tmp_path: Path, argv: tuple[str, ...], says: str) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "file").write_bytes(b"no archive")
    told = str(darkroom(*argv))
    assert told.startswith("darkroom: ")
    assert says in told
    assert not (tmp_path / "new").exists()

"""Content-addressed bytes: on a real disk and in a bucket alike, and what is only true of one of them."""

import hashlib
import os
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from pathlib import Path

import pytest
from obstore.store import S3Store

from contract import places
from contract.blobs import Blobs, open_blobs
from contract.places import Bucket
from contract.settings import Settings
from tests.bucket import STORE, S3Server, broken, running_s3, well

SHA = "ab" * 32
_number = count()


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with running_s3() as made:
        yield made


@pytest.fixture
def s3(server: S3Server) -> Iterator[S3Server]:
    """In good health, and again afterwards."""
    yield server
    server.mood = well


@pytest.fixture
def url(server: S3Server) -> str:
    """A prefix that nobody else has used."""
    return f"{STORE}/test/{next(_number)}"


@pytest.fixture
def bucket(url: str) -> Blobs:
    return Blobs(Bucket(url, http=True))


@pytest.fixture(params=["folder", "bucket"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "folder":
        return Blobs(tmp_path / "blobs")
    made: Blobs = request.getfixturevalue("bucket")
    return made


def shelf_of(sha: str) -> int:
    return int(sha[:2], 16)


def test_bytes_come_back_under_their_hash(blobs: Blobs) -> None:
    data = bytes(range(256)) * 30_000  # more than S3 would take in one part, if parts were wanted
    sha = blobs.put(data)
    assert sha == hashlib.sha256(data).hexdigest()
    assert blobs.get(sha) == data


def test_equal_bytes_are_stored_once(blobs: Blobs) -> None:
    start = threading.Barrier(8)

    def put(_: int) -> str:
        start.wait()
        return blobs.put(b"twice")

    with ThreadPoolExecutor(8) as pool:
        (sha,) = set(pool.map(put, range(8)))
    assert blobs.stored(shelf_of(sha), -60.0) == [sha]
    assert blobs.get(sha) == b"twice"


def test_deleting_is_final_and_may_be_repeated(blobs: Blobs) -> None:
    sha = blobs.put(b"gone")
    blobs.delete(sha)
    blobs.delete(sha)
    with pytest.raises(FileNotFoundError):
        blobs.get(sha)
    assert blobs.put(b"gone") == sha
    assert blobs.get(sha) == b"gone"


def test_what_is_stored_is_told_by_shelf_and_age(blobs: Blobs) -> None:
    sha = blobs.put(b"here")
    shelf = shelf_of(sha)
    assert blobs.stored(shelf, -60.0) == [sha]
    assert blobs.stored(shelf, 60.0) == []
    assert blobs.stored((shelf + 1) % 256, -60.0) == []


@pytest.mark.parametrize("name", ["", "../../etc/passwd", "AB" * 32, "ab" * 31 + "/.", "ab" * 33])
def test_what_is_no_hash_is_no_name(blobs: Blobs, name: str) -> None:
    for ask in (blobs.get, blobs.has, blobs.delete):
        with pytest.raises(ValueError, match="not a SHA-256"):
            ask(name)


def test_a_thumbnail_lies_beside_its_picture_and_goes_with_it(blobs: Blobs) -> None:
    sha = blobs.put(b"picture")
    with pytest.raises(FileNotFoundError):
        blobs.thumbnail(sha)
    blobs.keep_thumbnail(sha, b"small")
    assert (blobs.thumbnail(sha), blobs.get(sha)) == (b"small", b"picture")
    assert blobs.stored(shelf_of(sha), -60.0) == [sha]
    blobs.delete(sha)
    for ask in (blobs.get, blobs.thumbnail):
        with pytest.raises(FileNotFoundError):
            ask(sha)


def test_whether_bytes_are_there_is_told_without_reading_them(blobs: Blobs) -> None:
    sha = blobs.put(b"here")
    assert (blobs.has(sha), blobs.has(SHA)) == (True, False)
    blobs.ensure(sha, b"here")
    blobs.delete(sha)
    assert not blobs.has(sha)
    blobs.ensure(sha, b"here")
    assert blobs.get(sha) == b"here"


def test_a_thumbnail_that_came_when_its_picture_had_gone_goes_after_a_while(blobs: Blobs) -> None:
    sha = blobs.put(b"picture")
    blobs.keep_thumbnail(sha, b"small")
    blobs.tidy(shelf_of(sha), -60.0)
    assert blobs.thumbnail(sha) == b"small"
    blobs.delete(sha)
    blobs.keep_thumbnail(sha, b"small")
    blobs.tidy(shelf_of(sha), 60.0)
    assert blobs.thumbnail(sha) == b"small"
    blobs.tidy(shelf_of(sha), -60.0)
    with pytest.raises(FileNotFoundError):
        blobs.thumbnail(sha)


# --- a folder -----------------------------------------------------------------------------------------


def file_of(folder: Path, sha: str) -> Path:
    return folder / sha[:2] / sha


def test_a_file_is_what_was_put_and_nothing_lies_beside_it(tmp_path: Path) -> None:
    sha = Blobs(tmp_path).put(b"data")
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == [file_of(tmp_path, sha)]
    assert file_of(tmp_path, sha).read_bytes() == b"data"


def test_a_file_that_rotted_is_an_os_error(tmp_path: Path) -> None:
    blobs = Blobs(tmp_path)
    sha = blobs.put(b"data")
    file_of(tmp_path, sha).write_bytes(b"dat4")
    with pytest.raises(OSError, match="other bytes"):
        blobs.get(sha)
    blobs.put(b"data")
    assert blobs.get(sha) == b"data"


def test_what_is_put_again_is_young_again(tmp_path: Path) -> None:
    """Whoever puts it is about to refer to it."""
    blobs = Blobs(tmp_path)
    sha = blobs.put(b"data")
    os.utime(file_of(tmp_path, sha), (time.time() - 7200, time.time() - 7200))
    assert blobs.stored(shelf_of(sha), 3600.0) == [sha]
    blobs.put(b"data")
    assert blobs.stored(shelf_of(sha), 3600.0) == []


def test_a_write_that_fails_is_an_os_error(tmp_path: Path) -> None:
    """As a full disk is; whoever waits for storage to come back looks for that."""
    blobs = Blobs(tmp_path / "blobs")
    sha = hashlib.sha256(b"picture").hexdigest()
    (tmp_path / "blobs" / sha[:2]).write_bytes(b"in the way")
    with pytest.raises(OSError, match="LocalFileSystem"):
        blobs.put(b"picture")


def test_what_a_killed_write_has_left_goes_after_a_while(tmp_path: Path) -> None:
    """obstore names it so: C1 of tests/chaos found one after ten thousand jobs with a kill every few seconds."""
    blobs = Blobs(tmp_path / "blobs")
    whole = file_of(tmp_path / "blobs", sha := blobs.put(b"picture"))
    old, young = whole.with_name(f"{sha}#1"), whole.with_name(f"{sha}.webp#1")
    for file in (whole, old):
        file.write_bytes(b"picture")
        os.utime(file, (time.time() - 7200, time.time() - 7200))
    young.write_bytes(b"pic")
    for shelf in range(256):
        blobs.tidy(shelf, 3600.0)
    assert {file.name for file in whole.parent.iterdir()} == {whole.name, young.name}
    assert blobs.stored(int(sha[:2], 16), 3600.0) == [sha]


def test_no_link_is_followed(tmp_path: Path) -> None:
    """Neither for a file nor for the folder it lies in, whichever way it is asked for."""
    blobs, outside = Blobs(tmp_path / "blobs"), tmp_path / "outside"
    secret = outside / SHA
    outside.mkdir()
    secret.write_bytes(b"secret")
    (tmp_path / "blobs" / "ab").symlink_to(outside)
    data = b"data"
    sha = blobs.put(data)
    file_of(tmp_path / "blobs", sha).unlink()
    file_of(tmp_path / "blobs", sha).symlink_to(secret)
    for linked in (SHA, sha):
        with pytest.raises(OSError, match=r"Not a directory|symbolic links"):
            blobs.get(linked)
        with pytest.raises(OSError, match="a link"):
            blobs.delete(linked)
        with pytest.raises(OSError, match="a link"):
            blobs.has(linked)
    with pytest.raises(OSError, match="a link"):
        blobs.tidy(0xAB, -1.0)
    with pytest.raises(OSError, match="a link"):
        blobs.put(data)
    assert secret.read_bytes() == b"secret"


# --- a bucket -----------------------------------------------------------------------------------------


def names(url: str = STORE) -> set[str]:
    """What lies in the bucket, as S3 has it."""
    listed = S3Store.from_url(url, client_options={"allow_http": True}).list()
    return {each["path"] for found in listed for each in found}


def test_the_settings_choose_the_place(s3: S3Server, settings: Settings, url: str) -> None:
    sha = open_blobs(settings.model_copy(update={"store": url, "store_http": True})).put(b"far")
    assert f"{url.removeprefix(STORE + '/')}/{sha[:2]}/{sha}" in names()
    assert not settings.blobs.exists()
    assert open_blobs(settings).put(b"near")
    assert settings.blobs.exists()


def test_without_tls_only_where_that_is_wanted(s3: S3Server, url: str) -> None:
    before = s3.requests
    with pytest.raises(ValueError, match="DARKROOM_STORE_HTTP"):
        Bucket(url)
    assert s3.requests == before


def test_an_object_that_is_another_is_an_os_error(bucket: Blobs, url: str) -> None:
    S3Store.from_url(url, client_options={"allow_http": True}).put(f"ab/{SHA}", b"something else")
    with pytest.raises(OSError, match="other bytes"):
        bucket.get(SHA)


def calls(blobs: Blobs, sha: str) -> list[Callable[[], object]]:
    return [
        lambda: blobs.put(b"another"),
        lambda: blobs.get(sha),
        lambda: blobs.has(sha),
        lambda: blobs.stored(0, 0.0),
        lambda: blobs.delete(sha),
    ]


def test_a_passing_trouble_is_not_noticed(bucket: Blobs, s3: S3Server) -> None:
    troubles = [broken] * 2

    def mood() -> bool:
        return troubles.pop()() if troubles else True

    s3.mood = mood
    sha = bucket.put(b"data")
    troubles += [broken] * 2
    assert bucket.get(sha) == b"data"
    assert troubles == []


def test_an_answer_that_is_lost_is_no_trouble(bucket: Blobs, s3: S3Server) -> None:
    """What was written is there when it is written once more."""
    s3.lost = 1
    before = s3.requests
    sha = bucket.put(b"written, and not told")
    assert (s3.lost, s3.requests - before) == (0, 2)
    assert bucket.get(sha) == b"written, and not told"


def test_lasting_trouble_is_an_os_error_after_a_bounded_number_of_tries(bucket: Blobs, s3: S3Server) -> None:
    sha = bucket.put(b"data")
    s3.mood = broken
    for call in calls(bucket, sha):
        before = s3.requests
        with pytest.raises(OSError, match="500") as trouble:
            call()
        assert not isinstance(trouble.value, FileNotFoundError)
        assert s3.requests - before == 4
    s3.mood = well
    assert bucket.get(sha) == b"data"


def test_an_s3_that_is_away_is_an_os_error(bucket: Blobs, s3: S3Server) -> None:
    sha = bucket.put(b"data")
    s3.stop()
    for call in calls(bucket, sha):
        with pytest.raises(OSError) as trouble:  # noqa: PT011  # the words are the system's
            call()
        assert not isinstance(trouble.value, FileNotFoundError)
    s3.start()
    assert bucket.get(sha) == b"data"


def test_an_s3_that_never_answers_is_an_os_error(s3: S3Server, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places, "_TIMEOUT", 0.3)
    monkeypatch.setattr(places, "_RETRIES", 1)
    bucket, answer = Blobs(Bucket(url, http=True)), threading.Event()
    s3.mood = lambda: answer.wait(60)
    for call in calls(bucket, SHA):
        with pytest.raises(OSError) as trouble:  # noqa: PT011
            call()
        assert not isinstance(trouble.value, FileNotFoundError)
    answer.set()


def test_a_request_and_its_repetitions_fit_into_a_lease(settings: Settings) -> None:
    assert settings.lease_seconds >= places._TIMEOUT + places._RETRIES_WITHIN


def test_a_bucket_that_is_not_there_is_an_os_error(s3: S3Server) -> None:
    with pytest.raises(OSError, match=r"NoSuchBucket|does not exist|404"):
        Blobs(Bucket("s3://nowhere", http=True)).put(b"data")

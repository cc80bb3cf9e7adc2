"""Bytes that are swept while somebody writes equal ones: on either database, on a disk and in a bucket."""

import threading
from collections.abc import Iterator
from functools import partial
from itertools import count
from pathlib import Path

import pytest

from contract.blobs import Blobs
from contract.library import Library
from contract.places import Bucket
from tests.bucket import STORE, running_s3
from tests.contract.library.kit import every, made

_number = count()
DATA = b"equal bytes"


@pytest.fixture(scope="module")
def s3() -> Iterator[None]:
    with running_s3():
        yield


@pytest.fixture(params=["folder", "bucket"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> Blobs:
    if request.param == "folder":
        return Blobs(tmp_path / "blobs")
    request.getfixturevalue("s3")
    return Blobs(Bucket(f"{STORE}/sweep/{next(_number)}", http=True))


def test_bytes_put_again_between_the_sweeps_look_and_its_delete_are_there(library: Library, blobs: Blobs) -> None:
    """The delete comes when the writer has put its bytes, found them there, and is about to write the record."""
    sha, image = blobs.put(DATA), made()
    looked, put = threading.Event(), threading.Event()
    image = image.model_copy(update={"sha256": sha})
    library.migrate()

    def remove() -> None:
        looked.set()
        assert put.wait(60)
        blobs.delete(sha)

    def write() -> None:
        assert looked.wait(60)
        blobs.put(DATA)
        put.set()
        assert library.add(image, 1, partial(blobs.ensure, sha, DATA))

    both = [threading.Thread(target=library.sweep, args=(sha, remove)), threading.Thread(target=write)]
    for each in both:
        each.start()
    for each in both:
        each.join(60)
    assert [each.sha256 for each in every(library)] == [sha]
    assert blobs.get(sha) == DATA


def test_bytes_that_were_swept_before_their_record_came_are_put_once_more(library: Library, blobs: Blobs) -> None:
    sha = blobs.put(DATA)
    library.sweep(sha, partial(blobs.delete, sha))
    assert not blobs.has(sha)
    assert library.add(made(sha256=sha), 1, partial(blobs.ensure, sha, DATA))
    assert blobs.get(sha) == DATA


def test_what_a_picture_has_is_not_swept(library: Library, blobs: Blobs) -> None:
    sha, image = blobs.put(DATA), made()
    assert library.add(image.model_copy(update={"sha256": sha}), 1)
    library.sweep(sha, partial(blobs.delete, sha))
    assert blobs.has(sha)
    library.trash([image.id])
    library.sweep(sha, partial(blobs.delete, sha))
    assert blobs.has(sha)
    library.forget([image.id])
    library.sweep(sha, partial(blobs.delete, sha))
    assert not blobs.has(sha)


def test_a_record_whose_bytes_cannot_be_had_is_not_written(library: Library) -> None:
    def away() -> None:
        raise OSError("away")

    with pytest.raises(OSError, match="away"):
        library.add(made(), 1, away)
    assert every(library) == []

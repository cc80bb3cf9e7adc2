"""Pictures over HTTP: what is taken, what is refused, and how they come out again."""

import hashlib
import io
import re
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from PIL import Image, ImageFile, PngImagePlugin

from api.deps import Services
from api.pictures import read_picture
from contract.errors import BadImage, Unavailable
from contract.jobs import Image as ImageRecord
from tests.api.kit import MAX_UPLOAD, Worker, noise, png, swept

IMAGES = "/api/v1/images"
FORM = {"X-Requested-With": "a test"}  # no page of another site can send it


def test_an_upload_is_told_and_served(client: TestClient) -> None:
    data = png(noise(20, 30, 3))
    answer = client.post(IMAGES, content=data, headers={"Content-Type": "image/png"})
    assert answer.status_code == 201
    image = answer.json()
    assert set(image) == set(ImageRecord.model_fields)
    assert re.fullmatch(r"img_[a-z2-7]{26}", image["id"])
    assert (image["width"], image["height"], image["format"], image["role"]) == (30, 20, "png", None)
    served = client.get(image["url"])
    assert (served.status_code, served.headers["content-type"]) == (200, "image/png")
    assert hashlib.sha256(served.content).hexdigest() == image["sha256"]
    assert len(served.content) == image["bytes"]
    assert served.headers["etag"] == f'"{image["sha256"]}"'
    assert served.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert served.headers["x-content-type-options"] == "nosniff"
    assert "default-src 'none'" in served.headers["content-security-policy"]


def test_the_same_bytes_are_one_picture(client: TestClient, upload: Callable[[bytes], Any]) -> None:
    data = png(noise(20, 20))
    assert upload(data) == upload(data)
    again = client.post(IMAGES, files={"file": ("../../etc/passwd", data, "application/evil")}, headers=FORM)
    assert (again.status_code, again.json()) == (201, upload(data))
    assert upload(png(noise(20, 20), compress_level=0))["id"] != upload(data)["id"]


def test_fetching_only_when_changed(client: TestClient, upload: Callable[[bytes], Any]) -> None:
    image = upload(png(noise(20, 20)))
    tag = f'"{image["sha256"]}"'
    for known in (tag, f'"other", W/{tag}', "*"):
        answer = client.get(image["url"], headers={"If-None-Match": known})
        assert (answer.status_code, answer.content, answer.headers["etag"]) == (304, b"", tag)
    assert client.get(image["url"], headers={"If-None-Match": '"other"'}).status_code == 200
    assert client.get(f"{image['url']}?size=16", headers={"If-None-Match": tag}).status_code == 200


def test_thumbnails(client: TestClient, upload: Callable[[bytes], Any]) -> None:
    pixels = np.zeros((100, 200, 4), np.uint8)
    pixels[:, :100] = (255, 0, 0, 255)  # left half red, right half transparent
    url = upload(png(pixels))["url"]
    answer = client.get(url, params={"size": 64})
    assert answer.headers["content-type"] == "image/webp"
    assert answer.headers["etag"] != client.get(url).headers["etag"]
    small = Image.open(io.BytesIO(answer.content))
    assert (small.format, small.size, small.mode) == ("WEBP", (64, 32), "RGBA")
    assert np.abs(np.asarray(small, int)[16, 10] - (255, 0, 0, 255)).max() <= 6
    assert np.asarray(small)[16, 54, 3] == 0
    assert Image.open(io.BytesIO(client.get(url, params={"size": 512}).content)).size == (200, 100)


def test_a_thumbnail_that_is_kept_is_served_as_it_is(
    client: TestClient, services: Services, upload: Callable[[bytes], Any]
) -> None:
    image = upload(png(noise(300, 400)))
    services.blobs.keep_thumbnail(image["sha256"], b"as the worker made it")
    answer = client.get(image["url"], params={"size": 256})
    assert (answer.content, answer.headers["content-type"]) == (b"as the worker made it", "image/webp")
    assert answer.headers["cache-control"] == "private, max-age=31536000, immutable"
    assert client.get(image["url"], params={"size": 255}).content != answer.content


def test_a_thumbnail_that_is_missing_is_made_once(
    client: TestClient, services: Services, upload: Callable[[bytes], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    image = upload(png(noise(301, 400)))
    first = client.get(image["url"], params={"size": 256})
    assert Image.open(io.BytesIO(first.content)).size == (256, 193)
    assert services.blobs.thumbnail(image["sha256"]) == first.content

    def made(*_: object) -> bytes:
        pytest.fail("made again")

    monkeypatch.setattr(services.decoder, "thumbnail", made)
    assert client.get(image["url"], params={"size": 256}).content == first.content


@pytest.mark.parametrize("size", [64, 256])
@pytest.mark.parametrize("error", [Unavailable("no process"), BadImage("too much memory")], ids=str)
def test_where_no_copy_can_be_made_the_picture_itself_is_served(
    client: TestClient,
    services: Services,
    upload: Callable[[bytes], Any],
    monkeypatch: pytest.MonkeyPatch,
    size: int,
    error: Exception,
) -> None:
    def fail(*_: object) -> bytes:
        raise error

    monkeypatch.setattr(services.decoder, "thumbnail", fail)
    data = noise(302, 400)
    image = upload(png(data))
    answer = client.get(image["url"], params={"size": size})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/png")
    assert hashlib.sha256(answer.content).hexdigest() == image["sha256"]
    assert (answer.headers["etag"], answer.headers["cache-control"]) == (f'"{image["sha256"]}"', "private, no-cache")


@pytest.mark.parametrize("size", ["15", "513", "0", "x", "nan"])
def test_thumbnail_sizes_that_cannot_be(client: TestClient, upload: Callable[[bytes], Any], size: str) -> None:
    answer = client.get(upload(png(noise(20, 20)))["url"], params={"size": size})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"] == ["query", "size"]


def test_a_generated_picture_tells_how_it_was_made(client: TestClient, worker: Worker) -> None:
    job_id = client.post("/api/v1/jobs", json={"kind": "txt2img", "prompt": "a cat"}).json()["id"]
    image_id = worker.do(job_id)
    metadata = client.get(f"{IMAGES}/{image_id}/metadata").json()
    assert (metadata["model"]["name"], metadata["seed"]) == ("mini", 7)


def test_deleting(client: TestClient, services: Services, upload: Callable[[bytes], Any]) -> None:
    image = upload(png(noise(64, 64)))
    job = {"kind": "img2img", "prompt": "", "image": image["id"]}
    job_id = client.post("/api/v1/jobs", json=job).json()["id"]
    answer = client.delete(image["url"])
    assert (answer.status_code, answer.content) == (204, b"")
    assert client.get(image["url"]).status_code == 404
    assert client.get(f"{image['url']}/metadata").status_code == 404
    assert client.delete(image["url"]).status_code == 404
    # The job that was given it still gets to see it.
    services.store.claim("w1", 15)
    assert services.store.work(job_id).inputs == {image["id"]: image["sha256"]}
    assert swept(services) == []


def test_deleting_one_of_two_keeps_the_shared_bytes(
    client: TestClient, services: Services, upload: Callable[[bytes], Any]
) -> None:
    pixels = noise(20, 20)
    one, two = upload(png(pixels)), upload(png(pixels, compress_level=0))
    assert one["sha256"] == two["sha256"]
    client.delete(one["url"])
    assert swept(services) == []
    assert client.get(two["url"]).status_code == 200
    client.delete(two["url"])
    assert swept(services) == [two["sha256"]]


@pytest.mark.parametrize("image_id", ["img_" + "a" * 26, "1", "img_" + "1" * 26, "..%2f..%2fdata", "img_" + "a" * 27])
def test_unknown_ids_are_404(client: TestClient, image_id: str) -> None:
    for answer in (
        client.get(f"{IMAGES}/{image_id}"),
        client.get(f"{IMAGES}/{image_id}/metadata"),
        client.delete(f"{IMAGES}/{image_id}"),
    ):
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


def test_bytes_that_are_gone_are_404(client: TestClient, services: Services, upload: Callable[[bytes], Any]) -> None:
    image = upload(png(noise(21, 20)))
    services.blobs.delete(image["sha256"])
    assert client.get(image["url"]).status_code == 404
    assert client.get(image["url"], params={"size": 64}).status_code == 404


def test_a_link_where_bytes_should_lie_is_not_followed(
    client: TestClient, services: Services, upload: Callable[[bytes], Any], tmp_path: Path
) -> None:
    image = upload(png(noise(23, 20)))
    path = services.settings.blobs / image["sha256"][:2] / image["sha256"]
    path.rename(tmp_path / "elsewhere")
    path.symlink_to(tmp_path / "elsewhere")
    for size in ({}, {"size": 64}):
        answer = client.get(image["url"], params=size)
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert str(tmp_path) not in answer.text
    path.unlink()


def test_a_full_disk_is_503(client: TestClient, services: Services) -> None:
    """A file stands where a folder should be made: writing fails, as it does on a full disk."""
    pixels = noise(22, 20)
    image = client.post(IMAGES, content=png(pixels), headers={"Content-Type": "image/png"}).json()
    client.delete(image["url"])
    services.blobs.delete(image["sha256"])
    folder = services.settings.blobs / image["sha256"][:2]
    for child in folder.iterdir():
        child.unlink()
    folder.rmdir()
    folder.write_bytes(b"")
    answer = client.post(IMAGES, content=png(pixels), headers={"Content-Type": "image/png"})
    folder.unlink()
    assert answer.status_code == 503
    assert "could not be stored" in answer.json()["detail"]
    assert str(folder) not in answer.text
    assert client.get(image["url"]).status_code == 404


# --- what is refused ---------------------------------------------------------------------------------


def gif(frames: int) -> bytes:
    file = io.BytesIO()
    images = [Image.new("P", (32, 32), shade) for shade in range(frames)]
    images[0].save(file, "GIF", save_all=True, append_images=images[1:])
    return file.getvalue()


def animated(format: str) -> bytes:
    file = io.BytesIO()
    images = [Image.new("RGB", (32, 32), (shade, 0, 0)) for shade in (0, 100, 200)]
    images[0].save(file, format, save_all=True, append_images=images[1:])
    return file.getvalue()


def jpeg(pixels: "np.ndarray[Any, Any]") -> bytes:
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "JPEG")
    return file.getvalue()


def bomb(side: int) -> bytes:
    """A PNG of few bytes and many pixels: one bit each, all black."""

    def chunk(name: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    rows = zlib.compress(bytes((1 + side // 8) * side), 9)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


PNG = png(noise(64, 64, 3))
BROKEN_CRC = PNG[:100] + bytes([PNG[100] ^ 255]) + PNG[101:]


@pytest.mark.parametrize(
    ("data", "status", "says"),
    [
        (b"", 422, "empty"),
        (PNG[:8], 422, "broken or incomplete"),
        (PNG[: len(PNG) // 2], 422, "broken or incomplete"),
        (BROKEN_CRC, 422, "broken or incomplete"),
        (jpeg(noise(64, 64, 3))[:800], 422, "broken or incomplete"),
        (b"RIFF\x10\x00\x00\x00WEBPVP8 ", 422, "broken or incomplete"),
        (gif(1), 415, "PNG, JPEG or WebP"),
        (gif(3), 415, "PNG, JPEG or WebP"),
        (b"<html><script>alert(1)</script>", 415, "PNG, JPEG or WebP"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", 415, "PNG, JPEG or WebP"),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n", 415, "PNG, JPEG or WebP"),
        (animated("PNG"), 422, "animated"),
        (animated("WEBP"), 422, "animated"),
        (png(noise(15, 64)), 422, "at least 16"),
        (png(noise(1, 1)), 422, "at least 16"),
        (png(np.zeros((16, 4097), np.uint8)), 422, "4097 x 16 pixels; at most 4096 x 4096"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_what_is_no_picture(client: TestClient, data: bytes, status: int, says: str) -> None:
    answer = client.post(IMAGES, content=data, headers={"Content-Type": "image/png"})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["detail"]


@pytest.mark.parametrize("side", [4104, 10_000, 20_000])
def test_a_bomb_is_not_unpacked(client: TestClient, monkeypatch: pytest.MonkeyPatch, side: int) -> None:
    def unpacked(_: ImageFile.ImageFile) -> None:
        pytest.fail("the pixels were unpacked")

    data = bomb(side)
    assert len(data) < 50_000
    answer = client.post(IMAGES, content=data, headers={"Content-Type": "image/png"})
    assert answer.status_code == 422
    assert "at most 4096 x 4096" in answer.json()["detail"]
    monkeypatch.setattr(ImageFile.ImageFile, "load", unpacked)  # the app reads it in another process
    with pytest.raises(BadImage, match="at most 4096 x 4096"):
        read_picture(data)


def test_the_limits_themselves_are_taken(client: TestClient, upload: Callable[[bytes], Any]) -> None:
    assert upload(png(noise(16, 16)))["width"] == 16
    largest = upload(png(np.zeros((4096, 4096), np.uint8)))
    assert (largest["width"], largest["height"]) == (4096, 4096)


def test_texts_that_unpack_to_much(client: TestClient) -> None:
    """A zTXt chunk of 4 MB in 4 kB: Pillow says ValueError, not OSError."""
    chunks = PngImagePlugin.PngInfo()
    chunks.add_text("a", "x" * 4_000_000, zip=True)
    answer = client.post(IMAGES, content=png(noise(20, 20), pnginfo=chunks), headers={"Content-Type": "image/png"})
    assert answer.status_code == 422


def test_too_many_bytes(client: TestClient) -> None:
    data = PNG + b"\0" * (MAX_UPLOAD + 100_000)
    for sent in (data, iter([data[:1000], data[1000:]])):  # with Content-Length, and chunked
        answer = client.post(IMAGES, content=sent, headers={"Content-Type": "image/png"})
        assert answer.status_code == 413
        assert answer.headers["content-type"] == "application/problem+json"
    just = client.post(IMAGES, content=b"\0" * (MAX_UPLOAD + 1), headers={"Content-Type": "image/png"})
    assert just.status_code == 413
    assert str(MAX_UPLOAD) in just.json()["detail"]
    assert client.post(IMAGES, files={"file": ("a", data, "image/png")}, headers=FORM).status_code == 413


@pytest.mark.parametrize(
    ("request_", "status", "says"),
    [
        ({"content": PNG, "headers": {"Content-Type": "application/octet-stream"}}, 415, "image/png"),
        ({"content": PNG}, 415, "image/png"),
        ({"files": {"picture": ("a", PNG, "image/png")}}, 422, "`file`"),
        ({"data": {"file": "text"}, "files": {"x": ("a", PNG)}}, 422, "`file`"),
        ({"files": [("file", PNG), ("file", PNG)]}, 400, "Too many files"),
        ({"content": b"junk", "headers": {"Content-Type": "multipart/form-data"}}, 400, "boundary"),
        ({"content": b"junk", "headers": {"Content-Type": "multipart/form-data; boundary=x"}}, 400, ""),
    ],
)
def test_bodies_that_hold_no_file(client: TestClient, request_: dict[str, Any], status: int, says: str) -> None:
    answer = client.post(IMAGES, **request_ | {"headers": FORM | request_.get("headers", {})})
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert says in answer.json()["detail"]

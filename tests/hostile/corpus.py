"""Pictures that mean harm, and good ones to spoil: made here, from nothing but the formats' descriptions and Pillow."""

import io
import struct
import zlib
from typing import Any

import numpy as np
from PIL import Image, ImageCms, PngImagePlugin

from tests.api.kit import noise, png

MAGIC = b"\x89PNG\r\n\x1a\n"


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def header(width: int, height: int, depth: int = 8, colour: int = 2, interlaced: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlaced))


def saved(image: Image.Image, format: str, **options: Any) -> bytes:
    file = io.BytesIO()
    image.save(file, format, **options)
    return file.getvalue()


def bomb(side: int) -> bytes:
    """Few bytes and many pixels, one bit each, all black."""
    rows = zlib.compress(bytes((1 + side // 8) * side), 9)
    return MAGIC + header(side, side, 1, 0) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def stuffed(name: bytes, megabytes: int) -> bytes:
    """A picture of 32 x 32 with a compressed chunk that unpacks to so much."""
    inside = zlib.compress(bytes(megabytes * 1_000_000), 9)
    head = {b"zTXt": b"a\0\0", b"iCCP": b"a\0\0", b"iTXt": b"a\0\1\0\0\0"}[name]
    plain = png(noise(32, 32))
    return plain[:33] + chunk(name, head + inside) + plain[33:]


def _too_much_data() -> bytes:
    """32 x 32 pixels, and data for 200 MB of them."""
    rows = zlib.compress(bytes(200_000_000), 9)
    return MAGIC + header(32, 32) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


def _animated(format: str) -> bytes:
    frames = [Image.new("RGB", (32, 32), (shade, 0, 0)) for shade in (0, 100, 200)]
    return saved(frames[0], format, save_all=True, append_images=frames[1:])


PLAIN = png(noise(64, 64, 3))
JPEG = saved(Image.fromarray(noise(64, 64, 3)), "JPEG")
WEBP = saved(Image.fromarray(noise(64, 64, 3)), "WEBP")

LOOP = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x69\x87\x04\0\x01\0\0\0\x08\0\0\0" + bytes(4)  # its EXIF directory is the first

# name → file and what it is answered
CORPUS: dict[str, tuple[bytes, set[int]]] = {
    "bomb of 10,000 squared": (bomb(10_000), {422}),
    "bomb of 13,000 squared": (bomb(13_000), {422}),
    "bomb of 20,000 squared": (bomb(20_000), {422}),
    "sides of 2^31 - 1": (MAGIC + header(2**31 - 1, 2**31 - 1) + chunk(b"IDAT", b"x"), {422}),
    "sides of 2^32 - 1": (MAGIC + header(2**32 - 1, 1) + chunk(b"IDAT", b"x"), {422}),
    "no width": (MAGIC + header(0, 64) + chunk(b"IDAT", b"x"), {422}),
    "text of 80 MB": (stuffed(b"zTXt", 80), {422}),
    "international text of 80 MB": (stuffed(b"iTXt", 80), {422}),
    "profile of 80 MB": (stuffed(b"iCCP", 80), {201, 422}),
    "pixels of 200 MB for 32 x 32": (_too_much_data(), {201, 422}),
    "a text of 1 MB": (PLAIN[:33] + chunk(b"tEXt", b"a\0" + b"x" * 1_000_000) + PLAIN[33:], {201, 422}),
    "truncated PNG": (PLAIN[: len(PLAIN) // 2], {422}),
    "truncated JPEG": (JPEG[: len(JPEG) // 2], {422}),
    "truncated WebP": (WEBP[: len(WEBP) // 2], {422}),
    "broken checksum": (PLAIN[:100] + bytes([PLAIN[100] ^ 255]) + PLAIN[101:], {422}),
    "first bytes only": (MAGIC, {422}),
    "empty": (b"", {422}),
    "html": (b"<!doctype html><script>alert(1)</script>", {415}),
    "html behind PNG's first bytes": (MAGIC + b"<html><script>alert(1)</script>", {422}),
    "html behind a whole PNG": (PLAIN + b"<html><script>alert(1)</script>", {201}),
    "svg": (b"<svg xmlns='http://www.w3.org/2000/svg' onload='alert(1)'/>", {415}),
    "svg with a declaration": (b"<?xml version='1.0'?><!DOCTYPE svg [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>", {415}),
    "postscript": (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n(/etc/passwd) run", {415}),
    "pdf": (b"%PDF-1.4", {415}),
    "gif": (saved(Image.new("P", (32, 32)), "GIF"), {415}),
    "bmp": (saved(Image.new("RGB", (32, 32)), "BMP"), {415}),
    "tiff": (saved(Image.new("RGB", (32, 32)), "TIFF"), {415}),
    "icon": (saved(Image.new("RGB", (32, 32)), "ICO"), {415}),
    "fits": (b"SIMPLE  =                    T", {415}),
    "pickle": (b"\x80\x04\x95\x0a\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94.", {415}),
    "zip": (b"PK\x03\x04" + bytes(60), {415}),
    "moving PNG": (_animated("PNG"), {422}),
    "moving WebP": (_animated("WEBP"), {422}),
    "1 x 1": (png(noise(1, 1)), {422}),
    "4097 x 16": (png(np.zeros((16, 4097), np.uint8)), {422}),
    "a PNG of no known kind": (MAGIC + header(32, 32, 7, 5) + chunk(b"IDAT", b"x") + chunk(b"IEND", b""), {422}),
    "palette without one": (
        MAGIC + header(32, 32, 8, 3) + chunk(b"IDAT", zlib.compress(bytes(33 * 32))) + chunk(b"IEND", b""),
        {201, 422},
    ),
    "webp of odd length": (b"RIFF\xff\xff\xff\xffWEBPVP8X" + bytes(40), {422}),
    "jpeg of endless markers": (b"\xff\xd8" + b"\xff\xe1\xff\xff" * 1000, {422}),
    "exif that points at itself": (saved(Image.new("RGB", (32, 32)), "JPEG", exif=LOOP), {201, 422}),
}  # fmt: skip


def seeds() -> list[bytes]:
    """Twenty good pictures of every kind that is taken."""
    rgb = Image.fromarray(noise(32, 40, 3))
    rgba = Image.fromarray(noise(32, 40, 4))
    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    exif = Image.Exif()
    exif[0x0112], exif[0x010F] = 6, "Maker"
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", "a cat", zip=True)
    info.add_itxt("note", "größe", zip=True)
    told: dict[str, Any] = {"exif": exif, "icc_profile": profile}
    grey16 = Image.fromarray(np.random.default_rng(1).integers(0, 65536, (32, 40), dtype=np.uint16))
    return [
        *(saved(rgb.convert(mode), "PNG") for mode in ("L", "RGB", "P", "1", "LA")),
        saved(rgba, "PNG"), saved(grey16, "PNG"), saved(rgb, "PNG", pnginfo=info, **told),
        saved(rgb.convert("P"), "PNG", transparency=3),
        *(saved(rgb.convert(mode), "JPEG") for mode in ("L", "RGB", "CMYK")),
        saved(rgb, "JPEG", progressive=True, **told), saved(rgb, "JPEG", comment=b"hello", quality=100),
        saved(rgb, "MPO", save_all=True, append_images=[rgb.rotate(90)]),
        saved(rgb, "WEBP"), saved(rgba, "WEBP"), saved(rgb, "WEBP", lossless=True), saved(rgba, "WEBP", lossless=True),
        saved(rgb, "WEBP", **told),
    ]  # fmt: skip


def mutated(data: bytes, rng: np.random.Generator) -> bytes:
    """Spoiled: bytes changed, bits turned, pieces doubled, cut out or exchanged; a PNG's checksums then made right."""
    changed = bytearray(data)
    for _ in range(rng.integers(1, 8)):
        at, length = int(rng.integers(len(changed))), int(rng.integers(1, 40))
        way = rng.integers(6)
        if way == 0:
            changed[at] = rng.integers(256)
        elif way == 1:
            changed[at] ^= 1 << int(rng.integers(8))
        elif way == 2:
            changed[at:at] = changed[at : at + length]
        elif way == 3 and len(changed) > 60:
            del changed[at : at + length]
        elif way == 4:
            changed[at : at + 4] = struct.pack(">I", int(rng.choice([0, 1, 2**16, 2**31 - 1, 2**32 - 1])))
        else:
            other = int(rng.integers(len(changed)))
            changed[at : at + 4], changed[other : other + 4] = changed[other : other + 4], changed[at : at + 4]
    if rng.random() < 0.15:
        del changed[int(rng.integers(1, len(changed))) :]
    return _with_checksums(bytes(changed)) if rng.random() < 0.7 else bytes(changed)


def _with_checksums(data: bytes) -> bytes:
    """A PNG whose chunks have the right checksums, so that a decoder reads on; another file as it is."""
    if not data.startswith(MAGIC):
        return data
    out, at = [MAGIC], len(MAGIC)
    while at + 12 <= len(data):
        (length,) = struct.unpack_from(">I", data, at)
        if at + 12 + length > len(data):
            break
        out.append(chunk(data[at + 4 : at + 8], data[at + 8 : at + 8 + length]))
        at += 12 + length
    return b"".join(out) + data[at:]

"""PNG, written fast: Paeth's filter in numpy and zlib's run-length matching (RFC 2083; zlib manual, `Z_RLE`).

Numpy and zlib let go of the interpreter while they work, so writers on other threads do not hold up the engine.
"""

import struct
import zlib
from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOURS = {1: 0, 3: 2, 4: 6}  # channels → colour type
_PAETH = 4  # filter type
_LINES = 32  # filtered at a time, so that what is computed on the way stays in the cache


def encode(pixels: npt.NDArray[np.uint8], texts: Mapping[str, str]) -> bytes:
    """A PNG of grey, RGB or RGBA pixels (H, W, 1, 3 or 4) with these texts by keyword, which is Latin-1.

    One filter for all lines costs nothing in size beside Pillow's choice line by line, on pictures and on drawings.
    """
    height, width, channels = pixels.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOURS[channels], 0, 0, 0)
    packer = zlib.compressobj(level=1, strategy=zlib.Z_RLE)
    data = packer.compress(_filtered(pixels).data) + packer.flush()
    said = (_said(key, text) for key, text in texts.items())
    return b"".join((_SIGNATURE, _chunk(b"IHDR", header), *said, _chunk(b"IDAT", data), _chunk(b"IEND", b"")))


def _said(key: str, text: str) -> bytes:
    """A text as tEXt, which is Latin-1, or where it is more than that as iTXt, uncompressed and of no language."""
    keyword = key.encode("latin-1") + b"\0"
    try:
        return _chunk(b"tEXt", keyword + text.encode("latin-1"))
    except UnicodeEncodeError:
        return _chunk(b"iTXt", keyword + bytes(4) + text.encode())


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(data, zlib.crc32(kind)))


def _filtered(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Lines (H, 1 + W * channels): the filter's type, then each byte less Paeth's guess at it (RFC 2083, 6.6)."""
    height, width, channels = pixels.shape
    out = np.empty((height, 1 + width * channels), np.uint8)
    out[:, 0] = _PAETH
    seen = np.zeros((1 + _LINES, channels + width * channels), np.int16)  # with a line above and a pixel at the left
    for top in range(0, height, _LINES):
        lines = pixels[top : top + _LINES].reshape(-1, width * channels)
        count = len(lines)
        seen[1 : count + 1, channels:] = lines
        left, above, corner = seen[1 : count + 1, :-channels], seen[:count, channels:], seen[:count, :-channels]
        down, across = above - corner, left - corner
        far = np.abs(down), np.abs(across), np.abs(down + across)  # of left, above and corner from their plane
        guess = np.where(far[0] <= np.minimum(far[1], far[2]), left, np.where(far[1] <= far[2], above, corner))
        np.subtract(lines, guess, out=out[top : top + count, 1:], casting="unsafe")  # modulo 256
        seen[0] = seen[count]
    return out

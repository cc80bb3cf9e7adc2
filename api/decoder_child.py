"""The process in which pictures are read: `python -m api.decoder_child`, its standard input a socket to the api.

It serves one picture at a time until the other side closes. What a hostile file can reach from here is little: no
settings, no secrets, no open files, and memory and time that end. See `api/decoder.py` for the other side.
"""

import json
import math
import resource
import signal
import socket
import sys
import time
from contextlib import suppress
from io import BufferedRWPair
from typing import Any

from api.pictures import read_picture, read_texts, thumbnail
from contract.errors import BadImage, RequestError
from contract.phrases import Phrase

MEMORY = 1024**3  # bytes of address space, the interpreter's 0.2 GiB among them
CPU_SECONDS = 5  # of one picture
MAX_HEAD = 4 * 1024 * 1024  # bytes; what a file says of itself is 100 kB at most
READY = b"ready\n"


def send(file: BufferedRWPair, head: dict[str, Any], data: bytes) -> None:
    """One message: a line of JSON, then as many bytes as it says. JSON, so that nothing in it can be run."""
    file.write(json.dumps({**head, "bytes": len(data)}).encode() + b"\n")
    file.write(data)
    file.flush()


def receive(file: BufferedRWPair, most: int) -> tuple[dict[str, Any], bytes]:
    """The next message. Raises EOFError when there is none, or only the beginning of one, or one above `most` bytes."""
    line = file.readline(MAX_HEAD)
    try:
        head: dict[str, Any] = json.loads(line)
        size = int(head.pop("bytes"))
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise EOFError("no message") from error
    if not 0 <= size <= most:
        raise EOFError("too long a message")
    data = file.read(size)
    if len(data) < size:
        raise EOFError("half a message")
    return head, data


def main() -> None:
    """Serve until the other side closes."""
    for ignored in (signal.SIGINT, signal.SIGTERM):  # they are meant for the api, which may still need a picture
        signal.signal(ignored, signal.SIG_IGN)
    _confine()
    with socket.socket(fileno=sys.stdin.fileno()) as connection, connection.makefile("rwb") as file:
        file.write(READY)
        file.flush()
        with suppress(EOFError, BrokenPipeError, ConnectionResetError):
            while True:
                order, data = receive(file, sys.maxsize)
                _allow_seconds(CPU_SECONDS)
                send(file, *_answer(order, data))


def _answer(order: dict[str, Any], data: bytes) -> tuple[dict[str, Any], bytes]:
    try:
        if "side" in order:
            return {}, thumbnail(data, order["side"])
        if "texts" in order:
            return {}, json.dumps(read_texts(data)).encode()
        picture = read_picture(data)
        return {"width": picture.width, "height": picture.height, "found": picture.found}, picture.png
    except RequestError as error:
        return _refusal(error)
    except MemoryError:
        return _refusal(BadImage("Reading the picture takes too much memory; send a plainer one."))


def _refusal(error: RequestError) -> tuple[dict[str, Any], bytes]:
    said = Phrase.of(error.detail)
    return {"status": error.status, "detail": said, "sentence": said.sentence, "values": dict(said.values)}, b""


def _confine() -> None:
    """No more memory than MEMORY, no files written, no core dumped."""
    if sys.platform == "linux":  # macOS knows the first and does not keep it
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _allow_seconds(seconds: int) -> None:
    """Have the kernel end this process after so much more time on a core."""
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (math.ceil(time.process_time()) + seconds, hard))


if __name__ == "__main__":
    main()

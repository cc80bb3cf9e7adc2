"""The form in which pictures leave a library and come into another: a folder, or the same as a ZIP file.

    library.jsonl              first line: what this is; then a record for each picture, oldest first; last: how many
    pictures/ab/img_ab….png    the bytes, by id

docs/library.md describes it for other programs. What is read here may be anybody's: nothing in it names a file, nothing
is unpacked further than its record says, and a picture's bytes are those of its SHA-256.
"""

import errno
import hashlib
import json
import math
import os
import re
import shutil
import struct
import tempfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, BinaryIO, Literal, NamedTuple, Protocol

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError

from contract.files import open_within
from contract.ids import image_url
from contract.jobs import StoredImage
from contract.library.records import MAX_TAGS, Kept, Name
from contract.requests import ImageId

RECORDS = "library.jsonl"
VERSION = 1
_HEAD = {"darkroom_library": VERSION}
MAX_PICTURE = 2**28  # bytes; a sheet of 4096 x 4096 takes a fifth of it
MAX_LINE = 2**23  # bytes; a grid of 256 cells takes a tenth of it
_MAX_SIDE = 8192  # pixels
_SURROGATE = re.compile("[\ud800-\udfff\0]")  # what no database takes

Sha = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Owner = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]{1,100}$")]
_Short = Annotated[str, Field(max_length=40)]
_Whole = Annotated[int, Field(strict=True, ge=0, lt=2**53)]
_Side = Annotated[int, Field(strict=True, ge=1, le=_MAX_SIDE)]
_Moment = Annotated[
    AwareDatetime,
    Field(ge=datetime(1980, 1, 1, tzinfo=UTC), lt=datetime(2100, 1, 1, tzinfo=UTC)),  # what a ZIP file can say
]
Put = Callable[["Record", bytes], None]


class Unfit(Exception):
    """A line, or the picture that it tells of, is not to be taken in; the text says why."""


class Record(BaseModel):
    """One line: a picture, how it was made, and what its owner made of it."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    id: ImageId
    sha256: Sha
    format: Literal["png"]
    width: _Side
    height: _Side
    bytes: Annotated[int, Field(strict=True, ge=1, le=MAX_PICTURE)]
    created_at: _Moment
    owner: Owner
    job_id: Annotated[str, Field(pattern=r"^job_[a-z2-7]{26}$")] | None
    index: Annotated[int, Field(strict=True, ge=0, lt=2**31)] | None
    seed: _Whole | None
    role: Literal["output", "raw", "grid"] | None
    favourite: Annotated[bool, Field(strict=True)]
    board: Name | None
    tags: Annotated[list[Name], Field(max_length=MAX_TAGS)]
    metadata: dict[str, Any]

    @property
    def file(self) -> str:
        """Where its bytes are: a thousand pictures must not share one folder."""
        return f"pictures/{self.id[4:6]}/{self.id}.{self.format}"

    def stored(self, owner: str | None) -> StoredImage:
        """As the library takes it. owner: whose it is to be; None = whose it was."""
        same = self.model_dump(exclude={"favourite", "board", "tags"})
        return StoredImage.model_validate({**same, "owner": owner or self.owner, "url": image_url(self.id)})


class _Base(BaseModel):
    model_config = ConfigDict(extra="allow")

    sampler: _Short | None = None


class _Request(_Base):
    kind: _Short
    base: _Base = _Base()


class _Model(BaseModel):
    model_config = ConfigDict(extra="allow")

    name: Name
    hash: Annotated[str, Field(max_length=100)]


class _Made(BaseModel):
    """What the library and the pages look for in the metadata of a picture that was made here or elsewhere."""

    model_config = ConfigDict(extra="allow")

    request: _Request
    prompt: str = ""
    negative_prompt: str = ""
    seed: _Whole | None = None
    model: _Model | None = None
    inputs: dict[ImageId, Sha] = {}
    infotext: str = ""
    maker: str = ""
    made_by: dict[str, Any] = {}


def record_of(picture: Kept) -> Record:
    """The line that tells of a picture. Raises ValidationError."""
    return Record.model_validate({name: getattr(picture, name) for name in Record.model_fields})


# --- writing ------------------------------------------------------------------------------------------


@contextmanager
def written(path: Path) -> Iterator[Put]:
    """What takes pictures one by one; at the end the archive is whole, and before it is not taken for one.

    path: a folder that is empty or yet to be, or a file named `….zip` that is not there. Raises OSError.
    """
    with (_written_zip if path.suffix.lower() == ".zip" else _written_folder)(path) as put:
        yield put


@contextmanager
def _written_folder(folder: Path) -> Iterator[Put]:
    folder.mkdir(parents=True, exist_ok=True)
    if any(folder.iterdir()):
        raise FileExistsError(errno.EEXIST, "there are files in it already", str(folder))
    part = folder / f"{RECORDS}.part"
    with part.open("xb") as lines:
        count = 0
        lines.write(_line(_HEAD))

        def put(record: Record, data: bytes) -> None:
            nonlocal count
            line, file = _line(record.model_dump(mode="json")), folder / record.file
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            lines.write(line)
            count += 1

        yield put
        lines.write(_line({"pictures": count}))
        lines.flush()
        os.fsync(lines.fileno())
    part.rename(folder / RECORDS)


@contextmanager
def _written_zip(file: Path) -> Iterator[Put]:
    """Pictures are stored as they are, being compressed already; the records wait beside them for the end."""
    if file.exists():
        raise FileExistsError(errno.EEXIST, "it is there already", str(file))
    handle, name = tempfile.mkstemp(prefix=f"{file.name}.", suffix=".part", dir=file.parent)
    part = Path(name)
    try:
        with os.fdopen(handle, "wb") as out, tempfile.TemporaryFile(dir=file.parent) as lines:
            with zipfile.ZipFile(out, "w") as archive:
                count = 0
                lines.write(_line(_HEAD))

                def put(record: Record, data: bytes) -> None:
                    nonlocal count
                    line = _line(record.model_dump(mode="json"))
                    made = record.created_at.astimezone(UTC).timetuple()[:6]
                    archive.writestr(zipfile.ZipInfo(record.file, made), data)
                    lines.write(line)
                    count += 1

                yield put
                lines.write(_line({"pictures": count}))
                lines.seek(0)
                records = zipfile.ZipInfo(RECORDS, datetime.now(UTC).timetuple()[:6])
                records.compress_type = zipfile.ZIP_DEFLATED
                with archive.open(records, "w", force_zip64=True) as into:
                    shutil.copyfileobj(lines, into)
            out.flush()
            os.fsync(out.fileno())
        os.link(part, file)  # which does not write over one that has come meanwhile
    finally:
        part.unlink(missing_ok=True)


def _line(value: dict[str, Any]) -> bytes:
    """Half a character, which UTF-8 does not have, stays as JSON escapes it."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode(errors="backslashreplace") + b"\n"


# --- reading ------------------------------------------------------------------------------------------


class Source(Protocol):
    """Files of an archive by name. Every trouble is an OSError; that there is none is a FileNotFoundError."""

    def open(self, name: str) -> BinaryIO: ...


class _Folder:
    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def open(self, name: str) -> BinaryIO:
        return open_within(self._folder, name)


class _Zip:
    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive

    def open(self, name: str) -> BinaryIO:
        try:
            info = self._archive.getinfo(name)
        except KeyError:
            raise FileNotFoundError(errno.ENOENT, "not in the archive", name) from None
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):  # the others unpack without a bound
            raise OSError(errno.EINVAL, "packed in a way that is not read here", name)
        return self._archive.open(info)  # type: ignore[return-value]  # an IO[bytes], which is no BinaryIO to mypy


class Line(NamedTuple):
    """number: from 1. size: bytes. record: or why there is none."""

    number: int
    size: int
    record: Record | Unfit


@contextmanager
def opened(path: Path) -> Iterator[Source]:
    """An archive to be read. Raises OSError where there is none, or it is none."""
    if path.is_dir():
        yield _Folder(path)
        return
    with _as_os_error():
        archive = zipfile.ZipFile(path)
    with archive:
        yield _Zip(archive)


def lines(source: Source) -> Iterator[Line]:
    """The records, one by one. Raises OSError where the file ends too early, or is of another kind."""
    with _as_os_error(), source.open(RECORDS) as file:
        head = _parsed(file.readline(1000))
        if not isinstance(head, dict) or head.get("darkroom_library") != VERSION:
            raise OSError(errno.EINVAL, f"line 1 does not say that this is a library of version {VERSION}", RECORDS)
        number, count = 1, 0
        while raw := file.readline(MAX_LINE + 1):
            number += 1
            if not raw.endswith(b"\n"):
                told = "is cut off" if len(raw) <= MAX_LINE else f"has more than {MAX_LINE} bytes"
                raise OSError(errno.EINVAL, f"line {number} {told}", RECORDS)
            value = _parsed(raw)
            if isinstance(value, dict) and value.keys() == {"pictures"}:
                if value["pictures"] != count:
                    told = f"line {number} tells of {_shown(value['pictures'])} pictures, and there are {count}"
                    raise OSError(errno.EINVAL, told, RECORDS)
                if file.read(1):
                    raise OSError(
                        errno.EINVAL, f"something follows line {number}, which tells how many there are", RECORDS
                    )
                return
            count += 1
            yield Line(number, len(raw), _record(value))
        raise OSError(
            errno.EINVAL, f"it ends with line {number}, without the line that tells how many there are", RECORDS
        )


def picture(source: Source, record: Record) -> bytes:
    """The bytes of a picture. Raises Unfit where they are not what the record says."""
    try:
        with _as_os_error(), source.open(record.file) as file:
            data = file.read(record.bytes + 1)
    except FileNotFoundError:
        raise Unfit(f"{record.file} is not there") from None
    except OSError as error:
        raise Unfit(f"{record.file} cannot be read: {error.strerror or error}") from error
    if len(data) != record.bytes:
        raise Unfit(f"{record.file} has not the {record.bytes} bytes that the record tells of")
    if hashlib.sha256(data).hexdigest() != record.sha256:
        raise Unfit(f"the bytes of {record.file} are not those of its sha256")
    size = struct.pack(">II", record.width, record.height)
    if data[:16] != b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR" or data[16:24] != size:
        raise Unfit(f"{record.file} is not a PNG of {record.width} x {record.height}")
    return data


def _record(value: Any) -> Record | Unfit:
    if isinstance(value, Unfit):
        return value
    try:
        record = Record.model_validate(value)
        if record.job_id is not None:
            _Made.model_validate(record.metadata)
        return record
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        return Unfit(_shown(f"{'.'.join(map(str, first['loc'])) or 'the line'}: {first['msg']}"))


def _parsed(raw: bytes) -> Any:
    """A line's JSON, with nothing in it that a database would not take; an Unfit says what is."""
    try:
        value = json.loads(raw.decode(), parse_constant=_no_number, parse_float=_finite)
        if any(_SURROGATE.search(text) for text in _texts(value)):
            return Unfit("a text has characters in it that are none")
    except (ValueError, RecursionError):
        return Unfit("is no JSON")
    return value


def _finite(text: str) -> float:
    value = float(text)
    return value if math.isfinite(value) else _no_number(text)


def _no_number(text: str) -> float:
    raise ValueError(text)


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        yield from value
        for each in value.values():
            yield from _texts(each)
    elif isinstance(value, list):
        for each in value:
            yield from _texts(each)


def _shown(value: object) -> str:
    """Somebody's text, short, and harmless to a terminal."""
    return ascii(str(value))[1:-1][:200]


@contextmanager
def _as_os_error() -> Iterator[None]:
    """What zipfile and zlib raise at a damaged archive."""
    try:
        yield
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        RuntimeError,
        NotImplementedError,
        ValueError,
        struct.error,
    ) as error:
        raise OSError(errno.EINVAL, f"the archive is damaged: {_shown(error)}") from error

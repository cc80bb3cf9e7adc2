"""Out of one library and into another: between databases and stores, twice, and from archives that lie."""

import hashlib
import json
import os
import shutil
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from contract.blobs import Blobs
from contract.jobs import StoredImage
from contract.library import Changes, Library, Wanted, archive, transfer
from contract.places import Bucket
from tests.bucket import STORE, running_s3
from tests.contract.library.kit import every, ids, made, sent
from tests.postgres import PostgresServer

on_postgres = pytest.mark.postgres


def png(shade: int, width: int = 64, height: int = 48) -> bytes:
    out = BytesIO()
    Image.new("RGB", (width, height), (shade % 256, shade // 256, 7)).save(out, "PNG")
    return out.getvalue()


def stored(blobs: Blobs, data: bytes, image: StoredImage) -> StoredImage:
    """The same picture with these bytes, which are in the store."""
    return image.model_copy(update={"sha256": blobs.put(data), "bytes": len(data)})


def opened(kind: str, name: str, folder: Path, request: pytest.FixtureRequest) -> Library:
    if kind == "sqlite":
        return Library(folder / name / "library.db")
    server: PostgresServer = request.getfixturevalue("postgres")
    return Library(server.database())


@pytest.fixture
def blobs(tmp_path: Path) -> Blobs:
    return Blobs(tmp_path / "blobs")


@pytest.fixture
def other(tmp_path: Path) -> Iterator[tuple[Library, Blobs]]:
    """A library with nothing in it, and its bytes."""
    made = Library(tmp_path / "other" / "library.db")
    yield made, Blobs(tmp_path / "other" / "blobs")
    made.close()


def filled(library: Library, blobs: Blobs) -> list[str]:
    """A picture that was sent, one made from it, one made from that, and one of somebody else; their ids."""
    first = stored(blobs, png(1), sent(sha="01" * 32, Software="a camera"))
    second = stored(blobs, png(2), made("a black cat", negative_prompt="rain", inputs={first.id: first.sha256}))
    third = stored(blobs, png(3), made("wörter 猫 \\u0000", inputs={second.id: second.sha256}))
    fourth = stored(blobs, png(1), made("a boat", owner="ab12"))  # the bytes of the first
    for token, image in enumerate((first, second, third, fourth)):
        assert library.add(image, token)
    library.change(second.id, Changes(favourite=True, board="Trip", tags=["sea", "猫"]))
    library.change(third.id, Changes(tags=["sea"]))
    return [first.id, second.id, third.id, fourth.id]


def export(library: Library, blobs: Blobs, path: Path, owner: str | None = None, **wanted: Any) -> transfer.Tally:
    told: list[str] = []
    tally = transfer.export(library, blobs, path, Wanted(**wanted), owner, told.append)
    assert len(told) == tally.refused
    return tally


def bring(library: Library, blobs: Blobs, path: Path, owner: str | None = None) -> tuple[transfer.Tally, list[str]]:
    told: list[str] = []
    return transfer.bring(library, blobs, path, owner, told.append), told


@pytest.mark.parametrize(
    ("here", "there"),
    [
        ("sqlite", "sqlite"),
        pytest.param("sqlite", "postgres", marks=on_postgres),
        pytest.param("postgres", "sqlite", marks=on_postgres),
    ],
)
@pytest.mark.parametrize("name", ["archive", "archive.zip"])
def test_what_goes_out_comes_in_as_it_was(
    here: str, there: str, name: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    library, other = opened(here, "here", tmp_path, request), opened(there, "there", tmp_path, request)
    with closing(library), closing(other), running_s3():
        near, far = Blobs(tmp_path / "blobs"), Blobs(Bucket(f"{STORE}/there", http=True))
        kept = filled(library, near)
        assert export(library, near, tmp_path / name) == transfer.Tally(done=4)
        assert bring(other, far, tmp_path / name) == (transfer.Tally(done=4), [])
        assert every(other) == every(library)
        assert ids(other) == kept[::-1]
        assert [far.get(image.sha256) for image in every(other)] == [near.get(image.sha256) for image in every(library)]
        assert other.chain(kept[1], "local") == library.chain(kept[1], "local")
        assert ids(other, q="cat negative:rain", favourite=True, board="Trip", tag=["sea", "猫"]) == [kept[1]]
        assert other.labels("local") == library.labels("local")
        other.change(kept[0], Changes(tags=["mine"]))
        before = every(other)
        assert bring(other, far, tmp_path / name) == (transfer.Tally(there=4), [])
        assert every(other) == before
        back = tmp_path / f"back-{name}"
        assert export(other, far, back).done == 4
        far.delete(before[0].sha256)
        assert bring(other, far, back) == (transfer.Tally(there=4), [])
        assert far.get(before[0].sha256) == near.get(before[0].sha256)  # what was lost is there again


def test_the_form_is_what_the_documentation_says(library: Library, blobs: Blobs, tmp_path: Path) -> None:
    kept = filled(library, blobs)
    export(library, blobs, tmp_path / "a")
    export(library, blobs, tmp_path / "a.zip")
    head, *records, last = [json.loads(line) for line in (tmp_path / "a" / "library.jsonl").read_text().splitlines()]
    assert (head, last) == ({"darkroom_library": 1}, {"pictures": 4})
    assert [record["id"] for record in records] == kept
    assert records[1]["metadata"]["inputs"] == {kept[0]: records[0]["sha256"]}
    assert {key: records[1][key] for key in ("favourite", "board", "tags", "owner", "seed", "width")} == {
        "favourite": True, "board": "Trip", "tags": ["sea", "猫"], "owner": "local", "seed": 7, "width": 64,
    }  # fmt: skip
    files = {path.relative_to(tmp_path / "a").as_posix() for path in (tmp_path / "a").rglob("*") if path.is_file()}
    assert files == {"library.jsonl", *(f"pictures/{id[4:6]}/{id}.png" for id in kept)}
    with zipfile.ZipFile(tmp_path / "a.zip") as packed:
        assert set(packed.namelist()) == files
        for name in files:
            assert packed.read(name) == (tmp_path / "a" / name).read_bytes()
    assert sorted(path.name for path in tmp_path.glob("a*")) == ["a", "a.zip"]


def test_only_what_is_wanted_goes_out(library: Library, blobs: Blobs, tmp_path: Path) -> None:
    filled(library, blobs)
    assert export(library, blobs, tmp_path / "1", board="Trip").done == 1
    assert export(library, blobs, tmp_path / "2", owner="ab12").done == 1
    assert export(library, blobs, tmp_path / "3", owner="local", kind="txt2img").done == 2


def test_all_of_it_may_be_anothers(
    library: Library, blobs: Blobs, other: tuple[Library, Blobs], tmp_path: Path
) -> None:
    kept = filled(library, blobs)
    export(library, blobs, tmp_path / "a")
    assert bring(*other, tmp_path / "a", owner="bob1")[0].done == 4
    assert ids(other[0], owner="bob1") == kept[::-1]
    assert {label.name for label in other[0].labels("bob1").tags} == {"sea", "猫"}
    tally, told = bring(*other, tmp_path / "a", owner="eve1")
    assert (tally.refused, told[0]) == (4, f"line 2: {kept[0]} is bob1's here; it stays so")
    assert ids(other[0], owner="eve1") == []


def test_what_is_in_the_trash_comes_out_of_it(library: Library, blobs: Blobs, tmp_path: Path) -> None:
    kept = filled(library, blobs)
    export(library, blobs, tmp_path / "a")
    library.trash(kept[:2])
    assert bring(library, blobs, tmp_path / "a") == (transfer.Tally(done=2, there=2), [])
    assert ids(library, tag=["猫"]) == [kept[1]]
    assert len(ids(library)) == 4


def test_bytes_that_are_gone_are_told(library: Library, blobs: Blobs, tmp_path: Path) -> None:
    kept = filled(library, blobs)
    blobs.delete(every(library)[1].sha256)
    told: list[str] = []
    tally = transfer.export(library, blobs, tmp_path / "a.zip", Wanted(), None, told.append)
    assert (tally.done, tally.refused) == (3, 1)
    assert told == [f"{kept[2]}: its bytes are gone, or are others than they were"]


@pytest.mark.parametrize("name", ["a", "a.zip"])
def test_a_store_that_is_away_leaves_nothing_that_looks_whole(
    library: Library, blobs: Blobs, tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(library, blobs)
    away = OSError("away")
    monkeypatch.setattr(blobs, "get", lambda _: (_ for _ in ()).throw(away))
    with pytest.raises(OSError, match="away"):
        export(library, blobs, tmp_path / name)
    assert [path.name for path in tmp_path.glob("a*")] == ([name] if name == "a" else [])
    assert not (tmp_path / "a" / "library.jsonl").exists()


def test_nothing_is_written_over(library: Library, blobs: Blobs, tmp_path: Path) -> None:
    filled(library, blobs)
    (tmp_path / "a").mkdir()
    for file in (tmp_path / "a" / "mine", tmp_path / "a.zip"):
        file.write_bytes(b"mine")
    for name in ("a", "a.zip"):
        with pytest.raises(FileExistsError):
            export(library, blobs, tmp_path / name)
    assert (tmp_path / "a.zip").read_bytes() == b"mine"
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["mine"]


# --- what lies ----------------------------------------------------------------------------------------

Bend = Callable[[dict[str, Any], Path], object]  # a record and its file, before they are written


def set_to(**fields: Any) -> Bend:
    return lambda record, _: record.update(fields)


def made_of(**fields: Any) -> Bend:
    return lambda record, _: record["metadata"].update(fields)


def bytes_of(change: Callable[[bytes], bytes], *, told: bool = False) -> Bend:
    """Another file; told: with a record that knows."""

    def bend(record: dict[str, Any], file: Path) -> None:
        data = change(file.read_bytes())
        file.write_bytes(data)
        if told:
            record.update(sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))

    return bend


def linked(record: dict[str, Any], file: Path) -> None:
    outside = file.parents[3] / "outside"
    shutil.move(file, outside)
    file.symlink_to(outside)


LIES: dict[str, tuple[Bend, str]] = {
    "another hash": (set_to(sha256="ab" * 32), "are not those of its sha256"),
    "another byte": (bytes_of(lambda data: data[:-1] + b"\0"), "are not those of its sha256"),
    "more bytes": (bytes_of(lambda data: data + b"\0"), "has not the"),
    "fewer bytes": (bytes_of(lambda data: data[:-1]), "has not the"),
    "no bytes": (lambda _, file: file.unlink(), "is not there"),
    "another size": (set_to(width=65), "is not a PNG of 65 x 48"),
    "no picture": (bytes_of(lambda _: b"<html>" * 9, told=True), "is not a PNG of"),
    "a link": (linked, "cannot be read"),
    "a way out": (set_to(id="../../../../etc/passwd"), "id: String should match"),
    "a way out by its format": (set_to(format="png/../../x"), "format: Input should be 'png'"),
    "nobody": (set_to(owner="../x"), "owner: String should match"),
    "a field too many": (set_to(file="/etc/passwd"), "file: Extra inputs"),
    "a size beyond all": (set_to(width=10**9, height=10**9), "width: Input should be less"),
    "bytes beyond all": (set_to(bytes=2**40), "bytes: Input should be less"),
    "a year beyond all": (set_to(created_at="0001-01-01T00:00:00Z"), "created_at: Input should be greater"),
    "a word for a number": (set_to(seed="7"), "seed: Input should be a valid integer"),
    "a request that is a list": (made_of(request=[]), "request: Input should be a valid dictionary"),
    "a model that is a word": (made_of(model="mini"), "model: Input should be a valid dictionary"),
    "a sampler beyond all": (made_of(request={"kind": "txt2img", "sampler": "x" * 999}), "request.sampler: String"),
    "no base": (made_of(request={"kind": "grid", "base": None}), "request.base: Input should be"),
    "inputs that are none": (made_of(inputs={"../x": "y"}), "inputs"),
    "half a character": (made_of(prompt="\ud800"), "a text has characters in it that are none"),
    "an end of a text": (made_of(more={"deep": ["\0"]}), "a text has characters in it that are none"),
    "no number": (made_of(seconds=float("nan")), "is no JSON"),
    "an infinite number": (made_of(seconds=float("inf")), "is no JSON"),
}


def rewritten(folder: Path, bend: Bend, at: int = 1) -> None:
    """Bend the record at this place."""
    file = folder / "library.jsonl"
    head, *records, last = file.read_text().splitlines()
    record = json.loads(records[at])
    bend(record, folder / f"pictures/{record['id'][4:6]}/{record['id']}.png")
    records[at] = json.dumps(record)
    file.write_text("\n".join([head, *records, last]) + "\n")


def packed(folder: Path) -> Path:
    """The same as a ZIP file."""
    file = folder.with_suffix(".zip")
    with zipfile.ZipFile(file, "w") as out:
        for path in sorted(folder.rglob("*")):
            if path.is_file():
                out.write(path, path.relative_to(folder).as_posix())
    return file


@pytest.mark.parametrize("lie", LIES)
def test_a_line_that_lies_is_told_and_the_others_come(
    library: Library, blobs: Blobs, other: tuple[Library, Blobs], tmp_path: Path, lie: str
) -> None:
    bend, why = LIES[lie]
    kept = filled(library, blobs)
    export(library, blobs, tmp_path / "a")
    rewritten(tmp_path / "a", bend)
    for path in [tmp_path / "a"] if lie == "a link" else [packed(tmp_path / "a"), tmp_path / "a"]:
        tally, told = bring(*other, path)
        assert tally.done + tally.there == 3
        assert len(told) == 1
        assert told[0].startswith("line 3: ")
        assert why in told[0]
    assert ids(other[0]) == [kept[3], kept[2], kept[0]]
    there = {image.sha256 for image in every(other[0])}
    assert {sha for shelf in range(256) for sha in other[1].stored(shelf, -60.0)} == there


def test_another_picture_of_the_same_id_is_refused(
    library: Library, blobs: Blobs, other: tuple[Library, Blobs], tmp_path: Path
) -> None:
    kept = filled(library, blobs)
    export(library, blobs, tmp_path / "a")
    mine = stored(other[1], png(99), made("mine")).model_copy(update={"id": kept[1]})
    assert other[0].add(mine, 1)
    tally, told = bring(*other, tmp_path / "a")
    assert (tally.done, told) == (3, [f"line 3: {kept[1]} is another picture here; it stays as it is"])
    found = other[0].get(kept[1])
    assert found is not None
    assert (found.prompt, found.sha256) == ("mine", mine.sha256)


def test_twice_in_one_archive(library: Library, blobs: Blobs, other: tuple[Library, Blobs], tmp_path: Path) -> None:
    filled(library, blobs)
    export(library, blobs, tmp_path / "a")
    head, *records, _ = (tmp_path / "a" / "library.jsonl").read_text().splitlines()
    text = "\n".join([head, *records, records[0], '{"pictures": 5}']) + "\n"
    (tmp_path / "a" / "library.jsonl").write_text(text)
    assert bring(*other, tmp_path / "a") == (transfer.Tally(done=4, there=1), [])


@pytest.mark.parametrize(
    ("cut", "why", "come"),
    [
        (lambda lines: [*lines[:3], lines[3][:40]], "line 4 is cut off", 2),
        (lambda lines: [*lines[:3], ""], "ends with line 3, without the line that tells", 2),
        (lambda lines: [*lines[:2], *lines[3:], ""], "line 5 tells of 4 pictures, and there are 3", 3),
        (lambda lines: [*lines, lines[1], ""], "something follows line 6", 4),
        (lambda lines: lines[1:], "line 1 does not say", 0),
        (lambda lines: ['{"darkroom_library": 2}', *lines[1:]], "line 1 does not say", 0),
        (lambda _: [], "line 1 does not say", 0),
    ],
)
def test_an_archive_that_ends_too_early(
    library: Library, blobs: Blobs, other: tuple[Library, Blobs], tmp_path: Path, cut: Any, why: str, come: int
) -> None:
    kept = filled(library, blobs)
    export(library, blobs, tmp_path / "a")
    file = tmp_path / "a" / "library.jsonl"
    lines = cut(file.read_text().removesuffix("\n").split("\n"))
    file.write_text("\n".join(lines))
    with pytest.raises(OSError, match=why):
        bring(*other, tmp_path / "a")
    assert len(ids(other[0])) == come
    assert set(ids(other[0])) <= set(kept)


def test_a_zip_file_that_is_cut_off_or_none(
    library: Library, blobs: Blobs, other: tuple[Library, Blobs], tmp_path: Path
) -> None:
    filled(library, blobs)
    export(library, blobs, tmp_path / "a.zip")
    whole = (tmp_path / "a.zip").read_bytes()
    for data in (whole[:-100], whole[: len(whole) // 2], b"", b"no archive" * 100):
        (tmp_path / "b.zip").write_bytes(data)
        with pytest.raises(OSError, match="damaged"):
            bring(*other, tmp_path / "b.zip")
    with pytest.raises(FileNotFoundError):
        bring(*other, tmp_path / "nowhere")
    with pytest.raises(FileNotFoundError):
        bring(*other, tmp_path)
    assert ids(other[0]) == []


def bomb(tmp_path: Path, name: str, size: int, how: int) -> Path:
    """An archive in which one file unpacks to so many bytes: the records, or the first picture."""
    folder, file = tmp_path / "a", tmp_path / "bomb.zip"
    with zipfile.ZipFile(file, "w", how) as out:
        for path in sorted(folder.rglob("*.*")):
            inside = path.relative_to(folder).as_posix()
            if not inside.startswith(name):
                out.write(path, inside)
            elif path.is_file():
                with out.open(inside, "w") as into:
                    into.write((path.read_bytes().partition(b"\n")[0] + b"\n") if name == "library" else b"")
                    for _ in range(size // 2**20):
                        into.write(b" " * 2**20)
    return file


@pytest.mark.parametrize(("name", "why"), [("library", "line 2 has more than 8388608 bytes"), ("pictures", "has not")])
def test_nothing_unpacks_further_than_its_record_says(
    library: Library, blobs: Blobs, other: tuple[Library, Blobs], tmp_path: Path, name: str, why: str
) -> None:
    filled(library, blobs)
    export(library, blobs, tmp_path / "a")
    file = bomb(tmp_path, name, 2**26, zipfile.ZIP_DEFLATED)
    assert file.stat().st_size < 2**20
    other[0].migrate()
    told: list[str] = []
    tracemalloc.start()
    try:
        transfer.bring(*other, file, None, told.append)
    except OSError as error:
        told.append(str(error))
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
    assert peak < 3 * archive.MAX_LINE
    assert all(why in line for line in told if "taken in" not in line)
    assert len(told) == (4 if name == "pictures" else 2)
    assert ids(other[0]) == []


def test_what_unpacks_without_a_bound_is_not_unpacked(
    library: Library, blobs: Blobs, other: tuple[Library, Blobs], tmp_path: Path
) -> None:
    filled(library, blobs)
    export(library, blobs, tmp_path / "a")
    with pytest.raises(OSError, match="packed in a way that is not read here"):
        bring(*other, bomb(tmp_path, "library", 2**20, zipfile.ZIP_LZMA))


def test_pictures_are_not_held_in_memory(
    library: Library, blobs: Blobs, other: tuple[Library, Blobs], tmp_path: Path
) -> None:
    """Twelve megabytes of them, out and in, by less than a third of that."""
    for number in range(60):
        data = png(number) + os.urandom(200_000)
        assert library.add(stored(blobs, data, made(f"number {number}", number=number)), 1)
    for each in (library, other[0]):
        each.migrate()
    tracemalloc.start()
    assert export(library, blobs, tmp_path / "a.zip").done == 60
    assert bring(*other, tmp_path / "a.zip")[0].done == 60
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (tmp_path / "a.zip").stat().st_size > 12_000_000
    assert peak < 4_000_000

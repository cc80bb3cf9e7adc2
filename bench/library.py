"""The library with a hundred thousand pictures: pages, searches, adding and deleting. Milliseconds, medians and worst.

python -m bench.library [--pictures 100000] [--postgres]
"""

from __future__ import annotations

import argparse
import random
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import insert

from contract.ids import image_url, new_job_id, picture_id
from contract.jobs import StoredImage
from contract.library import Changes, Library, Wanted
from contract.library.records import described
from contract.library.tables import Picture, Tag
from tests.postgres import running_postgres

SUBJECTS = ("cat", "dog", "boat", "castle", "fox", "horse", "tree", "lighthouse", "owl", "train")
PLACES = ("beach", "forest", "city", "mountain", "desert", "harbour", "meadow", "island")
STYLES = ("watercolour", "ink", "oil", "photograph", "woodcut", "pastel")
SAMPLERS = ("euler", "euler_a", "dpmpp_2m", "heun", "ddim", "unipc")
TRIES = 50


def image(number: int, rng: random.Random) -> StoredImage:
    """A picture such as one comes upon: thirty words of prompt, two kilobytes of how it was made."""
    rare = f"name{number}"  # one picture has it
    words = [rng.choice(SUBJECTS), rng.choice(PLACES), rng.choice(STYLES), rare, *rng.choices(SUBJECTS + PLACES, k=26)]
    prompt, job = " ".join(words), new_job_id()
    image_id = picture_id(job, 0, "output")
    request = {
        "kind": rng.choice(("txt2img", "img2img")),
        "prompt": prompt,
        "sampler": rng.choice(SAMPLERS),
        "more": "x" * 1500,
    }
    return StoredImage(
        id=image_id, sha256=f"{number:064x}", url=image_url(image_id), job_id=job, index=0, role="output", format="png",
        width=rng.choice((512, 768)), height=512, bytes=rng.randrange(10**6), seed=rng.randrange(2**32),
        created_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(minutes=number), owner=f"owner{rng.randrange(4)}",
        metadata={"request": request, "prompt": prompt, "model": {"name": rng.choice(("mini", "large"))}},
    )  # fmt: skip


def row(picture: StoredImage, rng: random.Random) -> dict[str, Any]:
    """The same as a row, so that a hundred thousand of them are written in a minute."""
    fields = picture.model_dump(include=set(Picture.__table__.columns.keys()))
    mine = {"favourite": rng.random() < 0.02, "board": rng.choice(("Trip", "Work", None, None, None))}
    return {**fields, **described(picture), "details": picture.metadata, "token": 1, **mine}


def fill(library: Library, count: int) -> list[StoredImage]:
    """All the pictures, a hundredth of them tagged."""
    rng = random.Random(0)
    library.migrate()
    pictures = [image(number, rng) for number in range(count)]
    for begin in range(0, count, 2000):
        with library.database.writing() as session:
            session.execute(insert(Picture), [row(each, rng) for each in pictures[begin : begin + 2000]])
    with library.database.writing() as session:
        session.execute(
            insert(Tag), [{"tag": "sea", "picture": at + 1, "owner": pictures[at].owner} for at in range(0, count, 100)]
        )
    if library.database.dialect == "postgresql":
        with library.database.engine.begin() as connection:
            connection.exec_driver_sql("ANALYZE")  # as the server itself does within a minute
    return pictures


def pages(pictures: Sequence[StoredImage]) -> dict[str, tuple[Wanted, str]]:
    """What is looked for, and the aim it falls under."""
    middle = pictures[len(pictures) // 2]
    day = {"since": middle.created_at, "until": middle.created_at + timedelta(days=1)}
    return {
        "the newest": (Wanted(), "page"),
        "of a model": (Wanted(model="mini"), "page"),
        "of a model, sampler, kind and size": (Wanted(model="mini", sampler="heun", kind="txt2img", width=768), "page"),
        "of a seed": (Wanted(seed=middle.seed), "page"),
        "of a model there is none of": (Wanted(model="none"), "page"),
        "of a day": (Wanted(**day), "page"),
        "since the beginning": (Wanted(since=pictures[0].created_at), "page"),
        "favourites": (Wanted(favourite=True), "page"),
        "favourites on a board": (Wanted(favourite=True, board="Trip"), "page"),
        "of a tag": (Wanted(tag=["sea"]), "page"),
        "search: a word of nearly every prompt": (Wanted(q="cat"), "search"),
        "search: three words": (Wanted(q="cat forest woodcut"), "search"),
        "search: a word of one prompt": (Wanted(q=f"name{len(pictures) // 3}"), "search"),
        "search: a beginning": (Wanted(q="light*"), "search"),
        "search: a phrase": (Wanted(q='"cat forest"'), "search"),
        "search: a word that is nowhere": (Wanted(q="zebra"), "search"),
        "search: a word, of a model, favourites": (Wanted(q="owl", model="mini", favourite=True), "search"),
    }


def milliseconds(act: Callable[[], object], tries: int = TRIES) -> list[float]:
    found = []
    for _ in range(tries):
        begin = time.perf_counter()
        act()
        found.append(1e3 * (time.perf_counter() - begin))
    return found


AIMS = {"page": 50.0, "search": 100.0, "add": 5.0, "change": 50.0}


def line(what: str, times: Sequence[float], aim: str) -> str:
    middle = statistics.median(times)
    return f"| {what} | {middle:.1f} | {max(times):.1f} | {AIMS[aim]:.0f} | {'yes' if middle < AIMS[aim] else 'NO'} |"


def measure(library: Library, count: int) -> Iterator[str]:
    began = time.perf_counter()
    pictures = fill(library, count)
    yield f"\n## {library.database.dialect}, {count} pictures (written in {time.perf_counter() - began:.0f} s)\n"
    yield "| what | median, ms | worst, ms | aim | met |\n|---|---|---|---|---|"
    for what, (wanted, aim) in pages(pictures).items():
        for owner in (None, "owner1"):
            whose = "everybody's" if owner is None else "one owner's"
            look = partial(library.page, wanted, owner=owner, limit=50)
            yield line(f"{what}, {whose}", milliseconds(look), aim)
    rng = random.Random(1)
    more = iter([image(count + number, rng) for number in range(200)])
    yield line("adding one", milliseconds(lambda: library.add(next(more), 1), 200), "add")
    some = iter(pictures[:200])
    changes = Changes(favourite=True, tags=["new"])
    yield line("changing one", milliseconds(lambda: library.change(next(some).id, changes), 200), "change")
    yield delete(library, pictures[: min(10_000, count // 2)])


def delete(library: Library, pictures: Sequence[StoredImage]) -> str:
    """Into the trash and out of it, while somebody reads."""
    over, waits = threading.Event(), [0.0]

    def read() -> None:
        while not over.is_set():
            waits.extend(milliseconds(lambda: library.page(Wanted(), owner=None, limit=50), 1))

    reader = threading.Thread(target=read)
    reader.start()
    begin = time.perf_counter()
    gone = library.trash([picture.id for picture in pictures])
    trashed = time.perf_counter() - begin
    purged = sum(len(hashes) for hashes in library.purge(-1.0))
    seconds = time.perf_counter() - begin
    over.set()
    reader.join()
    assert len(gone) == purged == len(pictures)
    return (
        f"\n{purged} deleted in {seconds:.2f} s (aim: 10), of that {trashed:.2f} s into the trash; "
        f"pages read meanwhile: {len(waits)}, median {statistics.median(waits):.1f} ms, worst {max(waits):.1f} ms."
    )


@contextmanager
def opened(postgres: bool) -> Iterator[Library]:
    """A new library: in a temporary folder, or in a server of its own."""
    if postgres:
        with running_postgres() as server:
            library = Library(server.database())
            yield library
            library.close()
    else:
        with tempfile.TemporaryDirectory() as folder:
            library = Library(Path(folder) / "library.db")
            yield library
            library.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pictures", type=int, default=100_000)
    parser.add_argument("--postgres", action="store_true", help="on Postgres, not on SQLite")
    options = parser.parse_args()
    with opened(options.postgres) as library:
        for text in measure(library, options.pictures):
            print(text, flush=True)


if __name__ == "__main__":
    main()

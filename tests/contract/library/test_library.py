"""What is kept is found again, once, by whoever owns it; what is deleted goes for good after a minute."""

import sqlite3
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, event, func, select, text

from contract.errors import LibraryAway
from contract.ids import new_job_id
from contract.jobs import StoredImage
from contract.library import Changes, Library, Sort, Wanted, keeper, trash
from contract.library.tables import Input, Picture, Tag
from tests.contract.library.kit import BEGAN, every, ids, keep, made, sent


def count(library: Library, table: type[Picture | Tag | Input]) -> int:
    with library.database.reading() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_a_picture_comes_back_as_it_was_kept(library: Library) -> None:
    image = made("a black cat", negative_prompt="dogs", seed=2**53 + 1, bytes=2**33)
    keep(library, image)
    found = library.get(image.id)
    assert found is not None
    assert StoredImage.model_validate(found.model_dump(include=set(StoredImage.model_fields))) == image
    assert (found.kind, found.model, found.sampler) == ("txt2img", "mini", "dpmpp_2m")
    assert (found.prompt, found.negative_prompt) == ("a black cat", "dogs")
    assert (found.favourite, found.board, found.tags) == (False, None, [])
    assert library.owner(image.id) == "local"
    assert (library.get("img_" + "a" * 26), library.owner("img_" + "a" * 26)) == (None, None)


def test_what_an_uploaded_file_says_of_itself_is_not_believed(library: Library) -> None:
    image = sent(request="txt2img", model="fine", prompt="a cat", inputs="img_", nul="\0")
    keep(library, image)
    found = library.get(image.id)
    assert found is not None
    assert (found.kind, found.model, found.prompt, found.metadata) == ("upload", None, "", image.metadata)
    assert ids(library, q="cat") == []


def test_a_later_claim_counts_and_its_late_twin_adds_nothing(library: Library) -> None:
    job = new_job_id()
    first, second = made(job=job, sha256="11" * 32), made("a red boat", job=job, sha256="22" * 32)
    assert library.add(first, 1)
    assert library.add(first, 1)  # told twice
    assert library.add(second, 2)
    assert not library.add(first, 1)
    found = library.get(first.id)
    assert found is not None
    assert (found.sha256, found.prompt) == ("22" * 32, "a red boat")
    assert count(library, Picture) == 1
    assert (ids(library, q="cat"), ids(library, q="boat")) == ([], [first.id])


def test_two_workers_write_the_same_picture_once(library: Library) -> None:
    job = new_job_id()
    twins = [made(job=job, sha256=f"{token:02x}" * 32) for token in range(8)]
    with ThreadPoolExecutor(8) as pool:
        added = list(pool.map(library.add, twins, range(8)))
    assert added[7]
    assert [image.sha256 for image in every(library)] == ["07" * 32]


def test_a_claim_that_was_lost_leaves_what_the_ledger_shows(library: Library) -> None:
    image, other = made(sha256="11" * 32), made(sha256="33" * 32)
    twin = image.model_copy(update={"sha256": "22" * 32})
    assert library.add(image, 1)
    assert library.add(twin, 2)
    library.settle(twin, 2, image)
    library.add(other, 2)
    library.settle(other, 2, None)
    assert [found.sha256 for found in every(library)] == ["11" * 32]
    library.settle(image, 1, None)  # another claim's by now
    assert ids(library) == [image.id]


def test_what_its_owner_made_of_it_outlives_a_second_run(library: Library) -> None:
    image = made()
    library.add(image, 1)
    changed = library.change(image.id, Changes(favourite=True, board="Trip", tags=["sea", "cat", "sea"]))
    assert changed is not None
    assert (changed.favourite, changed.board, changed.tags) == (True, "Trip", ["cat", "sea"])
    library.add(image, 2)
    assert library.get(image.id) == changed
    without = library.change(image.id, Changes(board=None, tags=[]))
    assert without is not None
    assert (without.favourite, without.board, without.tags) == (True, None, [])
    assert library.change("img_" + "a" * 26, Changes(favourite=True)) is None


def test_every_filter_finds_its_own(library: Library) -> None:
    job = new_job_id()
    plain = made(job=job)
    others: dict[str, tuple[StoredImage, Any]] = {
        "kind": (made(request={"kind": "img2img"}), "img2img"),
        "role": (made(role="raw"), "raw"),
        "model": (made(model="large"), "large"),
        "sampler": (made(request={"sampler": "euler"}), "euler"),
        "seed": (made(seed=8), 8),
        "width": (made(width=65), 65),
        "height": (made(height=49), 49),
        "since": (made(created_at=BEGAN + timedelta(days=1)), BEGAN + timedelta(days=1)),
        "until": (made(created_at=BEGAN - timedelta(microseconds=1)), BEGAN),
    }
    keep(library, plain, *(image for image, _ in others.values()))
    for name, (image, value) in others.items():
        assert ids(library, **{name: value}) == [image.id], name
    assert ids(library, kind="txt2img", model="mini", width=64, height=48, sampler="dpmpp_2m", seed=7, role="output",
               since=BEGAN, until=BEGAN + timedelta(hours=1)) == [plain.id]  # fmt: skip


def test_favourites_boards_and_tags_are_found(library: Library) -> None:
    one, two, three = keep(library, made(), made(), made())
    library.change(one, Changes(favourite=True, tags=["sea", "cat"]))
    library.change(two, Changes(board="Trip", tags=["sea"]))
    assert (ids(library, favourite=True), ids(library, favourite=False)) == ([one], [three, two])
    assert (ids(library, board="Trip"), ids(library, board="Other")) == ([two], [])
    assert [ids(library, tag=tags) for tags in (["sea"], ["sea", "cat"], ["x"])] == [[two, one], [one], []]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("cat", [0, 2]),
        ("CAT black", [0]),
        ('"black cat"', [0]),
        ('"cat black"', []),
        ("ca*", [0, 2, 3]),
        ("ca", []),
        ("x-ray", [3]),
        ("ÉTÉ", [4]),
        ("ete", []),
        ("1.5 straße", [4]),
        ("DROP' OR NOT cat) & |", []),
        ("猫", [5]),
        ("negative", []),
    ],
)
def test_words_of_the_prompt_are_found(library: Library, asked: str, found: list[int]) -> None:
    prompts = (
        "a (black) cat:1.3", "a red boat", "cat, [sleeping]", "a castle\nin x-ray", "été (sun:1.5) STRASSE",
        "猫 on a mat",
    )  # fmt: skip
    kept = keep(library, *(made(prompt, negative_prompt="negative") for prompt in prompts))
    assert ids(library, q=asked) == [kept[number] for number in reversed(found)]


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ("negative:rain", [0, 1]),
        ('cat negative:"heavy rain"', [0]),
        ("Negative:blur*", [1]),
        ("rain", [2]),
        ("negative:cat", []),
        ("rain negative:rain", []),
    ],
)
def test_words_of_the_negative_prompt_are_found_where_they_are_asked_for(
    library: Library, asked: str, found: list[int]
) -> None:
    prompts = (("a cat", "(heavy) rain"), ("a boat", "rain, blurred"), ("a cat in the rain", ""))
    kept = keep(library, *(made(prompt, negative_prompt=negative) for prompt, negative in prompts))
    assert ids(library, q=asked) == [kept[number] for number in reversed(found)]


@pytest.mark.parametrize(
    ("q", "owner", "found"),
    [
        ("cat", "alice", [0]),
        ("cat", "alice-b", [1]),
        ("cat", 'a"c', [2]),
        ("cat", "-", [3]),
        ("alice", None, [4]),
        ("alice", "alice", []),
        ("cat", "nobody", []),
    ],
)
def test_a_search_is_among_ones_own_and_no_owners_name_is_a_word(
    library: Library, q: str, owner: str | None, found: list[int]
) -> None:
    owners = ("alice", "alice-b", 'a"c', "-")
    kept = keep(library, *(made("a cat", owner=each) for each in owners), made("alice and a dog", owner="bob"))
    shown, _ = library.page(Wanted(q=q), owner=owner, limit=10)
    assert [picture.id for picture in shown] == [kept[number] for number in found]


def test_pictures_are_counted(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeper, "MOST_COUNTED", 3)
    kept = keep(library, *(made("a cat", owner="alice") for _ in range(5)), made("a boat", owner="bob"))
    library.trash(kept[:1])
    assert library.count(Wanted(), None) == (5, False)
    assert library.count(Wanted(), "alice") == (4, False)
    assert library.count(Wanted(q="cat"), None) == (3, True)
    assert library.count(Wanted(q="boat"), None) == (1, False)
    assert library.count(Wanted(id=kept[:4]), None) == (3, False)
    assert library.count(Wanted(q="boat"), "alice") == (0, False)


def test_boards_and_tags_are_listed_with_their_pictures(library: Library) -> None:
    one, two, three, his, gone = keep(library, *(made() for _ in range(3)), made(owner="bob"), made())
    for image_id, board, tags in (
        (one, "Trip", ["sea", "cat"]), (two, "Work", ["sea"]), (three, "Work", []), (his, "Work", ["sea", "his"]),
        (gone, "Gone", ["sea", "gone"]),
    ):  # fmt: skip
        library.change(image_id, Changes(board=board, tags=tags))

    def told(owner: str | None) -> tuple[dict[str, int], dict[str, int]]:
        labels = library.labels(owner)
        return {each.name: each.pictures for each in labels.boards}, {each.name: each.pictures for each in labels.tags}

    library.trash([gone])
    assert told("local") == ({"Work": 2, "Trip": 1}, {"sea": 2, "cat": 1})
    assert [each.name for each in library.labels("local").boards] == ["Work", "Trip"]
    assert told("bob") == ({"Work": 1}, {"his": 1, "sea": 1})
    assert told(None) == ({"Work": 3, "Trip": 1}, {"sea": 3, "cat": 1, "his": 1})
    assert told("nobody") == ({}, {})
    library.restore([gone])
    library.change(one, Changes(board=None, tags=[]))
    assert told("local") == ({"Work": 2, "Gone": 1}, {"sea": 2, "gone": 1})
    library.trash([gone])
    assert len(list(library.purge(-1.0))) == 1
    assert told("local") == ({"Work": 2}, {"sea": 1})


def test_pages_go_on_where_the_one_before_ended(library: Library) -> None:
    sizes = [5, 3, 9, 3, 7]
    kept = keep(library, *(made("a cat", bytes=size) for size in sizes))
    by_size = sorted(range(5), key=lambda number: (sizes[number], number))
    orders: dict[Sort, Sequence[int]] = {
        "newest": range(4, -1, -1), "oldest": range(5), "smallest": by_size, "largest": by_size[::-1]
    }  # fmt: skip
    for sort, expected in orders.items():
        found: list[str] = []
        after = None
        for size in (2, 2, 1):
            page, after = library.page(Wanted(q="cat"), owner="local", limit=2, sort=sort, after=after)
            assert len(page) == size
            found += [image.id for image in page]
            keep(library, made("a dog"))  # meanwhile others come
        assert after is None
        assert found == [kept[number] for number in expected], sort


def test_each_owner_sees_his_own_and_nobody_sees_all(library: Library) -> None:
    hers, his = keep(library, made("a cat", owner="alice"), made("a cat", owner="bob"))
    assert (ids(library, "alice", q="cat"), ids(library, "bob"), ids(library)) == ([hers], [his], [his, hers])
    assert library.trash([hers], "bob") == []
    assert [gone.id for gone in library.trash([hers, his], "alice")] == [hers]
    assert library.restore([hers], "bob") == []
    assert ids(library) == [his]


def test_the_trash_is_emptied_after_a_while_and_not_before(library: Library) -> None:
    one, two = made(sha256="11" * 32, inputs={"img_in": "33" * 32}), made(sha256="22" * 32)
    keep(library, one, two)
    library.change(one.id, Changes(tags=["sea"]))
    for _ in "ab":  # asked twice
        assert library.trash([one.id, one.id, "img_" + "a" * 26]) == [(one.id, one.job_id)]
    assert (library.get(one.id), library.owner(one.id)) == (None, None)
    assert ids(library) == ids(library, q="cat") == [two.id]
    assert library.change(one.id, Changes(favourite=True)) is None
    assert list(library.purge()) == []
    assert library.held(["11" * 32, "22" * 32, "44" * 32]) == {"11" * 32, "22" * 32}
    (back,) = library.restore([one.id, two.id])
    assert (back.id, back.tags, ids(library, tag=["sea"])) == (one.id, ["sea"], [one.id])
    library.trash([one.id])
    assert list(library.purge(-1.0)) == [["11" * 32]]
    assert library.restore([one.id]) == []
    assert (count(library, Picture), count(library, Tag), count(library, Input)) == (1, 0, 0)
    assert ids(library, q="cat") == [two.id]
    assert library.held(["11" * 32]) == set()


def test_many_are_deleted_some_at_a_time_while_others_read(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trash, "MOST", 4)
    job, hashes = new_job_id(), [f"{number:064x}" for number in range(9)]
    kept = keep(library, *(made(job=job, number=number, sha256=sha) for number, sha in enumerate(hashes)))
    assert len(library.trash(kept)) == 9
    gone: list[str] = []
    for some in library.purge(-1.0):
        gone += some
        assert library.held(hashes) == set(hashes) - set(gone)
        assert len(gone) in (4, 8, 9)
    assert sorted(gone) == hashes


def test_what_is_too_old_goes_unless_it_is_a_favourite(library: Library) -> None:
    now = datetime.now(UTC)
    ages = [timedelta(days=days) for days in (9, 8, 3)]
    old, loved, young = keep(library, *(made(number=i, created_at=now - age) for i, age in enumerate(ages)))
    library.change(loved, Changes(favourite=True))
    assert [image.id for gone in library.expire(7 * 86_400, 0) for image in gone] == [old]
    assert ids(library) == [young, loved]
    assert library.restore([old])  # for a minute, as whatever was deleted
    assert list(library.expire(0, 0)) == []


def test_of_what_is_too_much_the_oldest_go_that_are_no_favourites(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trash, "MOST", 2)
    sizes = (100, 50, 50, 50, 1)
    loved, *others = keep(library, *(made(number=i, bytes=size) for i, size in enumerate(sizes)))
    library.change(loved, Changes(favourite=True))
    assert list(library.expire(0, 251)) == []
    assert [image.id for gone in library.expire(0, 102) for image in gone] == others[:3]  # 251 - 150 = 101
    assert ids(library) == [others[3], loved]
    assert [len(gone) for gone in library.expire(0, 1)] == [1]  # the favourite stays, though it is too much
    assert ids(library) == [loved]


def test_a_jobs_pictures_go_together(library: Library) -> None:
    job = new_job_id()
    first, second, _ = keep(library, made(job=job), made(job=job, number=1), made())
    assert {gone.id for gone in library.trash_job(job)} == {first, second}
    assert len(ids(library)) == 1


def test_what_was_made_from_what(library: Library) -> None:
    source = sent()
    mask = "img_" + "b" * 26  # which is gone
    child = made(inputs={source.id: source.sha256, mask: "00" * 32})
    grandchild, stranger = made(inputs={child.id: child.sha256}), made(inputs={child.id: child.sha256}, owner="bob")
    keep(library, source, child, grandchild, stranger)
    before, after = library.chain(child.id, "local")
    assert ([image.id for image in before], [image.id for image in after]) == ([source.id], [grandchild.id])
    assert library.chain(source.id, "local")[0] == []
    library.trash([grandchild.id])
    assert library.chain(child.id, "local")[1] == []


def test_equal_bytes_are_held_until_the_last_picture_of_them_goes(library: Library) -> None:
    one, two = keep(library, made(), made())
    library.trash([one])
    assert list(library.purge(-1.0)) == [["ab" * 32]]
    assert library.held(["ab" * 32]) == {"ab" * 32}
    library.trash([two])
    list(library.purge(-1.0))
    assert library.held(["ab" * 32]) == set()


@pytest.mark.parametrize("step", ["INSERT INTO pictures", "DELETE FROM inputs", "INSERT INTO inputs", "COMMIT"])
def test_a_write_that_breaks_anywhere_leaves_nothing(library: Library, step: str) -> None:
    library.migrate()
    image = made(inputs={"img_in": "00" * 32})
    with broken_at(library, step), pytest.raises(RuntimeError):
        library.add(image)
    assert (count(library, Picture), count(library, Input)) == (0, 0)
    assert ids(library, q="cat") == []
    keep(library, image)
    assert (count(library, Picture), count(library, Input)) == (1, 1)


@contextmanager
def broken_at(library: Library, step: str) -> Iterator[None]:
    """The process dies before this statement, as far as the database can tell."""

    def statement(_: object, __: object, text: str, *___: object) -> None:
        if text.startswith(step):
            raise RuntimeError("killed")

    def commit(_: object) -> None:
        if step == "COMMIT":
            raise RuntimeError("killed")

    events = (("before_cursor_execute", statement), ("commit", commit))
    for name, act in events:
        event.listen(library.database.engine, name, act)
    yield
    for name, act in events:
        event.remove(library.database.engine, name, act)


def test_a_full_disk_is_told_and_nothing_is_half_written(tmp_path: Path) -> None:
    library = Library(tmp_path / "library.db")
    keep(library, made())
    library.close()

    def fill(connection: sqlite3.Connection, _: object) -> None:
        (pages,) = connection.execute("PRAGMA page_count").fetchone()
        connection.execute(f"PRAGMA max_page_count={pages}")

    event.listen(library.database.engine, "connect", fill)
    with pytest.raises(LibraryAway):
        library.add(made("a dog " * 10_000))
    assert (len(ids(library)), ids(library, q="dog")) == (1, [])
    library.close()


def test_a_locked_database_is_told_as_the_trouble_of_a_disk(where: str | Path) -> None:
    library = Library(where, patience=0.1)
    library.migrate()
    with library.database.writing() as session:
        postgres = library.database.dialect == "postgresql"
        session.execute(text("LOCK TABLE pictures IN EXCLUSIVE MODE" if postgres else "SELECT 1"))
        with pytest.raises(OSError, match="cannot be used") as refused:
            library.add(made("a secret"))
        assert isinstance(refused.value, LibraryAway)
        assert "secret" not in str(refused.value)
        assert ids(library) == []  # who reads does not wait
    keep(library, made())
    library.close()


def test_what_an_owner_has_and_has_made_lately(library: Library) -> None:
    now = datetime.now(UTC)
    ages = {"new": 1, "day": 23, "old": 25, "deleted": 2}
    images = {name: made(created_at=now - timedelta(hours=age), bytes=2**40 + age) for name, age in ages.items()}
    keep(library, *images.values(), sent(), made(owner="another", created_at=now))
    library.trash([images["deleted"].id])
    found = library.holdings("local", now - timedelta(days=1))
    assert found == (4, 3 * 2**40 + 1 + 23 + 25 + 100, 2)
    assert library.holdings("another", now - timedelta(days=1)) == (1, 100, 1)
    assert library.holdings("nobody", now) == (0, 0, 0)


def test_what_an_owner_has_is_read_off_an_index(tmp_path: Path) -> None:
    library = Library(tmp_path / "library.db")
    keep(library, made())
    plans: list[str] = []

    def explain(connection: Connection, _: object, text: str, values: Any, *__: object) -> None:
        if text.startswith("SELECT count"):  # the plan of the very statement, with its values
            plan = connection.connection.cursor().execute(f"EXPLAIN QUERY PLAN {text}", values)
            plans.extend(row[-1] for row in plan.fetchall())

    event.listen(library.database.engine, "before_cursor_execute", explain)
    library.holdings("local", datetime.now(UTC))
    searches = sorted(plan for plan in plans if "pictures" in plan)
    assert searches == [
        "SEARCH pictures USING COVERING INDEX pictures_owner_time (owner=? AND deleted_at=?)",
        "SEARCH pictures USING INDEX pictures_owner_time (owner=? AND deleted_at=? AND created_at>?)",
    ]
    library.close()

"""The library over HTTP: lists, searches, what owners make of their pictures, deleting and having back, archives."""

import io
import zipfile
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api import access, archive
from api.deps import Services
from api.routes import library as module
from contract.access import Scope
from contract.errors import LibraryAway
from contract.library import Library
from tests.api.kit import Worker, key_of, noise, png, swept
from tests.contract.library.kit import keep, made

IMAGES = "/api/v1/images"
PNG = {"Content-Type": "image/png"}


def ids(client: TestClient, query: str = "", **more: Any) -> list[str]:
    answer = client.get(f"{IMAGES}{query}", **more)
    assert answer.status_code == 200, answer.text
    return [image["id"] for image in answer.json()["images"]]


def test_what_was_made_and_sent_is_listed_newest_first(
    client: TestClient, worker: Worker, upload: Callable[[bytes], Any]
) -> None:
    sent = upload(png(noise(20, 30)))
    asked = {"kind": "img2img", "prompt": "a black cat", "image": sent["id"], "steps": 4, "width": 64, "height": 64}
    job = client.post("/api/v1/jobs", json=asked).json()
    made = worker.do(job["id"])
    listed = client.get(IMAGES).json()
    assert [image["id"] for image in listed["images"]] == [made, sent["id"]]
    assert listed["next_cursor"] is None
    assert listed["images"][0] == {
        **client.get(f"/api/v1/jobs/{job['id']}").json()["images"][0], "kind": "img2img", "model": "mini",
        "sampler": "dpmpp_2m", "prompt": "a black cat", "negative_prompt": "", "favourite": False, "board": None,
        "tags": [],
    }  # fmt: skip
    assert listed["images"][1]["kind"] == "upload"
    assert client.get(f"{IMAGES}/{made}/chain").json() == {"made_from": [listed["images"][1]], "made_into": []}
    assert client.get(f"{IMAGES}/{sent['id']}/chain").json() == {"made_from": [], "made_into": [listed["images"][0]]}


def test_pictures_outlive_their_job(client: TestClient, services: Services, worker: Worker) -> None:
    job_id = client.post("/api/v1/jobs", json={"kind": "txt2img", "prompt": "a cat"}).json()["id"]
    image_id = worker.do(job_id)
    data = client.get(f"{IMAGES}/{image_id}").content
    assert services.store.retire(0) == 1
    assert client.get(f"/api/v1/jobs/{job_id}").status_code == 404
    assert swept(services) == []
    assert client.get(f"{IMAGES}/{image_id}").content == data
    assert client.get(f"{IMAGES}/{image_id}/metadata").json()["prompt"] == "a cat"
    assert ids(client, "?q=cat") == [image_id]


def test_filters_and_searches(client: TestClient, services: Services) -> None:
    kept = keep(
        services.library,
        made("a black cat", seed=5, created_at=datetime(2026, 1, 1, tzinfo=UTC)),
        made("a red boat", request={"sampler": "euler"}, width=128),
        made("a cat in a boat", role="raw", model="large"),
    )
    cat, boat, both = kept
    client.patch(f"{IMAGES}/{boat}", json={"favourite": True, "board": "Trip", "tags": ["sea", "red"]})
    for query, found in {
        "q=cat": [both, cat], "q=cat%20boat": [both], 'q="a boat"': [both], "q=bo*": [both, boat], "q=dog": [],
        "seed=5": [cat], "sampler=euler": [boat], "width=128&height=48": [boat], "model=large": [both],
        "role=raw": [both],
        "favourite=true": [boat], "favourite=false": [both, cat], "board=Trip": [boat], "board=trip": [],
        "tag=sea&tag=red": [boat], "tag=sea&tag=blue": [], "kind=txt2img&q=cat": [both, cat], "kind=upload": [],
        "until=2026-01-01T00:00:01Z": [cat], "since=2026-01-01T01:00:01%2B01:00": [both, boat],
        f"id={cat}&id={both}": [both, cat], "sort=oldest": kept,
    }.items():  # fmt: skip
        assert ids(client, f"?{query}") == found, query


def test_pictures_boards_and_tags_are_counted(client: TestClient, services: Services) -> None:
    one, two = keep(services.library, made("a cat", negative_prompt="rain"), made("a boat"))
    client.patch(f"{IMAGES}/{one}", json={"board": "Trip", "tags": ["sea", "cat"]})
    client.patch(f"{IMAGES}/{two}", json={"tags": ["sea"]})
    for query, number in {
        "": 2,
        "?q=cat": 1,
        "?q=negative%3Arain": 1,
        "?q=rain": 0,
        "?tag=sea": 2,
        "?board=Trip": 1,
    }.items():
        assert client.get(f"{IMAGES}/count{query}").json() == {"pictures": number, "more": False}, query
    tags = [{"name": "sea", "pictures": 2}, {"name": "cat", "pictures": 1}]
    assert client.get(f"{IMAGES}/labels").json() == {"boards": [{"name": "Trip", "pictures": 1}], "tags": tags}
    assert client.get(f"{IMAGES}/count?q=%22%22").status_code == 422


def test_pages_join_without_gap_or_repeat(client: TestClient, services: Services) -> None:
    kept = keep(services.library, *(made(bytes=size) for size in (5, 3, 3, 9)))
    for sort, expected in (("newest", kept[::-1]), ("largest", [kept[3], kept[0], kept[2], kept[1]])):
        seen, cursor = [], ""
        while cursor is not None:
            page = client.get(
                IMAGES, params={"sort": sort, "limit": 3, **({"cursor": cursor} if cursor else {})}
            ).json()
            seen += [image["id"] for image in page["images"]]
            cursor = page["next_cursor"]
        assert seen == expected
    other = client.get(f"{IMAGES}?limit=1").json()["next_cursor"]
    for cursor in (other, "x", "WzFd", "WyJuZXdlc3QiLCAtMV0=", "WyJuZXdlc3QiLCA5OTk5OTk5OTk5OTk5OTk5OTk5OTld"):
        assert client.get(IMAGES, params={"sort": "oldest", "cursor": cursor}).status_code == 422


@pytest.mark.parametrize(
    "query",
    ["q=", "q=%21%3F", "limit=0", "limit=201", "sort=random", "seed=-1", "tag=", "board=%00", "since=yesterday",
     "since=2026-01-01T00:00:00", "id=1", "what=ever", "favourite=maybe"],
)  # fmt: skip
def test_lists_that_cannot_be(client: TestClient, query: str) -> None:
    answer = client.get(f"{IMAGES}?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"][0] == "query"


def test_what_is_left_out_of_a_change_stays(client: TestClient, upload: Callable[[bytes], Any]) -> None:
    url = upload(png(noise(20, 20)))["url"]
    changed = client.patch(url, json={"favourite": True, "tags": [" sea ", "sea", "été"]}).json()
    assert (changed["favourite"], changed["board"], changed["tags"]) == (True, None, ["sea", "été"])
    changed = client.patch(url, json={"board": "Trip"}).json()
    assert (changed["favourite"], changed["board"], changed["tags"]) == (True, "Trip", ["sea", "été"])
    assert client.patch(url, json={}).json() == changed
    changed = client.patch(url, json={"board": None, "tags": []}).json()
    assert (changed["favourite"], changed["board"], changed["tags"]) == (True, None, [])


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"favourite": None}, "favourite"), ({"favourite": 1}, "favourite"), ({"tags": ["a"] * 51}, "tags"),
        ({"tags": ["x" * 101]}, "tags"), ({"tags": ["\n"]}, "tags"), ({"board": ""}, "board"),
        ({"board": "a\0b"}, "board"),
        ({"prompt": "x"}, "prompt"),
    ],
)  # fmt: skip
def test_changes_that_cannot_be(client: TestClient, upload: Callable[[bytes], Any], body: Any, field: str) -> None:
    answer = client.patch(upload(png(noise(20, 20)))["url"], json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["loc"][:2] == ["body", field]


def test_many_are_deleted_and_had_back_with_all_that_was_made_of_them(
    client: TestClient, services: Services, worker: Worker, upload: Callable[[bytes], Any]
) -> None:
    job_id = client.post("/api/v1/jobs", json={"kind": "txt2img", "prompt": "a cat"}).json()["id"]
    claim = worker.claim(job_id)
    first, second = worker.picture(claim), worker.picture(claim, 1, 90)
    services.store.finish(claim)
    sent = upload(png(noise(20, 20)))["id"]
    client.patch(f"{IMAGES}/{first}", json={"favourite": True, "tags": ["cat"]})
    unknown = "img_" + "a" * 26
    before = datetime.now(UTC)
    gone = client.post(f"{IMAGES}/delete", json={"ids": [first, sent, unknown, first]}).json()
    assert set(gone["ids"]) == {first, sent}
    assert datetime.fromisoformat(gone["undo_until"]) >= before + timedelta(seconds=60)
    assert ids(client) == [second]
    assert client.get(f"{IMAGES}/{first}").status_code == 404
    assert [image["id"] for image in client.get(f"/api/v1/jobs/{job_id}").json()["images"]] == [second]
    back = client.post(f"{IMAGES}/restore", json={"ids": [first, sent, unknown, second]}).json()
    assert set(back["ids"]) == {first, sent}
    assert ids(client, "?favourite=true&tag=cat") == [first]
    assert [image["id"] for image in client.get(f"/api/v1/jobs/{job_id}").json()["images"]] == [first, second]
    assert client.get(f"{IMAGES}/{first}").status_code == 200
    client.post(f"{IMAGES}/delete", json={"ids": [first]})
    assert len(swept(services)) == 1
    assert client.post(f"{IMAGES}/restore", json={"ids": [first]}).json() == {"ids": []}


def test_a_deleted_jobs_pictures_can_be_had_back(client: TestClient, worker: Worker) -> None:
    job_id = client.post("/api/v1/jobs", json={"kind": "txt2img", "prompt": "a cat"}).json()["id"]
    image_id = worker.do(job_id)
    assert client.delete(f"/api/v1/jobs/{job_id}").status_code == 204
    assert client.get(f"{IMAGES}/{image_id}").status_code == 404
    assert client.post(f"{IMAGES}/restore", json={"ids": [image_id]}).json() == {"ids": [image_id]}
    assert client.get(f"{IMAGES}/{image_id}").status_code == 200
    assert client.get(f"/api/v1/jobs/{job_id}").status_code == 404


def test_what_is_sent_again_after_it_was_deleted_is_there_again(
    client: TestClient, services: Services, upload: Callable[[bytes], Any]
) -> None:
    image = upload(png(noise(20, 20)))
    client.delete(image["url"])
    assert upload(png(noise(20, 20)))["id"] == image["id"]
    assert swept(services) == []
    assert client.get(image["url"]).status_code == 200


@pytest.mark.parametrize(
    "body", [{}, {"ids": []}, {"ids": ["1"]}, {"ids": ["img_" + "a" * 26] * 10_001}, {"ids": "img_"}]
)
@pytest.mark.parametrize("what", ["delete", "restore"])
def test_selections_that_cannot_be(client: TestClient, what: str, body: Any) -> None:
    assert client.post(f"{IMAGES}/{what}", json=body).status_code == 422


def test_an_archive_holds_each_picture_once_as_it_is(
    client: TestClient, services: Services, upload: Callable[[bytes], Any]
) -> None:
    images = [upload(png(noise(20, side))) for side in (20, 21, 22)]
    client.patch(images[0]["url"], json={"favourite": True})
    answer = client.get(f"{IMAGES}/zip")
    assert answer.headers["content-type"] == "application/zip"
    assert "attachment" in answer.headers["content-disposition"]
    with zipfile.ZipFile(io.BytesIO(answer.content)) as held:
        assert held.testzip() is None
        found = {name: held.read(name) for name in held.namelist()}
    assert len(found) == 3
    for image in images:
        (name,) = (name for name in found if image["id"].removeprefix("img_") in name)
        assert name.endswith(".png")
        assert found[name] == client.get(image["url"]).content
    with zipfile.ZipFile(io.BytesIO(client.get(f"{IMAGES}/zip?favourite=true").content)) as held:
        assert len(held.namelist()) == 1
    services.blobs.delete(images[1]["sha256"])
    with zipfile.ZipFile(io.BytesIO(client.get(f"{IMAGES}/zip").content)) as held:
        assert len(held.namelist()) == 3
        assert images[1]["id"].removeprefix("img_") in held.read("missing.txt").decode()


def test_archives_that_cannot_be(client: TestClient, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    assert client.get(f"{IMAGES}/zip").status_code == 404
    keep(services.library, made(), made(), made())
    monkeypatch.setattr(module, "MOST", 2)
    assert client.get(f"{IMAGES}/zip").status_code == 422
    assert client.get(f"{IMAGES}/zip?cursor=x").status_code == 422


def test_an_archive_is_made_while_it_is_sent_and_ends_with_the_key(
    client: TestClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(access, "REVIEW_SECONDS", 0.0)
    owner, alice = key_of(services, "alice")
    sha = services.blobs.put(b"x" * 1000)
    keep(services.library, *(made(owner=owner, sha256=sha) for _ in range(5)))
    put, seen = archive._put, []

    def revoked(*given: Any) -> bool:
        seen.append(given[1].id)
        if len(seen) == 2:
            services.keys.revoke("alice")
        return put(*given)

    monkeypatch.setattr(archive, "_put", revoked)
    data = client.get(f"{IMAGES}/zip", headers=alice).content
    assert len(seen) == 2
    assert 2000 <= len(data) < 3000
    with pytest.raises(zipfile.BadZipFile):
        zipfile.ZipFile(io.BytesIO(data))


def test_two_owners(client: TestClient, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client._transport, "client", ("203.0.113.9", 1234))
    (owner, alice), (_, bob), (_, admin) = (
        key_of(services, "alice"),
        key_of(services, "bob"),
        key_of(services, "root", Scope.ADMIN),
    )
    mine = client.post(IMAGES, content=png(noise(20, 20)), headers={**alice, **PNG}).json()["id"]
    his = client.post(IMAGES, content=png(noise(20, 20)), headers={**bob, **PNG}).json()["id"]
    assert (ids(client, headers=alice), ids(client, headers=bob), ids(client, headers=admin)) == (
        [mine],
        [his],
        [his, mine],
    )
    assert ids(client, f"?id={mine}", headers=bob) == []
    assert client.get(f"{IMAGES}/zip?id={mine}", headers=bob).status_code == 404
    assert client.get(f"{IMAGES}/count?id={mine}", headers=bob).json()["pictures"] == 0
    assert client.patch(f"{IMAGES}/{mine}", json={"tags": ["hers"]}, headers=alice).status_code == 200
    told = [client.get(f"{IMAGES}/labels", headers=who).json()["tags"] for who in (alice, bob, admin)]
    assert told == [[{"name": "hers", "pictures": 1}], [], [{"name": "hers", "pictures": 1}]]
    assert client.get(f"{IMAGES}/{mine}/chain", headers=bob).status_code == 404
    assert client.patch(f"{IMAGES}/{mine}", json={"favourite": True}, headers=bob).status_code == 404
    for what in ("delete", "restore"):
        assert client.post(f"{IMAGES}/{what}", json={"ids": [mine]}, headers=bob).json()["ids"] == []
    assert client.post(f"{IMAGES}/delete", json={"ids": [mine, his]}, headers=admin).json()["ids"] == [mine, his]
    assert client.post(f"{IMAGES}/restore", json={"ids": [mine]}, headers=bob).json()["ids"] == []
    assert client.post(f"{IMAGES}/restore", json={"ids": [mine]}, headers=alice).json()["ids"] == [mine]
    audit = (services.settings.data / "logs" / "audit.log").read_text("utf-8")
    assert f"POST {IMAGES}/delete of" in audit
    assert owner in audit


def test_who_only_reads_changes_nothing(client: TestClient, services: Services) -> None:
    _, reader = key_of(services, "reader", Scope.READ)
    assert client.get(IMAGES, headers=reader).status_code == 200
    for what in ("delete", "restore"):
        assert client.post(f"{IMAGES}/{what}", json={"ids": ["img_" + "a" * 26]}, headers=reader).status_code == 403


def test_a_library_that_is_away_is_503(client: TestClient, services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: object, **__: object) -> None:
        raise LibraryAway("The library (its database) cannot be used at the moment")

    monkeypatch.setattr(Library, "get", away)
    monkeypatch.setattr(Library, "page", away)
    for path in (IMAGES, f"{IMAGES}/img_{'a' * 26}"):
        answer = client.get(path)
        assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")
        assert "library" in answer.json()["detail"]

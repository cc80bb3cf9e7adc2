"""Prompts on their way in: styles, choices and wildcards, drawn at the door and told with the pictures."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.deps import Services
from tests.api.kit import MODEL, announce
from tests.contract.vocabulary import tokenizer

JOBS = "/api/v1/jobs"


def submit(client: TestClient, **fields: Any) -> dict[str, Any]:
    answer = client.post(JOBS, json={"kind": "txt2img", **fields})
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    return job


@pytest.fixture(autouse=True)
def folder(services: Services) -> Iterator[None]:
    """An installation with a wildcard and two styles of its own."""
    for name, text in {
        "wildcards/bird.txt": "heron\n# not this\nowl\n",
        "styles/Noir.txt": "{prompt}, black and white, __bird__\ncolour",
        "styles/Plain.txt": "flat",
    }.items():
        file = services.settings.prompts / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    yield
    shutil.rmtree(services.settings.prompts)


def drawn(services: Services, job_id: str) -> list[tuple[str, str]]:
    return services.store.work(job_id).drawn


def test_a_plain_prompt_stays_as_it_is(client: TestClient, services: Services) -> None:
    job = submit(client, prompt="a (fox:1.2)", negative_prompt="blurry", count=3)
    assert drawn(services, job["id"]) == [("a (fox:1.2)", "blurry")]


def test_choices_are_drawn_for_every_picture_from_its_seed(client: TestClient, services: Services) -> None:
    """The draws are those of `random.Random(seed)`, as docs/prompts.md promises: a third of [0, 1) for each option."""
    job = submit(client, prompt="{a|b|c}", seed=0, count=8)
    assert [prompt for prompt, _ in drawn(services, job["id"])] == ["c", "a", "c", "a", "a", "b", "c", "a"]
    assert job["request"]["prompt"] == "{a|b|c}", "what was asked for can be asked for again"
    again = submit(client, prompt="{a|b|c}", seed=2, count=1)
    assert drawn(services, again["id"]) == [("c", "")]


def test_variations_share_their_draw(client: TestClient, services: Services) -> None:
    job = submit(client, prompt="{a|b|c}", seed=1, count=8, variation={"seed": 5, "strength": 0.1})
    assert drawn(services, job["id"]) == [("a", "")]


def test_styles_go_around_both_prompts(client: TestClient, services: Services) -> None:
    job = submit(client, prompt="a fox", negative_prompt="dog", styles=["noir", "Watercolor"], seed=1)
    ((prompt, negative),) = drawn(services, job["id"])
    assert prompt in {f"a watercolor of a fox, black and white, {bird}" for bird in ("heron", "owl")}
    assert negative == "dog, colour"


def test_a_changed_file_is_read_again(client: TestClient, services: Services) -> None:
    assert client.get("/api/v1/wildcards").json() == {"bird": 2}
    (services.settings.prompts / "wildcards" / "bird.txt").write_text("wren\n")
    (services.settings.prompts / "wildcards" / "fish.txt").write_text("cod\npike\ntrout\n")
    assert client.get("/api/v1/wildcards").json() == {"bird": 1, "fish": 3}
    assert drawn(services, submit(client, prompt="__bird__")["id"]) == [("wren", "")]


def test_the_styles_there_are(client: TestClient) -> None:
    styles = {style["name"]: style for style in client.get("/api/v1/styles").json()}
    assert set(styles) == {"Watercolor", "Pencil sketch", "Pixel art", "Noir", "Plain"}
    assert styles["Noir"] == {
        "name": "Noir",
        "prompt": "{prompt}, black and white, __bird__",
        "negative_prompt": "colour",
    }


def test_a_prompt_that_grows_too_long_is_refused(client: TestClient, services: Services) -> None:
    (services.settings.prompts / "wildcards" / "long.txt").write_text("x" * 9_000)
    answer = client.post(JOBS, json={"kind": "txt2img", "prompt": "__long__ __long__ __long__"})
    assert answer.status_code == 422
    assert "20,000" in answer.json()["detail"]


# --- tokens -------------------------------------------------------------------------------------------------------


@pytest.fixture
def published(services: Services) -> None:
    """A worker has told how its model cuts words."""
    (model,) = services.store.models().values()
    services.store.publish_tokenizer(model, tokenizer().dump)


@pytest.mark.usefixtures("published")
def test_tokens_with_places_weights_and_what_is_left(client: TestClient) -> None:
    told = client.get("/api/v1/tokens", params={"prompt": "cat (cat:1.3) BREAK a AND cat :0.5"}).json()
    assert (told["count"], told["changes"]) == (4, [])
    first, second = told["parts"]
    assert (first["weight"], second["weight"]) == (1.0, 0.5)
    assert [chunk["left"] for chunk in first["chunks"]] == [73, 74]
    assert [(t["text"], t["start"], t["end"], t["weight"]) for t in first["chunks"][0]["tokens"]] == [
        ("cat", 0, 3, 1.0),
        ("cat", 5, 8, 1.3),
    ]


@pytest.mark.usefixtures("published")
def test_a_negative_prompt_is_one_prompt(client: TestClient) -> None:
    """AND is a word in it, and its choices are drawn as those of a job's negative prompt."""
    asked: dict[str, str | int] = {"prompt": "cat AND {a|cat}", "seed": 0}
    told = client.get("/api/v1/tokens", params={**asked, "negative": True}).json()
    assert len(told["parts"]) == 1
    assert told["drawn"] == "cat AND cat"
    assert told["count"] == 5  # this vocabulary spells "and" letter by letter
    plain = client.get("/api/v1/tokens", params=asked).json()
    assert (len(plain["parts"]), plain["count"]) == (2, 2)


@pytest.mark.usefixtures("published")
def test_tokens_at_a_step_and_for_a_seed(client: TestClient) -> None:
    asked: dict[str, str | int] = {"prompt": "[cat:a:0.5] {cat|a|cat}", "steps": 10, "seed": 1}
    early, late = (client.get("/api/v1/tokens", params={**asked, "step": step}).json() for step in (5, 6))
    assert early["changes"] == late["changes"] == [5]
    assert early["drawn"] == "[cat:a:0.5] cat"
    assert [[t["text"] for t in told["parts"][0]["chunks"][0]["tokens"]] for told in (early, late)] == [
        ["cat", "cat"],
        ["a", "cat"],
    ]


@pytest.mark.usefixtures("published")
@pytest.mark.parametrize(
    ("asked", "where"),
    [({"step": 21}, None), ({"model": "gpt"}, "model"), ({"prompt": "__fish__"}, "prompt"), ({"size": 1}, "size")],
)
def test_what_tokens_cannot_be_told_of(client: TestClient, asked: dict[str, object], where: str | None) -> None:
    answer = client.get("/api/v1/tokens", params=asked)  # type: ignore[arg-type]  # numbers are sent as text
    assert answer.status_code == 422
    assert where is None or where in answer.json()["errors"][0]["loc"]


def test_tokens_before_a_worker_has_told_of_them(client: TestClient, services: Services) -> None:
    announce(services.store, models=[MODEL.model_copy(update={"hash": "1" * 64})])
    assert client.get("/api/v1/tokens", params={"prompt": "cat"}).status_code == 503

"""Errors that are nobody's or our own fault."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path
from threading import Timer
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from api.deps import Services
from api.main import create_app
from contract.access import Scope
from tests.api.kit import LOOPBACK, announce, key_of, noise, png
from tests.conftest import RedisServer, plain_settings

JOB = {"kind": "txt2img", "prompt": "a cat"}


@pytest.fixture
def apart(redis_server: RedisServer, tmp_path: Path) -> Iterator[TestClient]:
    """An app on a Redis of its own, for tests that stop it."""
    app = create_app(plain_settings(data=tmp_path, redis_url=redis_server.url))
    announce(app.state.services.store)
    with TestClient(app, raise_server_exceptions=False, client=LOOPBACK) as client:
        yield client


def test_without_redis_everything_is_503_and_comes_back(
    apart: TestClient, redis_server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    job_id = apart.post("/api/v1/jobs", json=JOB).json()["id"]
    redis_server.stop()
    calls: dict[str, dict[str, Any]] = {
        "POST /api/v1/jobs": {"json": JOB},
        f"GET /api/v1/jobs/{job_id}?wait=5": {},
        "GET /readyz": {},
        "POST /api/v1/images": {"content": png(noise(20, 20)), "headers": {"Content-Type": "image/png"}},
    }
    for call, body in calls.items():
        method, url = call.split()
        answer = apart.request(method, url, **body)
        assert answer.status_code == 503, call
        told = answer.json()
        assert answer.headers["content-type"] == "application/problem+json"
        assert int(answer.headers["retry-after"]) > 0
        assert "Redis" in told["detail"]
        assert "redis.sock" not in answer.text
        assert told["instance"] in caplog.text
    assert apart.get("/healthz").status_code == 200
    assert "darkroom_redis_up 0.0" in apart.get("/metrics").text
    redis_server.start()
    announce(_services(apart).store)
    assert apart.get("/readyz").status_code == 200
    assert apart.post("/api/v1/jobs", json=JOB).status_code == 202


def _services(client: TestClient) -> Services:
    assert isinstance(client.app, FastAPI)
    services: Services = client.app.state.services
    return services


def test_redis_away_in_the_middle_of_a_wait_is_503(apart: TestClient, redis_server: RedisServer) -> None:
    job_id = apart.post("/api/v1/jobs", json=JOB).json()["id"]
    Timer(0.3, redis_server.stop).start()
    assert apart.get(f"/api/v1/jobs/{job_id}?wait=10").status_code == 503


def test_a_fault_of_ours_tells_an_id_and_nothing_else(
    client: TestClient, services: Services, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> None:
        raise RuntimeError("secret in /root/secret.py")

    monkeypatch.setattr(services.store, "counts", broken)
    answer = client.get("/api/v1/queue")
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "secret" not in answer.text
    assert "Traceback" not in answer.text
    (record,) = [r for r in caplog.records if r.name == "api.problems"]
    assert record.levelno == logging.ERROR
    assert answer.json()["instance"] in record.getMessage()
    assert "secret in" in caplog.text


@pytest.mark.parametrize("path", ["/nothing", "/api/v1/nothing", "/api/v1/jobs/", "/static/nothing.js", "/%ff%00"])
def test_nowhere(client: TestClient, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 404
    assert answer.headers["content-type"] == "application/problem+json"
    assert "/docs" in answer.json()["detail"]


def test_other_methods(client: TestClient) -> None:
    answer = client.put("/api/v1/jobs")
    assert answer.status_code == 405
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["allow"]
    assert "/docs" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("asked", "detail"),
    [
        ({"steps": 0}, "steps: 1 以上を指定してください"),
        ({"width": 100}, "width: 8 の倍数を指定してください"),
        ({"sampler": "DPM++ 2M Carras"}, "サンプラーの名前ではありません。近い名前：'dpmpp_2m', 'dpmpp_2m_sde'"),
        ({"eta": 0.5}, "eta: dpmpp_2m では効果がありません。使えるのは"),
        ({"tiling": "z"}, "tiling: 次のいずれかを指定してください：'none', 'x', 'y', 'both'"),
        ({"styles": ["a"] * 9}, "styles: 8 件までです（現在 9 件）"),
        ({"foo": 1}, "foo: ここでは使えない項目です。削除してください"),
        ({"kind": "x"}, "kind: 次のいずれかを指定してください：'txt2img', 'img2img'"),
        ({"model": "other"}, "そのモデルはありません。使えるモデル："),
        ({"styles": ["Waterclor"]}, "スタイル 'Waterclor' はありません。使えるもの：Watercolor"),
        ({"prompt": "__nothing__"}, "ワイルドカード nothing はありません"),
        ({"width": 4096, "height": 4096}, "4096 x 4096 は 16777216 ピクセルです。上限は"),
        (
            {"count": 100, "width": 1024, "height": 1024, "steps": 1000},
            "（幅 x 高さ x ステップ数 x 枚数 / 1e6）。上限は",
        ),
        (
            {"kind": "grid", "base": JOB, "x": {"field": "steps", "values": "1-5 (-1)"}},
            "刻みの向きが逆です。最初の値から 2 番目の値へ進む刻みにしてください",
        ),
        (
            {"kind": "grid", "base": JOB, "x": {"field": "guidance", "values": [0.5]}},
            "セル guidance = 0.5 は作れません：guidance：1 以上を指定してください。",
        ),
    ],
)
def test_a_problem_is_in_the_language_of_whoever_asks(client: TestClient, asked: dict[str, Any], detail: str) -> None:
    body = asked if asked.get("kind") == "grid" else {**JOB, **asked}
    answer = client.post("/api/v1/jobs", json=body, headers={"Accept-Language": "ja-JP,ja;q=0.9,en;q=0.5"})
    assert answer.status_code == 422
    assert detail in answer.json()["detail"]
    assert answer.headers["content-language"] == "ja"
    assert answer.headers["vary"] == "Accept-Language, Cookie"
    fields = answer.json()["errors"]
    assert fields
    assert all(re.search("[\u3040-\u30ff]", field["msg"]) for field in fields)
    plain = client.post("/api/v1/jobs", json=body)
    assert plain.headers["content-language"] == "en"
    assert plain.text.isascii()
    assert [field["loc"] for field in plain.json()["errors"]] == [field["loc"] for field in fields]


def test_the_language_that_was_chosen_goes_before_the_browsers(client: TestClient) -> None:
    unknown = "/api/v1/jobs/job_aaaaaaaaaaaaaaaaaaaaaaaaaa"
    chosen = client.get(unknown, headers={"Cookie": "darkroom-language=ja", "Accept-Language": "en"})
    assert chosen.json()["detail"] == "この ID のジョブはありません。削除された可能性があります。"
    assert chosen.json()["title"] == "Not Found"
    english = client.get(unknown, headers={"Cookie": "darkroom-language=en", "Accept-Language": "ja"})
    assert english.json()["detail"] == "There is no job of this id; it may have been deleted."
    other = client.get(unknown, headers={"Accept-Language": "fr"})
    assert (other.text, other.headers["content-language"]) == (english.text, "en")


def test_what_the_door_says_is_in_that_language_too(client: TestClient, services: Services) -> None:
    asked = {"Accept-Language": "ja"}
    host = client.get("/api/v1/jobs", headers={**asked, "Host": "evil.example"})
    assert (host.status_code, "DARKROOM_HOSTS に名前を追加" in host.json()["detail"]) == (421, True)
    large = client.post("/api/v1/jobs", content=b"x" * (1024 * 1024 + 1), headers=asked)
    assert large.json()["detail"] == "送信データが上限の 1048576 バイトを超えています。小さくしてください。"
    picture = client.post("/api/v1/images", content=png(noise(8, 80)), headers={**asked, "Content-Type": "image/png"})
    assert picture.json()["detail"] == "画像は 80 x 8 ピクセルです。各辺に 16 ピクセル以上必要です。"
    key_of(services, "somebody", Scope.READ)
    closed = client.get("/api/v1/jobs", headers=asked)
    assert closed.json()["detail"].startswith("キーが必要です。")

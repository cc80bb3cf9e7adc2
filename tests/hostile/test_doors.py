"""Addresses that lead out, and requests that another site's page makes in a browser: no job, no picture, no file."""

import asyncio
import itertools
import json
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from fastapi.testclient import TestClient
from starlette.exceptions import HTTPException

from api.bodies import BodyLimit
from api.deps import Services
from api.gate import allowed_hosts
from tests.api.kit import noise, png
from tests.conftest import plain_settings

JOB = json.dumps({"kind": "txt2img", "prompt": "a cat"})
PNG = png(noise(20, 20))
AS_JSON = {"Content-Type": "application/json"}

# --- ids -------------------------------------------------------------------------------------------------

UPS = ["../", "..%2f", "%2e%2e/", "%2e%2e%2f", "..%5c", "..\\", "..%252f", "%c0%ae%c0%ae/", "....//", "..;/"]
TARGETS = ["etc/passwd", "data/redis/appendonly.aof", ".env", "blobs"]
ODD = [
    "%00", "img_aaaaaaaaaaaaaaaaaaaaaaaaaa%00", "img_aaaaaaaaaaaaaaaaaaaaaaaaaa%0a", "C:%5cWindows%5cwin.ini",
    "C:/Windows",
    "%5c%5chost%5cshare", "//host/share", "file:%2f%2f%2fetc%2fpasswd", "~", "~root", "$HOME", "*", "?", "#", ".", "..",
    "%2e", "con", "nul", "aux.png", "img_AAAAAAAAAAAAAAAAAAAAAAAAAA", "job_1", "img_" + "a" * 5000, "%ff%fe", "%u002e",
    "img_aaaaaaaaaaaaaaaaaaaaaaaaaa.png", "img_aaaaaaaaaaaaaaaaaaaaaaaaaa;x", "%20", "-1", "0",
    "__proto__", "constructor", "{image_id}", "%7b%7d", "img_%d0%b0aaaaaaaaaaaaaaaaaaaaaaaaa",
]  # fmt: skip
IDS = [up * depth + target for up in UPS for depth in (1, 3, 8) for target in TARGETS] + ODD
PLACES = ["/api/v1/images/{}", "/api/v1/images/{}/metadata", "/api/v1/jobs/{}", "/api/v1/jobs/{}/preview", "/static/{}"]
ADDRESSES = [
    PLACES[(number + more) % len(PLACES)].replace("{}", name) for number, name in enumerate(IDS) for more in (0, 2)
]


def test_there_are_two_hundred_of_them() -> None:
    assert len(set(ADDRESSES)) >= 200


def test_no_id_leads_out(client: TestClient) -> None:
    """Sent as they are: an HTTP client would tidy them up."""
    assert client.portal is not None
    for address in ADDRESSES:
        for method in ("GET", "DELETE"):
            status, body = client.portal.call(raw, client, method, address)
            assert status in (400, 404, 405), (method, address, status)
            assert b"root:" not in body


async def raw(client: TestClient, method: str, address: str) -> tuple[int, bytes]:
    """The answer to a request whose path no client has normalized."""
    path, _, query = address.partition("?")
    scope = {
        "type": "http", "asgi": {"version": "3.0"}, "http_version": "1.1", "method": method, "scheme": "http",
        "path": unquote_to_bytes(path).decode("utf-8", "replace"), "raw_path": path.encode(), "root_path": "",
        "query_string": query.encode(), "headers": [(b"host", b"testserver")], "client": ("127.0.0.1", 5),
        "server": ("x", 1),
    }  # fmt: skip
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Any) -> None:
        sent.append(message)

    await client.app(scope, receive, send)
    return sent[0]["status"], b"".join(message.get("body", b"") for message in sent[1:])


# --- names and pages -------------------------------------------------------------------------------------

HOSTS = [
    "evil.example", "evil.example:8000", "localhost.evil.example", "127.0.0.1.evil.example", "testserver.evil.example",
    "testserver@evil.example", "evil.example#testserver", "testserver:80@evil.example", "", "127.0.0.2", "0.0.0.0",
    "[::2]", "testserver:x", "testserver:80:80", "testserver.", "2130706433", "0x7f.1", "testserver, evil.example",
]  # fmt: skip
ORIGINS = [
    "null", "http://evil.example", "https://evil.example", "http://testserver.evil.example", "http://testserver:81",
    "http://localhost", "file://", "http://testserver@evil.example", "http://testserver/", "testserver", "",
    "chrome-extension://abc", "http://[", "http://testserver http://evil.example", "data:",
]  # fmt: skip


def nothing_came_in(services: Services) -> bool:
    redis = services.store.redis
    return services.store.counts() == (0, 0) and not redis.zcard("darkroom:jobs") and not redis.keys("darkroom:image:*")


@pytest.mark.parametrize("host", HOSTS)
def test_no_other_name(client: TestClient, services: Services, host: str) -> None:
    for method, path in (
        ("POST", "/api/v1/jobs"),
        ("GET", "/"),
        ("GET", "/api/v1/jobs"),
        ("GET", "/static/js/main.js"),
    ):
        answer = client.request(method, path, content=JOB, headers={**AS_JSON, "Host": host})
        assert answer.status_code == 421, path
        assert answer.headers["content-type"] == "application/problem+json"
        assert "DARKROOM_HOSTS" in answer.json()["detail"]
        assert "evil" not in answer.text
    assert nothing_came_in(services)


def test_two_names_are_none(client: TestClient) -> None:
    assert client.get("/", headers=[("Host", "testserver"), ("Host", "testserver")]).status_code == 421


@pytest.mark.parametrize(
    "host", ["testserver", "testserver:8000", "TESTSERVER", "localhost", "127.0.0.1:9", "[::1]:8000"]
)
def test_own_names(client: TestClient, host: str) -> None:
    assert client.get("/healthz", headers={"Host": host}).status_code == 200


@pytest.mark.parametrize("origin", ORIGINS)
def test_no_other_page(client: TestClient, services: Services, origin: str) -> None:
    for method, path in (("POST", "/api/v1/jobs"), ("GET", "/api/v1/jobs"), ("OPTIONS", "/api/v1/jobs")):
        answer = client.request(method, path, content=JOB, headers={**AS_JSON, "Origin": origin})
        assert answer.status_code == 403, (method, answer.text)
        assert "access-control-allow-origin" not in answer.headers
    assert nothing_came_in(services)


def test_the_own_page(client: TestClient) -> None:
    for headers in (
        {"Origin": "http://testserver", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "https://testserver"},  # behind a proxy that ends TLS
        {"Origin": "http://testserver:8000", "Host": "testserver:8000"},
        {"Sec-Fetch-Site": "none"},
    ):
        assert client.post("/api/v1/jobs", content=JOB, headers={**AS_JSON, **headers}).status_code == 202, headers


@pytest.mark.parametrize("site", ["cross-site", "same-site", "Cross-Site", "junk", ""])
def test_no_change_from_another_site(client: TestClient, services: Services, site: str) -> None:
    headers = {**AS_JSON, "Sec-Fetch-Site": site}
    assert client.post("/api/v1/jobs", content=JOB, headers=headers).status_code == 403
    assert client.delete("/api/v1/jobs/job_" + "a" * 26, headers=headers).status_code == 403
    assert client.get("/", headers=headers).status_code == 200  # a link from elsewhere may lead here
    assert nothing_came_in(services)


FORMS = [
    "multipart/form-data; boundary=x",
    "application/x-www-form-urlencoded",
    "text/plain",
    "TEXT/PLAIN;charset=utf-8",
]
FORM_BODY = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n' + PNG + b"\r\n--x--\r\n"


@pytest.mark.parametrize(("kind", "path"), list(itertools.product(FORMS, ["/api/v1/jobs", "/api/v1/images"])))
def test_forms_without_a_sign_of_their_page(client: TestClient, services: Services, kind: str, path: str) -> None:
    """As an old browser would send one, which tells no Origin."""
    for body in (FORM_BODY, JOB.encode()):
        assert client.post(path, content=body, headers={"Content-Type": kind}).status_code == 403
    assert nothing_came_in(services)


def test_a_form_of_our_own(client: TestClient) -> None:
    for sign in ({"X-Requested-With": "curl"}, {"Origin": "http://testserver"}, {"Sec-Fetch-Site": "same-origin"}):
        headers = {"Content-Type": FORMS[0], **sign}
        assert client.post("/api/v1/images", content=FORM_BODY, headers=headers).status_code == 201


def test_no_site_may_embed_or_read_what_is_answered(client: TestClient) -> None:
    for path in ("/", "/docs", "/api/v1/jobs", "/nowhere", "/static/js/main.js"):
        headers = client.get(path).headers
        assert headers["cross-origin-resource-policy"] == "same-origin"
        assert headers["x-content-type-options"] == "nosniff"
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert not [name for name in headers if name.startswith("access-control-")]


def test_names_from_the_settings() -> None:
    loopback = {"localhost", "127.0.0.1", "[::1]"}
    assert allowed_hosts(plain_settings(hosts="")) == loopback
    assert allowed_hosts(plain_settings(hosts=" Studio.example, ,b", host="0.0.0.0")) == loopback | {
        "studio.example",
        "b",
    }
    assert allowed_hosts(plain_settings(hosts="", host="::")) == loopback
    assert allowed_hosts(plain_settings(hosts="", host="fd00::1")) == loopback | {"[fd00::1]"}


def test_a_body_that_stalls_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.bodies.STALL_SECONDS", 0.05)

    async def reads(scope: Any, receive: Any, send: Any) -> None:
        await receive()

    async def stalls() -> Any:
        await asyncio.Event().wait()

    async def unsent(message: Any) -> None:
        raise AssertionError(message)

    with pytest.raises(HTTPException) as raised:
        asyncio.run(BodyLimit(reads, ["/u"], 10)({"type": "http", "path": "/x", "headers": []}, stalls, unsent))
    assert raised.value.status_code == 408

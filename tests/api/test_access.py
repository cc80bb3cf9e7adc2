"""The door: who comes in with what, and how the others are told."""

import base64
import json
from typing import Any

import pytest
from fastapi.testclient import TestClient

from api.access import credentials, needed
from api.deps import Services
from contract.access import Scope
from contract.steering import Steering
from tests.api.kit import Worker, key_of

JOB = {"kind": "txt2img", "prompt": "a black cat", "steps": 4}
JOB_COST = 128 * 96 * 4 / 1e6  # megapixel-steps; the model's native size
PAGE = {"Origin": "http://testserver"}  # what a browser says with a form of ours
OPEN = {"GET /healthz", "GET /readyz"}
ADMIN = ("GET /metrics", "/api/v1/dead-letters", "/api/v1/queue/")
ANY = {"GET /api/v1/me", "GET /api/v1/me/library"}


@pytest.fixture
def afar(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> TestClient:
    """A client on another machine."""
    monkeypatch.setattr(client._transport, "client", ("203.0.113.9", 1234))
    return client


@pytest.fixture
def operations(client: TestClient) -> list[tuple[str, str]]:
    """Method and path of every route that the API describes, with ids that are nobody's."""
    paths = client.get("/openapi.json").json()["paths"]
    names = {"{job_id}": "job_" + "a" * 26, "{image_id}": "img_" + "a" * 26}
    found = []
    for path, methods in paths.items():
        for name, value in names.items():
            path = path.replace(name, value)
        found += [(method.upper(), path) for method in methods]
    return found


def scopes_of(method: str, path: str) -> set[Scope]:
    """What docs/access.md says a call needs; nothing = it is open."""
    call = f"{method} {path}"
    if call in OPEN:
        return set()
    if call in ANY:
        return set(Scope)
    if any(admin in call for admin in ADMIN):
        return {Scope.ADMIN}
    return {Scope.READ if method == "GET" else Scope.GENERATE, Scope.ADMIN}


def test_every_route_asks_for_its_scope(
    services: Services, afar: TestClient, operations: list[tuple[str, str]]
) -> None:
    keys = {scope: key_of(services, scope, scope)[1] for scope in Scope}
    wrong = {"Authorization": "Bearer darkroom_aaaaaaaa_" + "a" * 52}
    assert len(operations) >= 20
    refusals = set()
    for method, path in operations:
        needs = scopes_of(method, path)
        statuses = {scope: afar.request(method, path, headers=keys[scope]).status_code for scope in Scope}
        for scope, status in statuses.items():
            assert (status == 403) == bool(needs and scope not in needs), (method, path, scope, status)
            assert status not in (401, 429, 500), (method, path, scope, status)
        for headers in ({}, wrong):
            answer = afar.request(method, path, headers=headers)
            assert (answer.status_code in (401, 429)) == bool(needs), (method, path, answer.status_code)
            if needs and headers == {}:
                assert answer.headers["content-type"] == "application/problem+json"
                assert answer.headers["www-authenticate"] == 'Bearer realm="darkroom"'
                refusals.add(json.dumps({**answer.json(), "instance": ""}))
    assert len(refusals) == 1  # the same words, whatever was asked for


def test_what_nobody_knows_of_is_behind_the_door_too(services: Services, afar: TestClient) -> None:
    _, read = key_of(services, "r", Scope.READ)
    for path in ("/api/v1/nothing", "/nothing", "/metrics/x", "/x//", "/api", "/sign-in/x", "/statics/x", "/healthz/"):
        assert afar.get(path).status_code == 401, path
        assert afar.get(path, headers=read).status_code == 404, path
    for path in ("/", "/docs", "/openapi.json", "/healthz", "/sign-in", "/settings", "/static/css/base.css"):
        assert afar.get(path).status_code == 200, path


def test_the_document_says_which_routes_need_a_key(client: TestClient) -> None:
    document = client.get("/openapi.json").json()
    assert set(document["components"]["securitySchemes"]) == {"bearer", "header", "basic"}
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            locked = bool(scopes_of(method.upper(), path))
            assert ("security" in operation) == locked, path
            assert ({"401", "403", "429"} <= set(operation["responses"])) == locked, path


def test_a_key_comes_in_three_ways(services: Services, afar: TestClient) -> None:
    _, bearer = key_of(services, "alice", Scope.READ)
    text = bearer["Authorization"].removeprefix("Bearer ")
    basic = base64.b64encode(f"any:{text}".encode()).decode()
    right: list[dict[str, str]] = [
        bearer,
        {"X-API-Key": text},
        {"Authorization": f"Basic {basic}"},
        {"Authorization": f"bearer   {text} "},
        {"Authorization": "", "X-API-Key": text},
        {"Authorization": f"Bearer {text}", "X-API-Key": text},
    ]
    for headers in right:
        assert afar.get("/api/v1/me", headers=headers).json()["name"] == "alice", headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Authorization": ""},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer "},
        {"Authorization": "Basic"},
        {"Authorization": "Basic ????"},
        {"Authorization": "Basic " + base64.b64encode(b"\xff\xfe:\xff").decode()},
        {"Authorization": "Digest x"},
        {"Authorization": b"Bearer d\xe9rkroom"},
        {"Authorization": "Bearer darkroom_aaaaaaaa_" + "é" * 52},
        {"X-API-Key": b"\xff\xfe\xfd"},
        {"X-API-Key": "a" * 1_000_000},
        {"Cookie": "darkroom_session=x"},
        {"Cookie": b"darkroom_session=\xe9"},
    ],
)
def test_what_is_no_key_is_refused_and_never_a_fault(
    services: Services, afar: TestClient, headers: dict[str, Any]
) -> None:
    key_of(services, "alice", Scope.READ)
    encoded = {n.encode(): value.encode() if isinstance(value, str) else value for n, value in headers.items()}
    answer = afar.get("/api/v1/jobs", headers=encoded)
    assert (answer.status_code, answer.json()["title"]) == (401, "Unauthorized")


def test_two_different_keys_are_nobodys(services: Services, afar: TestClient) -> None:
    _, one = key_of(services, "alice", Scope.READ)
    _, two = key_of(services, "bob", Scope.READ)
    headers = {**one, "X-API-Key": two["Authorization"].removeprefix("Bearer ")}
    assert afar.get("/api/v1/me", headers=headers).status_code == 401


def test_without_keys_this_machine_is_everybody_and_no_other(services: Services, client: TestClient) -> None:
    me = client.get("/api/v1/me").json()
    assert (me["owner"], me["scopes"]) == ("local", ["admin", "generate", "read"])
    assert client.get("/metrics").status_code == 200
    key_of(services, "alice", Scope.READ)
    assert client.get("/api/v1/me").status_code == 401
    assert client.get("/metrics").status_code == 200  # for a Prometheus on this machine
    services.keys.revoke("alice")
    assert client.get("/api/v1/me").status_code == 401


def test_a_host_header_makes_no_other_path(services: Services, client: TestClient) -> None:
    key_of(services, "alice", Scope.READ)
    for host in ("x/metrics?", "x/metrics#", "localhost/metrics?x="):
        assert client.get("/api/v1/me", headers={"Host": host}).status_code in (401, 421), host


def test_a_line_break_makes_no_other_address(services: Services, afar: TestClient) -> None:
    """A route's pattern ends with `$`, which passes over one: no scope may be gained by it."""
    _, alice = key_of(services, "alice")
    for call in ("POST /api/v1/queue/pause", "DELETE /api/v1/dead-letters", "GET /api/v1/dead-letters", "GET /metrics"):
        method, path = call.split()
        assert afar.request(method, path, headers=alice).status_code == 403, call
        for end in ("%0A", "%0D%0A", "%0B", "%C2%85", "%00"):
            assert afar.request(method, path + end, headers=alice).status_code == 404, (call, end)
    assert not Steering(services.store).held()
    assert afar.get("/healthz%0A").status_code == 404


def test_a_full_redis_keeps_nobody_from_looking(services: Services, afar: TestClient) -> None:
    _, alice = key_of(services, "alice")
    services.store.redis.config_set("maxmemory", 1)
    try:
        assert afar.get("/api/v1/jobs", headers=alice).status_code == 200
        assert afar.get("/api/v1/jobs").status_code == 401
        assert afar.post("/api/v1/jobs", json=JOB, headers=alice).status_code == 503
    finally:
        services.store.redis.config_set("maxmemory", 0)


def test_another_machine_needs_a_key_though_there_is_none(services: Services, afar: TestClient) -> None:
    for path in ("/api/v1/me", "/api/v1/jobs", "/metrics", "/api/v1/samplers"):
        assert afar.get(path).status_code == 401


def test_revoking_and_rotating_count_at_once(services: Services, afar: TestClient) -> None:
    _, old = key_of(services, "alice", Scope.READ)
    _, text = services.keys.rotate("alice")
    new = {"X-API-Key": text}
    assert [afar.get("/api/v1/me", headers=each).status_code for each in (old, new)] == [200, 200]
    services.keys.revoke("alice")
    assert [afar.get("/api/v1/me", headers=each).status_code for each in (old, new)] == [401, 401]


def test_wrong_keys_run_out_and_a_right_one_is_never_shut_out(services: Services, afar: TestClient) -> None:
    _, right = key_of(services, "alice", Scope.READ)
    most = services.settings.rate_failures
    wrong = {"X-API-Key": "darkroom_aaaaaaaa_" + "a" * 52}
    assert [afar.get("/api/v1/me", headers=wrong).status_code for _ in range(most)] == [401] * most
    answer = afar.get("/api/v1/me", headers=wrong)
    assert answer.status_code == 429
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert afar.post("/sign-in", data={"key": "x"}, headers=PAGE).status_code == 429
    assert afar.get("/api/v1/me", headers=right).status_code == 200
    assert afar.get("/api/v1/me").status_code == 401  # no key is no wrong key


def test_requests_of_one_key_are_counted(services: Services, afar: TestClient) -> None:
    _, slow = key_of(services, "alice", Scope.READ, rate=3)
    _, other = key_of(services, "bob", Scope.READ)
    assert [afar.get("/api/v1/me", headers=slow).status_code for _ in range(4)] == [200, 200, 200, 429]
    answer = afar.get("/api/v1/me", headers=slow)
    assert answer.json()["detail"] == "Too many requests with this key; slow down."
    assert 1 <= int(answer.headers["retry-after"]) <= 60
    assert afar.get("/api/v1/me", headers=other).status_code == 200


def test_a_quota_is_told_with_what_to_change(services: Services, afar: TestClient) -> None:
    _, busy = key_of(services, "alice", jobs=1)
    _, dear = key_of(services, "bob", cost=1.5 * JOB_COST)
    for headers, words in ((busy, "let one end"), (dear, "lower the steps")):
        assert afar.post("/api/v1/jobs", json=JOB, headers=headers).status_code == 202
        answer = afar.post("/api/v1/jobs", json=JOB, headers=headers)
        assert (answer.status_code, words in answer.json()["detail"]) == (429, True)
        assert int(answer.headers["retry-after"]) >= 1
    me = afar.get("/api/v1/me", headers=dear).json()
    assert me["quota"]["cost"] == 1.5 * JOB_COST
    assert (me["usage"]["jobs"], me["usage"]["in_flight"]) == (1, 1)
    assert me["usage"]["last_hour"] == pytest.approx(JOB_COST)
    assert me["usage"]["used_at"] is not None


def test_a_retry_counts_and_a_repeated_submission_does_not(services: Services, afar: TestClient) -> None:
    _, alice = key_of(services, "alice", jobs=1)
    once = {**alice, "Idempotency-Key": "k"}
    first, again = (afar.post("/api/v1/jobs", json=JOB, headers=once) for _ in "ab")
    assert (first.status_code, again.status_code, first.json()["id"]) == (202, 202, again.json()["id"])
    job = f"/api/v1/jobs/{first.json()['id']}"
    assert afar.post(f"{job}/pause", headers=alice).status_code == 202
    assert afar.post("/api/v1/jobs", json=JOB, headers=alice).status_code == 429  # paused, it still waits
    assert afar.post(f"{job}/cancel", headers=alice).status_code == 202
    assert afar.post(f"{job}/retry", headers=alice).status_code == 202
    assert afar.post(f"{job}/retry", headers=alice).status_code == 429
    services.keys.revoke("alice")
    _, narrow = key_of(services, "bob", cost=JOB_COST / 2)
    assert afar.post("/api/v1/jobs", json=JOB, headers=narrow).status_code == 422


def test_a_browser_signs_in_writes_with_its_token_and_signs_out(services: Services, afar: TestClient) -> None:
    _, bearer = key_of(services, "alice")
    text = bearer["Authorization"].removeprefix("Bearer ")
    wrong = afar.post("/sign-in", data={"key": "darkroom_no"}, headers=PAGE)
    assert (wrong.status_code, "set-cookie" in wrong.headers) == (401, False)
    assert "That is no key of this Darkroom" in wrong.text
    answer = afar.post("/sign-in", data={"key": f" {text} "}, headers=PAGE, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    session, csrf = answer.headers.get_list("set-cookie")
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(session.split("; "))
    assert "HttpOnly" not in csrf
    assert "SameSite=strict" in csrf
    try:
        assert afar.get("/api/v1/me").json()["session"] is True
        assert afar.post("/api/v1/jobs", json=JOB).status_code == 403
        assert afar.post("/api/v1/jobs", json=JOB, headers={b"X-CSRF-Token": b"\xe9"}).status_code == 403
        token = {"X-CSRF-Token": afar.cookies["darkroom_csrf"]}
        assert afar.post("/api/v1/jobs", json=JOB, headers=token).status_code == 202
        session_token = afar.cookies["darkroom_session"]
        assert afar.post("/sign-out").status_code == 204
        assert not afar.cookies
        assert afar.get("/api/v1/me", headers={"Cookie": f"darkroom_session={session_token}"}).status_code == 401
    finally:
        afar.cookies.clear()


def test_cookies_are_secure_over_https_and_scripts_get_no_page(services: Services, afar: TestClient) -> None:
    _, bearer = key_of(services, "alice")
    text = bearer["Authorization"].removeprefix("Bearer ")
    script = {"Accept": "application/json"}
    answer = afar.post(
        "https://testserver/sign-in", data={"key": text}, headers={**script, "Origin": "https://testserver"}
    )
    afar.cookies.clear()
    assert answer.status_code == 204
    assert all("Secure" in cookie for cookie in answer.headers.get_list("set-cookie"))
    refused = afar.post("/sign-in", data={"key": "<b>"}, headers={**script, **PAGE})
    assert (refused.status_code, refused.headers["content-type"]) == (401, "application/problem+json")
    assert "<b>" not in refused.text


def test_needs_and_credentials_are_plain() -> None:
    assert needed("GET", "/static/js/main.js") == frozenset()
    assert needed("GET", "/static/") == {Scope.READ}
    assert needed("POST", "/api/v1/dead-letters/x/replay") == {Scope.ADMIN}
    assert needed("POST", "/api/v1/queue/pause") == {Scope.ADMIN}
    assert needed("GET", "/api/v1/queue") == {Scope.READ}
    assert needed("GET", "/healthz\n") == {Scope.READ}
    assert callable(credentials)


def test_an_admins_acts_are_noted(services: Services, afar: TestClient) -> None:
    owner, alice = key_of(services, "alice")
    _, admin = key_of(services, "root", Scope.ADMIN)
    job = afar.post("/api/v1/jobs", json=JOB, headers=alice).json()["id"]
    assert afar.get(f"/api/v1/jobs/{job}", headers=admin).status_code == 200
    assert afar.post(f"/api/v1/jobs/{job}/cancel", headers=admin).status_code == 202
    last = json.loads((services.settings.data / "logs" / "audit.log").read_text().splitlines()[-1])
    assert (last["who"], last["what"]) == ("root", f"POST /api/v1/jobs/{job}/cancel of {owner}")


def test_what_the_library_keeps_of_a_key(client: TestClient, services: Services, worker: Worker) -> None:
    _, alice = key_of(services, "alice")
    _, bob = key_of(services, "bob")
    job_id = client.post("/api/v1/jobs", json=JOB, headers=alice).json()["id"]
    worker.do(job_id)
    picture = client.get(f"/api/v1/jobs/{job_id}", headers=alice).json()["images"][0]
    kept = client.get("/api/v1/me/library", headers=alice).json()
    assert kept == {"pictures": 1, "bytes": picture["bytes"], "last_day": 1}
    assert client.get("/api/v1/me/library", headers=bob).json() == {"pictures": 0, "bytes": 0, "last_day": 0}
    assert client.delete(f"/api/v1/images/{picture['id']}", headers=alice).status_code == 204
    assert client.get("/api/v1/me/library", headers=alice).json()["pictures"] == 0

"""`darkroom keys`, and the refusal to listen to other machines without one."""

import json
from pathlib import Path

import pytest

from cli import keys
from cli.main import main
from contract.access import Keys, Quota, Scope
from contract.errors import DarkroomError
from contract.settings import Settings
from contract.store import connect


@pytest.fixture
def held(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Keys:
    """The keys of the Redis that the commands below find by the environment."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DARKROOM_REDIS_URL", settings.redis)
    monkeypatch.setenv("DARKROOM_DATA", str(settings.data))
    return Keys(connect(settings))


def darkroom(*argv: str) -> object:
    with pytest.raises(SystemExit) as ended:
        main(("keys", *argv))
    return ended.value.code


def test_a_key_is_printed_once(held: Keys, settings: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert darkroom("add", "alice", "--scopes", "generate,admin", "--quota", "cost=2000,jobs=10,rate=600") == 0
    text, about = capsys.readouterr().out.splitlines()
    assert about == "The key of alice, for generate,admin; it is not shown again."
    key = held.holder(text)
    assert key
    assert key.name == "alice"
    assert key.scopes == frozenset({Scope.GENERATE, Scope.ADMIN})
    assert key.quota == Quota(cost=2000, jobs=10, rate=600)
    assert darkroom("list") == 0
    listed = capsys.readouterr().out
    assert text[-52:] not in listed
    heads, row = (line.split() for line in listed.splitlines())
    assert heads[:4] == ["ID", "NAME", "SCOPES", "QUOTA"]
    assert row == [key.id, "alice", "generate,admin", "cost=2000,jobs=10,rate=600", *["0"] * 4, "never", "live"]
    noted = [json.loads(line) for line in (settings.data / "logs" / "audit.log").read_text().splitlines()]
    assert [each["what"] for each in noted] == [f"added key {key.id} alice for generate,admin"]
    assert text[-52:] not in str(noted)


def test_the_first_start_makes_a_key_and_the_second_none(held: Keys, capsys: pytest.CaptureFixture[str]) -> None:
    first = ("add", "admin", "--scopes", "admin", "--if-none")
    assert darkroom(*first) == 0
    assert capsys.readouterr().out.startswith("darkroom_")
    assert darkroom(*first) == 0
    assert capsys.readouterr().out == ""
    held.revoke("admin")
    assert darkroom(*first) == 0
    assert capsys.readouterr().out == ""


def test_rotating_and_revoking(held: Keys, capsys: pytest.CaptureFixture[str]) -> None:
    _, old = held.add("alice", [Scope.READ], Quota())
    assert darkroom("rotate", "alice", "--grace", "15m") == 0
    text, about = capsys.readouterr().out.splitlines()
    assert about.endswith("The old one lives 900 s longer.")
    assert held.holder(text) == held.holder(old) != None  # noqa: E711
    assert darkroom("revoke", "alice") == 0
    assert held.holder(text) is held.holder(old) is None
    assert darkroom("revoke", "alice") == "darkroom: there is no key alice"


@pytest.mark.parametrize(
    ("argv", "told"),
    [
        (("add", "x", "--scopes", "write"), "scopes are generate, read, admin"),
        (("add", "x", "--quota", "cost"), "such as cost=2000"),
        (("add", "x", "--quota", "cost=-1"), "such as cost=2000"),
        (("add", "x", "--quota", "price=1"), "such as cost=2000"),
        (("rotate", "x", "--grace", "soon"), "such as 90s"),
        (("ad",), "invalid choice"),
        (("list", "--prot", "8"), "unrecognized arguments"),
    ],
)
def test_wrong_calls_are_told(held: Keys, capsys: pytest.CaptureFixture[str], argv: tuple[str, ...], told: str) -> None:
    assert darkroom(*argv) == 2
    assert told in capsys.readouterr().err
    assert held.none()


def test_other_machines_are_let_near_with_a_key_only(held: Keys, settings: Settings) -> None:
    for host in ("127.0.0.1", "127.8.8.8", "::1", "localhost"):
        keys.check_binding(settings.model_copy(update={"host": host}))
    for host in ("0.0.0.0", "::", "192.168.1.5", "studio.lan"):
        wide = settings.model_copy(update={"host": host})
        with pytest.raises(DarkroomError, match=r"darkroom keys add NAME.*--insecure \(DARKROOM_INSECURE=true\)"):
            keys.check_binding(wide)
        keys.check_binding(wide.model_copy(update={"insecure": True}))
    held.add("alice", [Scope.READ], Quota())
    keys.check_binding(settings.model_copy(update={"host": "0.0.0.0"}))
    held.revoke("alice")
    with pytest.raises(DarkroomError, match="there is no key"):
        keys.check_binding(settings.model_copy(update={"host": "0.0.0.0"}))


def test_the_web_server_alone_refuses_too(held: Keys) -> None:
    with pytest.raises(SystemExit) as ended:
        main(("api", "--host", "0.0.0.0"))
    assert "--host 0.0.0.0 can be reached from other machines, and there is no key" in str(ended.value.code)


def test_keys_are_made_while_nothing_runs(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Our own Redis is started for the while, and keeps the key."""
    settings = Settings(_env_file=None, data=tmp_path / "data")
    keys.run(keys.parse(["add", "alice"])[0], settings)
    assert capsys.readouterr().out.startswith("darkroom_")
    keys.check_binding(settings.model_copy(update={"host": "0.0.0.0"}))

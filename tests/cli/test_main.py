"""The command line: what it understands, and how it says no."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from cli.main import main, read_settings
from contract.errors import DarkroomError
from contract.settings import Settings


def status_of(*argv: str) -> object:
    with pytest.raises(SystemExit) as ended:
        main(argv)
    return ended.value.code


@pytest.fixture(autouse=True)
def _no_env_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_flags_beat_the_environment_which_beats_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("DARKROOM_PORT=1001\nDARKROOM_MAX_ROWS=9\nDARKROOM_THREADS=3\n")
    monkeypatch.setenv("DARKROOM_PORT", "1002")
    monkeypatch.setenv("DARKROOM_MAX_ROWS", "10")
    settings = read_settings("up", ["--port", "1003", "--redis-url=redis://elsewhere/0"])
    assert (settings.port, settings.max_rows, settings.threads) == (1003, 10, 3)
    assert settings.redis_url == "redis://elsewhere/0"
    assert settings.max_queue == 1000


def test_every_setting_is_a_flag(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("up", "--help") == 0
    said = capsys.readouterr().out
    assert said.startswith("usage: darkroom up")
    missing = [name for name in Settings.model_fields if f"--{name.replace('_', '-')} " not in said]
    assert missing == []


def test_all_values_that_cannot_be_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DARKROOM_MAX_ROWS", "2")
    with pytest.raises(DarkroomError) as refused:
        read_settings("up", ["--port", "99999"])
    assert str(refused.value).splitlines() == [
        "these settings cannot be:",
        "  port = '99999': Input should be less than or equal to 65535",
        "  max_rows = '2': Input should be greater than or equal to 4",
    ]


@pytest.mark.parametrize("argv", [("--help",), ("-h",), ()])
def test_help_names_the_commands(capsys: pytest.CaptureFixture[str], argv: tuple[str, ...]) -> None:
    assert status_of(*argv) == 0
    said = capsys.readouterr().out
    assert [line.split()[0] for line in said.splitlines() if re.match("  [a-z]", line)] == [
        "up",
        "api",
        "worker",
        "keys",
        "library",
    ]


def test_an_unknown_command_and_an_unknown_flag_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert status_of("down") == 2
    assert "there is no command 'down'" in capsys.readouterr().err
    assert status_of("up", "--prot", "80") == 2
    assert "unrecognized arguments: --prot" in capsys.readouterr().err


def test_failures_are_one_line_for_people(tmp_path: Path) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "cli", "up", "--model", str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == f"darkroom: {tmp_path} holds no model in diffusers format; name one that does with --model\n"

"""docs/settings.md and .env.example list every setting as contract/settings.py has it."""

import re
from pathlib import Path

from contract.settings import ROOT, Settings


def spelled(default: object) -> str:
    """A default as a person would write it in .env."""
    if default is None:
        return ""
    if isinstance(default, Path) and default.is_absolute():
        return str(default.relative_to(ROOT))
    return str(default)


EXPECTED = {
    f"DARKROOM_{name.upper()}": (spelled(field.default), field.description)
    for name, field in Settings.model_fields.items()
}


def test_the_page_of_settings() -> None:
    page = (ROOT / "docs" / "settings.md").read_text()
    rows = re.findall(r"^\| `(DARKROOM_\w+)` \| (?:`(.*)`|–) \| (.+) \|$", page, re.MULTILINE)
    assert {name: (default, meaning) for name, default, meaning in rows} == EXPECTED
    assert len(rows) == len(EXPECTED)


def test_the_example_file() -> None:
    example = (ROOT / ".env.example").read_text()
    rows = re.findall(r"^# (.+)\n#(DARKROOM_\w+)=(.*)$", example, re.MULTILINE)
    assert {name: (default, meaning) for meaning, name, default in rows} == EXPECTED
    assert len(rows) == len(EXPECTED)
    assert all(line.startswith("#") or not line for line in example.splitlines())  # copied as it is, it changes nothing

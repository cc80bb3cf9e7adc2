"""Dockerfiles and compose files as data."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent.parent
DOCKERFILES = ("Dockerfile", "Dockerfile.gpu")


class _Loader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML ships no types
    """YAML with compose's tag for taking something away."""


_RESET = object()
_Loader.add_constructor("!reset", lambda loader, node: _RESET)


def compose(*names: str) -> dict[str, Any]:
    """Compose files, each laid over those before it, as `docker compose -f … -f …` does."""
    merged: Any = {}
    for name in names:
        merged = _over(merged, yaml.load((ROOT / name).read_text(), _Loader))
    assert isinstance(merged, dict)
    return merged


def _over(below: Any, above: Any) -> Any:
    """Maps are merged, anything else is replaced (these files override no lists)."""
    if not (isinstance(below, dict) and isinstance(above, dict)):
        return above
    merged = below | {key: _over(below.get(key), value) for key, value in above.items()}
    return {key: value for key, value in merged.items() if value is not _RESET}


@dataclass
class Stage:
    """One `FROM` of a Dockerfile; instructions of the stage it builds on come first."""

    base: str
    instructions: list[tuple[str, str]] = field(default_factory=list)

    def all(self, word: str) -> list[str]:
        return [rest for instruction, rest in self.instructions if instruction == word]

    @property
    def command(self) -> list[str]:
        """What a container of it runs."""
        assert not self.all("ENTRYPOINT")
        command = json.loads(self.all("CMD")[-1])
        assert isinstance(command, list)
        return command

    @property
    def copied(self) -> Iterator[str]:
        for rest in self.all("COPY"):
            yield from rest.split()[:-1]


def stages(name: str) -> dict[str, Stage]:
    """Stages of a Dockerfile by name; the last one also under ""."""
    text = re.sub(r"\\\n", " ", (ROOT / name).read_text())
    found: dict[str, Stage] = {}
    current = Stage("")
    for line in text.splitlines():
        if not line or line.startswith("#"):
            continue
        word, rest = line.split(maxsplit=1)
        if word == "FROM":
            base, _, called = rest.partition(" AS ")
            below = found.get(base)
            current = Stage(below.base if below else base, list(below.instructions) if below else [])
            found[called] = current
        else:
            current.instructions.append((word, rest))
    return found | {"": current}

"""What the server may answer, found in its source: every sentence that an error, a note or a reason is made of."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Annotated, Any

from fastapi.routing import APIRoute
from pydantic import TypeAdapter, ValidationError

from api.problems import _HINTS, _WORDS
from api.routes import (
    dead_letters,
    events,
    images,
    jobs,
    library,
    queue,
    reading,
    tokens,
    verification,
    webhooks,
)
from contract import errors
from contract.jobs import JobState
from contract.phrases import Phrase, words_of
from contract.verification import _NAMES

ROOT = Path(__file__).resolve().parents[2]

# Where the words stand among the arguments of what tells somebody something.
_TELLS = {
    **{name: 0 for name, each in vars(errors).items() if isinstance(each, type) and issubclass(each, Exception)},
    **{
        "note": 0,
        "ValueError": 0,
        "HTTPException": 1,
        "_Refused": 1,
        "Fault": 1,
        "problem": 2,
        "_require": 3,
        "_wait": 1,
    },
}
# Modules whose ValueErrors reach no client: they tell whoever runs Darkroom.
_INSIDE = {
    *("archive", "blobs", "chunks", "database", "files", "model", "places", "redis_check", "settings", "transfer"),
    *("outbound", "courier", "metrics", "audit", "deliveries", "decoder_child", "kit"),
}


@cache
def server_says() -> frozenset[str]:
    """Every sentence, in English, with its places."""
    found = {*_WORDS.values(), *_HINTS.values(), *(state.value for state in JobState)}
    for folder in ("api", "contract"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            found |= set(_sentences(path))
    return frozenset(found | pydantic_says()) - {""}


def _sentences(path: Path) -> Iterator[str]:
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            at = _TELLS.get(name)
            inside = path.stem in _INSIDE and name in ("ValueError", "DarkroomError", "note")
            if name == "Phrase" and node.args:
                yield _literal(path, node.args[0])
            elif at is not None and len(node.args) > at and not inside and not (name == "note" and _is_other(node)):
                yield from _words(path, tree, node.args[at])
        elif isinstance(node, ast.Return) and isinstance(node.value, ast.Tuple) and path.stem == "gate":
            yield from _words(path, tree, node.value.elts[1])


def _is_other(call: ast.Call) -> bool:
    """A note that is no draft's: the audit's, the deliveries'."""
    return not isinstance(call.func, ast.Attribute) or ast.unparse(call.func.value) not in ("draft", "self")


def _literal(path: Path, node: ast.expr) -> str:
    assert isinstance(node, ast.Constant), f"{path}:{node.lineno}: a Phrase is written out in its call"
    return str(node.value)


def _words(path: Path, tree: ast.Module, node: ast.expr) -> Iterator[str]:
    """The texts that an expression may be; a name is looked up in its module."""
    where = f"{path}:{node.lineno}"
    assert not isinstance(node, ast.JoinedStr | ast.BinOp), f"{where}: put the values into a Phrase"
    if isinstance(node, ast.Constant) and node.value:
        yield str(node.value)
    elif isinstance(node, ast.IfExp):
        yield from _words(path, tree, node.body)
        yield from _words(path, tree, node.orelse)
    elif isinstance(node, ast.Name):
        for each in ast.walk(tree):
            if isinstance(each, ast.Assign) and any(isinstance(t, ast.Name) and t.id == node.id for t in each.targets):
                yield from _words(path, tree, each.value)


_WRONG: tuple[Any, ...] = (
    *(None, True, -1, 0, 1.5, 3, 2**60, float("nan"), "", "x", "\x00", "\ud800", "x" * 20_000, "9" * 5000),
    *([], {}, [1] * 300, ["x" * 20_000], [{}], {"x": 1}),
)


def pydantic_says() -> set[str]:
    """What pydantic itself says of values that no field takes, tried at every field of every body and query."""
    return set().union(*(_faults(TypeAdapter(taken)) for taken in _taken()))


def _taken() -> Iterator[Any]:
    """The type of every body and every query parameter, with its bounds."""
    for module in (dead_letters, events, images, jobs, library, queue, reading, tokens, verification, webhooks):
        for route in module.router.routes:
            assert isinstance(route, APIRoute)
            for field in (*route.dependant.body_params, *route.dependant.query_params):
                yield Annotated[field.field_info.annotation, "", *field.field_info.metadata]


def _faults(adapter: TypeAdapter[Any]) -> Iterator[str]:
    schema = adapter.json_schema()
    shapes = [schema, *schema.get("$defs", {}).values()]
    tags = [
        shape["properties"]["kind"]["const"]
        for shape in shapes
        if "const" in shape.get("properties", {}).get("kind", {})
    ]
    for name in {name for shape in shapes for name in shape.get("properties", {})}:
        for value in _WRONG:
            for start in [{"kind": tag, "prompt": "", "x": {"field": "steps", "values": "1"}} for tag in tags] or [{}]:
                yield from _of(adapter, {**start, name: value})
                yield from _of(adapter, {**start, "base": {"kind": "txt2img", "prompt": "", name: value}})
                yield from _of(
                    adapter,
                    {**start, **{outer: {name: value} for outer in ("variation", "hires", "extend", "webhook", "x")}},
                )
    for value in _WRONG:
        yield from _of(adapter, value)


def _of(adapter: TypeAdapter[Any], value: object) -> Iterator[str]:
    try:
        adapter.validate_python(value)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False):
            if fault["type"] not in ("value_error", *_WORDS, "union_tag_invalid", "union_tag_not_found"):
                yield Phrase.of(words_of(fault)).sentence


def workers_say() -> set[str]:
    """What workers and the ledger's scripts write of jobs that fail and pictures that differ; places without names."""
    found: set[str] = set()
    for path in (
        *sorted((ROOT / "worker").rglob("*.py")),
        ROOT / "contract/deaths.py",
        ROOT / "contract/verification.py",
    ):
        tree = ast.parse(path.read_text("utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "id", getattr(node.func, "attr", ""))
                at = {"JobFailed": 1, "Failed": 1, "_fail": 2, "Death": 0, "insert": 1}.get(name)
                if at is not None and len(node.args) > at:
                    found |= set(_written(tree, node.args[at]))
            elif path.stem in ("verify", "verification") and isinstance(node, ast.List | ast.ListComp | ast.Return):
                parts = (
                    node.elts
                    if isinstance(node, ast.List)
                    else [node.elt if isinstance(node, ast.ListComp) else node.value]
                )
                found |= {text for part in parts if part for text in _written(tree, part)}
        if path.stem == "verification":
            found |= set(_NAMES.values())
    for path in sorted((ROOT / "contract/lua").glob("*.lua")):
        for line in path.read_text().splitlines():
            if re.search(r"lost\(id|'failed'|local told", line):
                whole = re.sub(r"' \.\. \w+$", "{}'", re.sub(r"' \.\. \w+ \.\. '", "{}", line))
                found |= set(re.findall(r"'([^']+ [^']+)'", whole))
    return found - {"The worker is shutting down.", "PNG", "{} x {}"}  # these end no job, or are no words


def _written(tree: ast.Module, node: ast.expr) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        yield node.value
    elif isinstance(node, ast.JoinedStr):
        yield "".join(str(part.value) if isinstance(part, ast.Constant) else "{}" for part in node.values)
    elif isinstance(node, ast.IfExp):
        yield from _written(tree, node.body)
        yield from _written(tree, node.orelse)
    elif isinstance(node, ast.Name):
        for each in ast.walk(tree):
            if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == node.id:
                yield from _written(tree, each.value)


def as_pattern(sentence: str) -> re.Pattern[str]:
    """What a sentence may look like with its values."""
    return re.compile(
        "".join(".*" if part % 2 else re.escape(text) for part, text in enumerate(re.split(r"\{(\w+)\}", sentence))),
        re.DOTALL,
    )

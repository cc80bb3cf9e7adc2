"""Arrows between the folders point one way, modules make no cycles, and the api does without torch."""

import ast
import os
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent

# Who may import whom.
ARROWS = {
    "contract": set(),
    "web": {"contract"},
    "api": {"contract", "web"},
    "worker": {"contract"},
    "cli": {"contract"},
}
WORKER_ARROWS = {  # rooms of the worker; what stands beside them (tasks, prepare) is above them
    "engine": {"models", "text"},
    "text": {"models"},
    "models": set(),
}
WITHOUT = {  # what a folder may not import from outside
    "contract": {"torch", "diffusers", "transformers", "fastapi"},
    "web": {"torch", "diffusers", "transformers"},
    "api": {"torch", "diffusers", "transformers"},
    "cli": {"torch", "diffusers", "transformers"},
    "worker.engine": {"celery", "kombu", "redis", "fastapi"},
}

FILES = {
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__"): path
    for folder in ARROWS
    for path in sorted((ROOT / folder).rglob("*.py"))
}


def imports(module: str) -> Iterator[str]:
    """Full names of what a module imports, wherever in it: `from a import b` gives a and a.b."""
    for node in ast.walk(ast.parse(FILES[module].read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: imports are written in full"
            assert node.module
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


IMPORTS = {module: set(imports(module)) for module in FILES}


def roots(module: str) -> set[str]:
    return {name.partition(".")[0] for name in IMPORTS[module]}


def test_the_walk_sees_the_project() -> None:
    assert {"contract.store", "api.main", "web.pages", "worker.engine.engine"} <= set(FILES)
    assert {"contract.store", "contract.store.JobStore", "fastapi"} <= IMPORTS["api.routes.jobs"]


def test_arrows_between_folders() -> None:
    for module in FILES:
        home = module.partition(".")[0]
        assert roots(module) & {*ARROWS, "tests", "bench"} <= ARROWS[home] | {home}, module


def test_arrows_inside_the_worker() -> None:
    for room, allowed in WORKER_ARROWS.items():
        for module in FILES:
            if module.startswith(f"worker.{room}"):
                found = {name.split(".")[1] for name in IMPORTS[module] if name.startswith("worker.")}
                assert found <= allowed | {room}, module


def test_what_a_folder_does_without() -> None:
    for folder, forbidden in WITHOUT.items():
        for module in FILES:
            if module.startswith(folder):
                assert not roots(module) & forbidden, module


def test_no_cycles() -> None:
    """Nor any that an import inside a function would hide."""
    graph = {module: (found & set(FILES)) - {module} for module, found in IMPORTS.items()}
    TopologicalSorter(graph).prepare()  # raises CycleError and names the modules


BLOCKED = """
import sys
for name in ("torch", "diffusers", "transformers"):
    sys.modules[name] = None  # importing it raises
import {modules}
"""


def without_torch(modules: str) -> None:
    code, environment = BLOCKED.format(modules=modules), {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_the_api_starts_without_torch_and_celery() -> None:
    strangers = "[name for name in sys.modules if name.split('.')[0] in ('worker', 'celery', 'kombu')]"
    without_torch(f"api.main, cli.main\nassert not {strangers}")


def test_the_process_around_a_worker_knows_no_torch() -> None:
    """tests/chaos runs it with a workshop of its own."""
    without_torch("worker.main")

"""Rules that the code keeps: nothing that runs what it reads, in any module of the product."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FOLDERS = ("api", "bench", "cli", "contract", "web", "worker")
MODULES = sorted(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))

IMPORTS = {"pickle", "cPickle", "dill", "cloudpickle", "joblib", "shelve", "marshal", "imp"}
CALLS = {
    "eval", "exec", "compile", "__import__", "torch.load", "torch.jit.load", "torch.export.load", "yaml.load",
    "yaml.unsafe_load", "yaml.full_load", "os.system", "os.popen", "numpy.load", "np.load",
}  # fmt: skip
WORDS = {"trust_remote_code", "custom_pipeline", "allow_pickle"}  # as arguments of a call, whatever their value
MAY = {  # module → what it may do, and why
    "worker/training/evaluation/painter.py": {"np.load"},  # numpy's own format: allow_pickle is off unless asked for
}


def dotted(node: ast.expr) -> str:
    """`a.b.c` as text; "" for anything else."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (before := dotted(node.value)):
        return f"{before}.{node.attr}"
    return ""


def faults(source: str) -> Iterator[str]:
    """What a module does that none may."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name.partition(".")[0] in IMPORTS)
        elif isinstance(node, ast.ImportFrom) and node.module:
            if node.module.partition(".")[0] in IMPORTS:
                yield node.module
            full = {f"{node.module}.{alias.name}" for alias in node.names}
            yield from full & CALLS
        elif isinstance(node, ast.Call):
            if (called := dotted(node.func)) in CALLS:
                yield called
            yield from (word.arg for word in node.keywords if word.arg in WORDS)
            if any(word.arg == "shell" and dotted(word.value) != "False" for word in node.keywords):
                yield "shell"


@pytest.mark.parametrize("module", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_no_module_runs_what_it_reads(module: Path) -> None:
    allowed = MAY.get(str(module.relative_to(ROOT)), set())
    assert set(faults(module.read_text("utf-8"))) <= allowed


@pytest.mark.parametrize(
    "source",
    [
        "import pickle", "from pickle import loads", "import torch\ntorch.load('x', weights_only=True)", "eval('1')",
        "exec('1')", "import yaml\nyaml.load(x)", "from yaml import load", "f(trust_remote_code=False)",
        "f(custom_pipeline='x')", "from torch import load", "import subprocess\nsubprocess.run('x', shell=True)",
        "np.load(x, allow_pickle=True)",
    ],
)  # fmt: skip
def test_the_rule_sees_what_it_is_for(source: str) -> None:
    assert list(faults(source))


def test_bandit_finds_nothing() -> None:
    bandit = str(Path(sys.executable).with_name("bandit"))
    folders = [str(ROOT / folder) for folder in FOLDERS]
    argv = [bandit, "--quiet", "--recursive", "--configfile", str(ROOT / "pyproject.toml"), *folders]
    found = subprocess.run(argv, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout

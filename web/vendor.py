"""Copies third-party browser files into this repository: `python -m web.vendor`. Needs npm; Darkroom itself does not.

package-lock.json pins every version by hash, no package's own scripts are run, and manifest.json records what was
copied, so that a test can tell an edited file from a vendored one.
"""

import hashlib
import json
import shutil
import subprocess
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

WEB = Path(__file__).resolve().parent
ROOT = WEB.parent
MANIFEST = WEB / "static" / "vendor" / "manifest.json"

# package → (folder in this repository, files to take)
WANTED = {
    "swagger-ui-dist": (
        "web/static/vendor/swagger-ui",
        ("swagger-ui-bundle.js", "swagger-ui.css", "LICENSE", "NOTICE"),
    ),
    "axe-core": ("tests/web/vendor/axe-core", ("axe.min.js", "LICENSE")),
}


@dataclass(frozen=True)
class Vendored:
    """One package as it was copied. `files`: path from the repository's root → SHA-256."""

    name: str
    version: str
    licence: str
    files: dict[str, str]


def copy(package: Path, folder: str, names: tuple[str, ...]) -> Vendored:
    """Copy some files of an unpacked package, and say what they are."""
    about = json.loads((package / "package.json").read_text())
    (ROOT / folder).mkdir(parents=True, exist_ok=True)
    files = {}
    for name in names:
        target = f"{folder}/{name}"
        shutil.copyfile(package / name, ROOT / target)
        files[target] = hashlib.sha256((ROOT / target).read_bytes()).hexdigest()
    return Vendored(about["name"], about["version"], about["license"], files)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("package.json", "package-lock.json"):
            shutil.copy(WEB / name, scratch)
        subprocess.run(["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"], cwd=scratch, check=True)
        modules = Path(scratch) / "node_modules"
        vendored = [asdict(copy(modules / name, *what)) for name, what in WANTED.items()]
    MANIFEST.write_text(json.dumps(vendored, indent=2) + "\n")


if __name__ == "__main__":
    main()

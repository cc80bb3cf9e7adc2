"""Vendored files are what their packages hold, by version and hash."""

import hashlib
import json
from pathlib import Path

from web.vendor import MANIFEST, ROOT, WANTED, WEB


def test_every_vendored_file_has_its_hash_and_no_other_file_is_there() -> None:
    listed = {name: sha for package in json.loads(MANIFEST.read_text()) for name, sha in package["files"].items()}
    for name, sha in listed.items():
        assert hashlib.sha256((ROOT / name).read_bytes()).hexdigest() == sha, name
    folders = {folder for folder, _ in WANTED.values()}
    there = {str(p.relative_to(ROOT)) for folder in folders for p in (ROOT / folder).rglob("*") if p.is_file()}
    assert there == set(listed)


def test_manifest_lock_and_package_agree() -> None:
    package = json.loads((WEB / "package.json").read_text())
    asked = {**package["dependencies"], **package["devDependencies"]}
    wanted = {name: asked[name] for name in WANTED}  # TypeScript is run, not copied
    lock = json.loads((WEB / "package-lock.json").read_text())["packages"]
    manifest = json.loads(MANIFEST.read_text())
    assert {each["name"]: each["version"] for each in manifest} == wanted
    for each in manifest:
        locked = lock[f"node_modules/{each['name']}"]
        assert (locked["version"], locked["license"]) == (each["version"], each["licence"])
        assert locked["integrity"].startswith("sha512-")
        assert any(Path(name).name == "LICENSE" for name in each["files"])


def test_the_lock_names_no_host() -> None:
    assert "://" not in (WEB / "package-lock.json").read_text()

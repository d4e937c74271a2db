"""The bill of materials, the hashes of the pins and the wheel are made from the tree, the same each time."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from supply import audit, hashes, pins, sbom
from tests.support.paths import ROOT

BUILT = (
    "deeprnn_edge",
    "export",
    "pyproject.toml",
    "README.md",
    "LICENSE",
    "LICENCES.md",
    "sbom.cdx.json",
    ".gitignore",
)


def test_the_bill_is_that_of_the_tree() -> None:
    assert sbom.SBOM.read_text(encoding="utf-8") == sbom.make_sbom(), "run: python -m supply.sbom"
    bill = json.loads(sbom.make_sbom())
    names = {one["name"] for one in bill["components"]}
    assert set(pins.read_requirements()) <= names
    references = [bill["metadata"]["component"]["bom-ref"], *(one["bom-ref"] for one in bill["components"])]
    assert len(set(references)) == len(references)
    assert {reference for one in bill["dependencies"] for reference in one["dependsOn"]} <= set(references)
    required = {one["name"] for one in bill["components"] if one.get("scope") == "required"}
    assert required == {"numpy", "onnxruntime", "click"}
    for one in bill["components"]:
        if one["type"] == "data":
            content = (ROOT / "export" / one["name"]).read_bytes()
            assert one["hashes"] == [{"alg": "SHA-256", "content": hashlib.sha256(content).hexdigest()}]
    carried = {path.name for path in (ROOT / "export/deeprnn_export/datasets/data").glob("*.npz")}
    assert {Path(one["name"]).name for one in bill["components"] if one["type"] == "data"} == carried


def test_a_changed_tree_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sbom, "read_pins", lambda: {**pins.read_pins(), "numpy": "0.0.1"})
    assert sbom.main(["--check"]) == 1


def test_every_pin_has_hashes_and_no_address() -> None:
    assert hashes.main(["--check"]) == 0
    assert "//" not in hashes.HASHES.read_text(encoding="utf-8")
    assert "--hash" not in pins.PINS.read_text(encoding="utf-8")  # it is a constraint, which pip takes no hashes in


def test_a_hash_that_is_missing_and_an_address_are_noticed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lines = hashes.HASHES.read_text(encoding="utf-8").splitlines()
    monkeypatch.setattr(hashes, "HASHES", tmp_path / "hashes.txt")
    hashes.HASHES.write_text("\n".join(line for line in lines if not line.startswith("numpy==")))
    assert hashes.main(["--check"]) == 1
    hashes.HASHES.write_text("\n".join(["--index-url elsewhere", *lines]))
    with pytest.raises(ValueError, match="neither a version nor a hash"):
        hashes.read_hashes()


def test_an_audit_names_holes_and_says_what_it_skipped() -> None:
    whole = {"name": "a", "version": "1", "vulns": []}
    hole = {"name": "b", "version": "2", "vulns": [{"id": "CVE-1", "fix_versions": ["3"]}]}
    skipped = {"name": "c", "skip_reason": "not found"}
    assert audit.judge(json.dumps({"dependencies": [whole]})) == ([], "")
    assert audit.judge(json.dumps({"dependencies": [whole, hole, skipped]})) == (
        ["b 2: CVE-1, mended in 3", "c: not looked at: not found"],
        "",
    )
    assert audit.judge(json.dumps({"dependencies": [skipped]}))[1]
    assert audit.judge("Traceback")[1]


def test_the_same_tree_gives_the_same_bytes(tmp_path: Path) -> None:
    made = []
    for number, mask in enumerate((0o022, 0o077)):
        tree = tmp_path / f"tree{number}"
        tree.mkdir()
        for name in BUILT:
            if (ROOT / name).is_dir():
                shutil.copytree(ROOT / name, tree / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copyfile(ROOT / name, tree / name)
        for path in tree.rglob("*"):
            os.utime(path, (10**9 * (number + 1),) * 2)
            path.chmod(path.stat().st_mode & ~mask)
        words = [
            sys.executable,
            "-m",
            "hatchling",
            "build",
            "-t",
            "wheel",
            "-t",
            "sdist",
            "-d",
            str(tmp_path / f"{number}"),
        ]
        subprocess.run(words, cwd=tree, check=True, capture_output=True)
        made.append({path.name: path.read_bytes() for path in (tmp_path / f"{number}").iterdir()})
    assert made[0] == made[1]
    (wheel,) = (name for name in made[0] if name.endswith(".whl"))
    with zipfile.ZipFile(tmp_path / "0" / wheel) as archive:
        (inside,) = (name for name in archive.namelist() if "/sboms/" in name)
        assert archive.read(inside) == sbom.SBOM.read_bytes()

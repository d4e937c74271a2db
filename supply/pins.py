"""Read what pyproject.toml asks for and what pins.txt was tested with."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PINS = ROOT / "pins.txt"
THE_DEVICE = "the device"


def read_project() -> dict[str, Any]:
    """Return the table ``project`` of pyproject.toml."""
    project: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return project


def read_pins() -> dict[str, str]:
    """Return the version of each pinned package by its canonical name, in their order."""
    lines = PINS.read_text(encoding="utf-8").splitlines()
    pairs = (line.split("==") for line in lines if line and not line.startswith("#"))
    return {canonicalize_name(name): version for name, version in pairs}


def read_requirements() -> dict[str, tuple[str, list[str]]]:
    """Return of each direct dependency what is asked of its version, and what it is installed for."""
    project, found = read_project(), dict[str, tuple[str, list[str]]]()
    for extra, lines in {THE_DEVICE: project["dependencies"], **project["optional-dependencies"]}.items():
        for line in lines:
            one = Requirement(line)
            found.setdefault(canonicalize_name(one.name), (str(one.specifier), []))[1].append(extra)
    return found


def read_licences() -> dict[str, str]:
    """Return the licence of each direct dependency, as LICENCES.md has it in its table."""
    page = (ROOT / "LICENCES.md").read_text(encoding="utf-8")
    found = re.search(r"<!-- dependencies -->\n.*?\n.*?\n(.*?)<!-- end -->", page, re.DOTALL)
    rows = [] if found is None else [line.strip("| ").split(" | ") for line in found[1].splitlines()]
    return {canonicalize_name(name): licence for name, _, licence in rows}

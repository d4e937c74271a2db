"""LICENCES.md names what is shipped and installed, with the licences that the packages themselves state."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.support.paths import ROOT

PAGE = (ROOT / "LICENCES.md").read_text(encoding="utf-8")
PACKAGES = {"deeprnn_edge": ROOT / "deeprnn_edge", "deeprnn_export": ROOT / "export" / "deeprnn_export"}
# Sources and pages of our own; any other file could hold something of someone else.
OURS = {".py", ".h", ".js", ".css", ".html", ".md", ".typed"}
OUR_FOLDERS = {"__pycache__", "templates"}


def listed() -> dict[str, tuple[str, str]]:
    """What the table of dependencies says: a package's extras, and its licence."""
    found = re.search(r"<!-- dependencies -->\n.*?\n.*?\n(.*?)<!-- end -->", PAGE, re.DOTALL)
    assert found is not None
    rows = (line.strip("| ").split(" | ") for line in found[1].splitlines())
    return {package: (extras, licence) for package, extras, licence in rows}


def required() -> dict[str, list[str]]:
    """Every direct dependency, with what it is installed for, in the order of pyproject.toml."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    found: dict[str, list[str]] = {}
    for extra, lines in {"the device": project["dependencies"], **project["optional-dependencies"]}.items():
        for line in lines:
            found.setdefault(Requirement(line).name, []).append(extra)
    return found


def stated(package: str) -> str:
    """A package's licence in its own words: the expression, else a licence of one line, else the classifiers."""
    about = importlib.metadata.metadata(package)
    if "License-Expression" in about:
        return str(about["License-Expression"])
    if "License" in about and "\n" not in about["License"]:
        return str(about["License"])
    classifiers = about.get_all("Classifier") or []
    return ", ".join(line.rsplit(" :: ", 1)[1] for line in classifiers if line.startswith("License :: "))


def test_every_direct_dependency_is_listed_with_its_extras() -> None:
    expected = {package: ", ".join(extras) for package, extras in required().items()}
    assert {package: extras for package, (extras, _) in listed().items()} == expected


@pytest.mark.parametrize("package", listed())
def test_the_licence_is_the_one_that_the_package_states(package: str) -> None:
    try:
        licence = stated(package)
    except importlib.metadata.PackageNotFoundError:
        pytest.skip(f"{package} is not installed; its licence is read from its metadata")
    assert licence
    assert listed()[package][1] == licence


def test_every_file_of_the_package_that_is_no_source_is_listed() -> None:
    files = {
        f"{name}/{path.relative_to(folder).as_posix()}"
        for name, folder in PACKAGES.items()
        for path in folder.rglob("*")
        if path.is_file() and path.suffix not in OURS and not OUR_FOLDERS.intersection(path.parts)
    }
    assert set(re.findall(r"^\| `(deeprnn_\S+)` \|", PAGE, re.MULTILINE)) == files


def test_the_page_of_web_has_the_licence_of_the_runtime_that_it_ships() -> None:
    wheel = Path(str(importlib.metadata.distribution("onnxruntime").locate_file("onnxruntime/LICENSE")))
    words = (PACKAGES["deeprnn_edge"] / "web" / "assets" / "runtime-license.txt").read_text(encoding="utf-8").split()
    notice = wheel.read_text(encoding="utf-8").split()[2:]  # behind its title "MIT License"
    assert notice[0] == "Copyright"
    assert " ".join(notice) in " ".join(words)


def test_the_package_states_its_own_licence() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert project["license"] == "MIT"
    assert (ROOT / "LICENSE").read_text(encoding="utf-8").startswith("MIT License\n")

"""Look up where the runtimes have wheels: ``python benchmarks/platforms/wheels.py``.

For the lowest and the newest version that ``pyproject.toml`` allows of each, by system and Python version, from the
package index that pip is set up for. And the wheels that pip takes for the device half, TFLite included, on 64-bit ARM
where nothing may be compiled. Writes ``results/wheels.json``.
"""

from __future__ import annotations

import datetime
import json
import re
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.tags import Tag, cpython_tags
from packaging.utils import parse_wheel_filename
from packaging.version import Version

from benchmarks.paths import ROOT
from deeprnn_edge.files.atomic_write import write_output

RESULT = ROOT / "benchmarks" / "results" / "wheels.json"
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PACKAGES = ("onnxruntime", "ai-edge-litert", "numpy")
# The platform's tag, with the two numbers of the oldest system that it runs on, and what these number.
SYSTEMS = {
    "Linux, x86-64": (r"manylinux_(\d+)_(\d+)_x86_64", "glibc"),
    "Linux, 64-bit ARM": (r"manylinux_(\d+)_(\d+)_aarch64", "glibc"),
    "Linux, 32-bit ARM": (r"manylinux_(\d+)_(\d+)_armv7l", "glibc"),
    "Alpine, x86-64": (r"musllinux_(\d+)_(\d+)_x86_64", "musl"),
    "Alpine, 64-bit ARM": (r"musllinux_(\d+)_(\d+)_aarch64", "musl"),
    "macOS, Apple silicon": (r"macosx_(\d+)_(\d+)_(?:arm64|universal2)", "macOS"),
    "macOS, Intel": (r"macosx_(\d+)_(\d+)_(?:x86_64|universal2)", "macOS"),
    "Windows, x86-64": (r"win_amd64()()", ""),
    "Windows, ARM": (r"win_arm64()()", ""),
}
# pip takes the tags as they are and does not derive the older ones from the newest.
AARCH64 = [f"manylinux_2_{minor}_aarch64" for minor in range(28, 16, -1)] + ["manylinux2014_aarch64"]

Wheels = dict[Version, set[Tag]]


def main() -> None:
    """Look up and write."""
    requirements = read_requirements()
    result = {
        "format_version": 1,
        "what": "wheels on the package index, by system: the Python versions that have one, and the oldest system for "
        "all of them; newest and lowest of the versions that pyproject.toml allows, and any of them",
        "date": datetime.datetime.now(datetime.UTC).date().isoformat(),
        "pythons": list(PYTHONS),
        "packages": {name: describe(list_wheels(name), requirements[name]) for name in PACKAGES},
        "device_on_64_bit_arm": {python: resolve(python, requirements.values()) for python in PYTHONS},
    }
    write_output(RESULT, json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=1))


def read_requirements() -> dict[str, Requirement]:
    """Return what the device half with TFLite requires, by name."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    listed = [*project["dependencies"], *project["optional-dependencies"]["tflite"]]
    return {one.name: one for one in map(Requirement, listed)}


def list_wheels(package: str) -> Wheels:
    """Return the tags of all wheels of a package, by version."""
    # One call for all systems: so verbose, pip names every file of the index, also those that do not fit this machine.
    command = ["index", "versions", package, "-vv", "--disable-pip-version-check"]
    done = subprocess.run([sys.executable, "-m", "pip", *command], check=True, capture_output=True, text=True)
    wheels: Wheels = {}
    for filename in set(re.findall(rf"/({package.replace('-', '_')}-[^\s/]+\.whl)", done.stdout + done.stderr)):
        _, version, _, tags = parse_wheel_filename(filename)
        wheels.setdefault(version, set()).update(tags)
    return wheels


def describe(wheels: Wheels, requirement: Requirement) -> dict[str, Any]:
    """Tell lowest and newest allowed version, and by system which Pythons have a wheel of them, and of any."""
    allowed = sorted(requirement.specifier.filter(wheels, prereleases=False))
    chosen = {"lowest": allowed[:1], "newest": allowed[-1:], "any": allowed}
    return {
        "lowest": str(allowed[0]),
        "newest": str(allowed[-1]),
        "systems": {
            system: {
                name: find_pythons((tag for version in versions for tag in wheels[version]), *pattern)
                for name, versions in chosen.items()
            }
            for system, pattern in SYSTEMS.items()
        },
    }


def find_pythons(tags: Iterable[Tag], platform: str, numbered: str) -> dict[str, Any]:
    """Find the Python versions that one of the tags fits, and the oldest system with a wheel for each."""
    oldest: dict[str, tuple[int, ...]] = {}
    for tag in tags:
        if found := re.fullmatch(platform, tag.platform):
            numbers = tuple(int(number) for number in found.groups() if number)
            for python in PYTHONS:
                if _fits(tag, python):
                    oldest[python] = min(numbers, oldest.get(python, numbers))
    needs = f"{numbered} {'.'.join(map(str, max(oldest.values())))}" if numbered and oldest else None
    return {"pythons": sorted(oldest), "needs": needs}


def resolve(python: str, requirements: Iterable[Requirement]) -> list[str]:
    """Return the wheels that pip takes for a 64-bit ARM board. Raises CalledProcessError where one is missing."""
    with tempfile.TemporaryDirectory() as folder:
        # Not `install --dry-run`: pip 23.2 holds Requires-Python against its own Python there, not the one asked for.
        command = ["download", "--quiet", "--only-binary=:all:", "--python-version", python, "--dest", folder]
        command += [*(f"--platform={one}" for one in AARCH64), "--disable-pip-version-check"]
        subprocess.run([sys.executable, "-m", "pip", *command, *map(str, requirements)], check=True)
        return sorted(path.name for path in Path(folder).iterdir())


def _fits(tag: Tag, python: str) -> bool:
    numbers = tuple(map(int, python.split(".")))
    return tag in cpython_tags(numbers, abis=[f"cp{python.replace('.', '')}"], platforms=[tag.platform])


if __name__ == "__main__":
    main()

"""Write the bill of materials that goes into the wheel: ``python -m supply.sbom``, or with ``--check`` hold it.

CycloneDX 1.6 as JSON: the project, every direct dependency with the range that is asked for and the version that it was
tested with, and the data of others that the wheel carries, with their hashes. What those depend on in turn is their own
to say, and pins.txt has it for the tests. It is made from pyproject.toml, pins.txt and LICENCES.md alone, so that the
same tree gives the same bytes.
"""

from __future__ import annotations

import hashlib
import json
import sys
import uuid
from pathlib import Path
from typing import Any

from supply.pins import ROOT, THE_DEVICE, read_licences, read_pins, read_project, read_requirements

SBOM = ROOT / "sbom.cdx.json"
_DATA = ROOT / "export" / "deeprnn_export" / "datasets" / "data"
# The data sets of others: licence and origin, as PROVENANCE.md beside them tells at length.
_CARRIED = {
    "reviews.npz": ("MIT", "movie reviews from the source distribution of vaderSentiment 3.3.2"),
    "vowels.npz": ("BSD-3-Clause", "Japanese Vowels from the wheel of sktime 1.2.0"),
}
_IDENTITY = uuid.UUID(
    "1f6f3c1e-7a6e-5c1c-9d0e-2b6a7e0f4d11"
)  # of this project's bills: a number is made from their content


def make_sbom() -> str:
    """Return the bill as JSON text."""
    project, requirements = read_project(), read_requirements()
    pins, licences = read_pins(), read_licences()
    name, version = project["name"], project["version"]
    itself = f"pkg:pypi/{name}@{version}"
    components = [
        _dependency(one, *requirements[one], pins.get(one), licences.get(one)) for one in sorted(requirements)
    ]
    bill: dict[str, Any] = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": {
            "component": {
                "type": "library",
                "bom-ref": itself,
                "name": name,
                "version": version,
                "description": project["description"],
                "licenses": [{"license": {"id": project["license"]}}],
                "purl": itself,
            }
        },
        "components": [*components, *(_data(file, *told) for file, told in sorted(_CARRIED.items()))],
        "dependencies": [{"ref": itself, "dependsOn": sorted(one["bom-ref"] for one in components)}],
    }
    number = uuid.uuid5(_IDENTITY, json.dumps(bill, sort_keys=True))
    return json.dumps({"serialNumber": f"urn:uuid:{number}", **bill}, indent=2, ensure_ascii=False) + "\n"


def main(words: list[str]) -> int:
    """Write the file, or compare it; return the exit code."""
    made = make_sbom()
    if words != ["--check"]:
        SBOM.write_text(made, encoding="utf-8")
        return 0
    if SBOM.is_file() and SBOM.read_text(encoding="utf-8") == made:
        return 0
    sys.stderr.write(f"{SBOM.name} is not what pyproject.toml, pins.txt and LICENCES.md say: python -m supply.sbom\n")
    return 1


def _dependency(name: str, asked: str, extras: list[str], pinned: str | None, licence: str | None) -> dict[str, Any]:
    purl = f"pkg:pypi/{name}" + (f"@{pinned}" if pinned else "")
    told = {"asked-for": asked, "installed-for": ", ".join(extras)}
    return {
        "type": "library",
        "bom-ref": purl,
        "name": name,
        **({"version": pinned} if pinned else {}),
        "scope": "required" if THE_DEVICE in extras else "optional",
        **({"licenses": [{"license": {"name": licence}}]} if licence else {}),
        "purl": purl,
        "properties": [{"name": f"deeprnn-edge:{key}", "value": value} for key, value in told.items()],
    }


def _data(name: str, licence: str, origin: str) -> dict[str, Any]:
    path = _DATA / name
    return {
        "type": "data",
        "bom-ref": f"data:{name}",
        "name": path.relative_to(ROOT / "export").as_posix(),
        "description": origin,
        "hashes": [{"alg": "SHA-256", "content": hashlib.sha256(Path(path).read_bytes()).hexdigest()}],
        "licenses": [{"license": {"id": licence}}],
    }


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

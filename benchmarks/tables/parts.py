"""Hold what tables are made with: the results, Markdown, and the line on the machine."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from benchmarks.paths import RESULTS


def read(name: str) -> Any:
    """Read a result by its name."""
    return json.loads((RESULTS / f"{name}.json").read_text(encoding="utf-8"))


def describe_machine(result: Mapping[str, Any], versions: Mapping[str, str] | None = None) -> str:
    """Say where a result was measured, with which versions: of the packages of most benchmarks, or these."""
    machine, cpu = result["machine"], result["machine"]["cpu"]
    if versions is None:
        names = ("tensorflow", "keras", "onnxruntime", "ai-edge-litert")
        versions = {name: machine["packages"][name] for name in names}
    told = ", ".join(f"{name} {version}" for name, version in versions.items())
    return f"Measured on: {cpu['model']}, {cpu['logical_cores']} cores, {machine['python']}, {told}."


def markdown(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """Make a table."""
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(map(str, line)) + " |" for line in lines)

"""Write and read what a run leaves behind: its JSON."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.peers.growth import fit_growth
from benchmarks.peers.measuring import Row
from benchmarks.peers.workloads import Workload
from deeprnn_edge.errors import InputError

FORMAT_VERSION = 1


def describe(workload: Workload, rows: Sequence[Row]) -> dict[str, Any]:
    """Describe a workload and its rows, ready for JSON."""
    network = workload.network
    return {
        "name": workload.name,
        "title": workload.title,
        "group": workload.group,
        "cell": network.cell,
        "units": network.units,
        "steps": network.steps,
        "batch": workload.batch,
        "threads": workload.threads,
        "masked": network.masked,
        "lengths": workload.lengths,
        "inputs": "tokens" if network.features is None else "features",
        "contenders": [dataclasses.asdict(row) for row in rows],
    }


def encode(result: Mapping[str, Any]) -> str:
    """Encode the result as JSON, a line for each entry of a workload and for each slope: a diff shows rows."""
    lists = {
        "workloads": [
            f'{json.dumps(one)[:-1]}, "contenders": {_lines(rows)}}}'
            for workload in _rounded(result["workloads"])
            for rows in [map(json.dumps, workload["contenders"])]
            for one in [{name: value for name, value in workload.items() if name != "contenders"}]
        ],
        "growth": [json.dumps(one) for one in _rounded(result["growth"])],
    }
    head = json.dumps({name: value for name, value in result.items() if name not in lists}, indent=1)
    parts = [head.removesuffix("\n}"), *(f'"{name}": {_lines(rows)}' for name, rows in lists.items())]
    return ",\n".join(parts) + "\n}\n"


def read_result(path: Path) -> dict[str, Any]:
    """Read a result as it was written. Raises InputError for another file, or one of another format version."""
    try:
        result: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        version, _ = result["format_version"], result["workloads"]
    except (OSError, ValueError, LookupError, TypeError) as error:
        raise InputError(f"{path} is no result of compare_peers: {error}; measure again") from error
    if version != FORMAT_VERSION:
        raise InputError(f"{path} has format_version {version}, this reads {FORMAT_VERSION}; measure again")
    return result


def replaced(result: Mapping[str, Any], again: Mapping[str, Any]) -> dict[str, Any]:
    """Return the result with the workloads of ``again`` in the place of its own."""
    new = {one["name"]: one for one in again["workloads"]}
    workloads = [new.get(one["name"], one) for one in result["workloads"]]
    seconds = result["seconds"] + again["seconds"]
    return {**result, "seconds": seconds, "workloads": workloads, "growth": fit_growth(workloads)}


def _lines(rows: Iterable[str]) -> str:
    return "[\n" + ",\n".join(rows) + "\n]"


def _rounded(value: Any) -> Any:
    """Round floats to six digits, which no clock exceeds."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {name: _rounded(one) for name, one in value.items()}
    return [_rounded(one) for one in value] if isinstance(value, list | tuple) else value

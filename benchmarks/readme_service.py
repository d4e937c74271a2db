"""The README's table of the service under load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.readme_parts import markdown, read


def service(result: dict[str, Any]) -> str:
    """Predictions a second, latencies and errors by the number of clients."""
    rows = [
        [
            row["clients"],
            f"{row['predictions_per_second']:,.0f}",
            *(f"{row[name]:.1f} ms" for name in ("p50_ms", "p95_ms", "p99_ms")),
            f"{sum(row['errors'].values())} of {row['predictions'] + sum(row['errors'].values()):,}",
        ]
        for row in result["rows"]
    ]
    machine = result["machine"]
    versions = {"onnxruntime": machine["packages"]["onnxruntime"]} | result["server"]
    parts = [
        machine["cpu"]["model"],
        f"{machine['cpu']['logical_cores']} cores",
        machine["python"],
        *(f"{name} {version}" for name, version in versions.items() if version),
    ]
    header = ["clients", "predictions a second", "p50", "p95", "p99", "errors"]
    return markdown(header, rows) + f"\n\nMeasured on: {', '.join(parts)}."


SERVICE_TABLES: dict[str, Callable[[], str]] = {"service": lambda: service(read("service"))}

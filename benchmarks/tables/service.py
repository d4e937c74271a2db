"""Make the table of the service under load."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from benchmarks.tables.parts import describe_machine, markdown, read


def service(result: dict[str, Any]) -> str:
    """Tabulate predictions a second, latencies and errors by the number of clients."""
    rows = [
        [
            row["clients"],
            f"{row['predictions_per_second']:,.0f}",
            *(f"{row[name]:.1f} ms" for name in ("p50_ms", "p95_ms", "p99_ms")),
            f"{sum(row['errors'].values())} of {row['predictions'] + sum(row['errors'].values()):,}",
        ]
        for row in result["rows"]
    ]
    server = {name: version for name, version in result["server"].items() if version}
    versions = {"onnxruntime": result["machine"]["packages"]["onnxruntime"]} | server
    header = ["clients", "predictions a second", "p50", "p95", "p99", "errors"]
    return markdown(header, rows) + "\n\n" + describe_machine(result, versions)


SERVICE_TABLES: dict[str, Callable[[], str]] = {"service": lambda: service(read("service"))}

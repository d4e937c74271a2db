"""Make the tables of exactness: architectures at random, and the conformance suite by every route."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.tables.parts import describe_machine, markdown, read


def random() -> str:
    """Tabulate the random architectures."""
    result = read("random_architectures")
    rows = [
        [
            {"onnx": "ONNX", "tflite": "TFLite"}[kind],
            *(f"{counts[name]:,}" for name in ("exact", "refused", "wrong", "error")),
            f"{counts['exact_without_loops'] / result['count']:.0%}",
            f"{counts['largest_difference']:.1e}",
        ]
        for kind, counts in result["formats"].items()
    ]
    header = ["format", "exact", "refused", "silently wrong", "error", "exact without a loop", "largest difference"]
    return markdown(header, rows) + f"\n\n{result['count']:,} architectures, seed {result['seed']}."


def broad() -> str:
    """Tabulate the conformance suite's models by every route."""
    result = read("broad_set")
    rows = []
    for route, outcomes in result["routes"].items():
        right, looped = outcomes.get("right", 0), outcomes.get("right, with a Loop", 0)
        others = sorted(
            ((count, outcome) for outcome, count in outcomes.items() if not outcome.startswith("right")), reverse=True
        )
        plain = f"{right} ({right / result['count']:.0%})" if route.endswith("ONNX") else "–"
        rest = ", ".join(f"{count} {outcome}" for count, outcome in others) or "none"
        rows.append([route, f"{right + looped} ({(right + looped) / result['count']:.0%})", plain, rest])
    header = [f"of {result['count']} models", "right", "right, and without a Loop", "the others"]
    return markdown(header, rows) + "\n\n" + describe_machine(result)


EXACTNESS_TABLES: dict[str, Callable[[], str]] = {"random": random, "broad": broad}

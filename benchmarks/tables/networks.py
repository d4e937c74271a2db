"""Make the tables of larger networks, and of what the device half adds to a call."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.tables.parts import describe_machine, markdown, read


def networks() -> str:
    """Tabulate bidirectional and large networks against Keras's ONNX export."""
    result = read("compare_networks")
    rows = [
        [
            row["network"].replace(" x ", " × ") + (", masked" if row["masked"] else ""),
            row["cell"],
            f"{row['steps']:,}",
            ", ".join(f"{name} {count}" for name, count in row["ours_recurrent"].items()),
            f"{row['ours_p50_us']:,.0f} µs",
            f"{row['peer_p50_us']:,.0f} µs",
            f"**{row['speedup']:.1f}×**" if row["speedup"] >= 2 else f"**{row['speedup']:.2f}×**",
            f"{row['export_seconds']:.1f} s",
        ]
        for row in result["rows"]
    ]
    header = ["network", "cell", "steps", "nodes", "deeprnn-edge", "Keras export", "faster", "export and check"]
    return markdown(header, rows) + "\n\n" + describe_machine(result)


def overhead() -> str:
    """Tabulate what the runtime adds to the bare session."""
    result = read("overhead")
    added = result["overhead_us"]
    rows = [
        ["`model.run(array)`", *(f"{added[cell]['run']:.0f} µs" for cell in added)],
        ["`model.predict(text)`, 100 words", *(f"{added[cell]['predict_text']:.0f} µs" for cell in added)],
    ]
    process = result["process"]
    return (
        markdown(["above the bare ONNX Runtime call", *added], rows)
        + "\n\nA process that imports, loads and predicts once takes "
        + f"{process['ours_seconds']:.2f} s of the processor, "
        + f"{process['ratio']:.2f}× one with bare onnxruntime ({process['bare_seconds']:.2f} s): "
        + f"the median of {process['pairs']} pairs in turns, on {process['processor']}."
    )


NETWORKS_TABLES: dict[str, Callable[[], str]] = {"networks": networks, "overhead": overhead}

"""Make the table of streams."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks.tables.parts import describe_machine, markdown, read


def streaming() -> str:
    """Tabulate one step of a stream beside the bare call and a window run again; drift, memory, and the gate."""
    result = read("streaming")
    rows = [
        [
            f"{row['architecture']}{', masked' if row['masked'] else ''}",
            {"onnx": "ONNX", "tflite": "TFLite"}[row["format"]],
            f"{row['push_us']:.1f} µs",
            f"{row['above_bare_us']:+.1f} µs",
            f"{row['window_us']:.0f} µs",
            f"**{row['of_window']:.2f}×**",
            f"{row['drift']:.0e}" if row["drift"] else "0",
        ]
        for row in result["steps"]
    ]
    memory = list(result["memory"].values())
    count = memory[0]["streams"]["count"]
    beyond = [one["streams"]["added_bytes_each"] - one["streams"]["state_bytes"] for one in memory]
    grown = max(one["pushes"]["grown_bytes"] for one in memory)
    pushes = memory[0]["pushes"]
    depths = sorted({row["depth"] for row in result["parity"]})
    names = {row["cell"]: row["architecture"] for row in result["steps"]}
    worst = [
        f"{name} {max(row[kind]['max_abs_diff'] for row in result['parity'] if row['cell'] == cell):.0e} in {title}"
        for cell, name in names.items()
        for kind, title in (("onnx", "ONNX"), ("tflite", "TFLite"))
    ]
    return (
        markdown(["network", "format", "push", "above bare", "100 steps", "of 100 steps", "drift"], rows)
        + f"\n\nFrom {pushes['few']:,} to {pushes['many']:,} pushes the process grows by at most {grown / 1e6:.2f} MB; "
        + f"each of {count:,} open streams takes {min(beyond):,.0f} to {max(beyond):,.0f} bytes "
        + f"beyond its state. Stacks of {depths[0]} to {depths[-1]} layers of 16 units as Keras initialises "
        + f"them, masked or not, differ from Keras over the gate's grid by at most: {', '.join(worst)}. "
        + describe_machine(result)
    )


STREAMING_TABLES: dict[str, Callable[[], str]] = {"streaming": streaming}

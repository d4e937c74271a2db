"""Write the model card: what a bundle is, for whoever finds it in a folder."""

from __future__ import annotations

from collections.abc import Sequence

from deeprnn_edge.bundle.answer import describe_answer
from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.feature_steps import describe_raw
from deeprnn_edge.bundle.manifest import Manifest
from deeprnn_edge.bundle.tensors import StreamSpec, TensorSpec


def write_card(manifest: Manifest) -> str:
    """Write the bundle's ``README.md``."""
    rules = manifest.preprocessing
    given = {
        "text": f"texts, turned into ids by `{rules.vocabulary}`",
        "tokens": "sequences of integer ids",
        "sequence": "arrays of the shape (time, features)",
    }[rules.kind]
    if rules.raw:
        given = "raw values, which the bundle's steps turn into the model's input"
    length = "of any length" if rules.max_length is None else f"padded and cut to {rules.max_length} steps"
    if "refuse" in (rules.padding, rules.truncating) and rules.max_length is not None:
        length = f"of {rules.max_length} steps"
    example = {
        "text": '["a gorgeous, moving film"]',
        "tokens": "[[1, 14, 22, 16]]",
        "sequence": "features",
    }[rules.kind]
    if rules.raw:
        example = "raw"
    parts = [
        f"# {manifest.name}",
        f"A deep recurrent network of {manifest.architecture.parameters:,} parameters, "
        "exported from Keras and checked against it.",
        "## Network",
        _table(
            ["layer", "kind", "units", "direction", "parameters"],
            [
                [layer.name, layer.kind, str(layer.units or ""), layer.direction or "", f"{layer.parameters:,}"]
                for layer in manifest.architecture.layers
            ],
        ),
        f"Input: {given}, {length}. " + "; ".join(_spec(spec) for spec in manifest.inputs) + ".",
        *(f"`{raw.input}` is made of {describe_raw(raw)}." for raw in rules.raw),
        "Output: " + "; ".join(_spec(spec) for spec in manifest.outputs) + ".",
    ]
    if manifest.kept_words is not None:
        parts.append(
            f"Its vocabulary was cut to the {manifest.kept_words:,} most frequent words; others are unknown words."
        )
    if manifest.labels or manifest.answer is not None:
        said = describe_answer(manifest.answer, manifest.outputs[0].shape)
        named = "Labels, in order: " + ", ".join(manifest.labels) + "; " if manifest.labels else ""
        parts.append(f"{named}{said}." if len(manifest.outputs) == 1 else f"{named.removesuffix('; ')}.")
    parts += [
        "## Files",
        _table(
            [
                "file",
                "precision",
                "bytes",
                "largest difference to Keras",
                "allowed",
                "label flips",
                "cases",
            ],
            [_artifact(artifact) for artifact in manifest.artifacts],
        ),
        *(f"`{one.path}` was asked for and could not be made: {one.reason}." for one in manifest.missing),
        *_states(manifest.stream),
        *_costs(manifest.artifacts),
        *_notes(manifest.artifacts),
        "`golden.npz` holds inputs and Keras's answers to them; `manifest.json` all of the above for programs.",
        "## Run",
        "```\npip install deeprnn-edge\ndeeprnn-edge verify .\n```",
        f'```python\nimport deeprnn_edge\n\nmodel = deeprnn_edge.load(".")\nprint(model.predict({example}))\n```',
        *_how_to_stream(manifest),
        "Made with " + ", ".join(f"{name} {version}" for name, version in manifest.created_with.items()) + ".",
    ]
    return "\n\n".join(parts) + "\n"


def _artifact(artifact: Artifact) -> list[str]:
    parity = artifact.parity
    return [
        artifact.path,
        artifact.precision,
        f"{artifact.size_bytes:,}",
        f"{parity.max_abs_diff:.1e}",
        f"{parity.atol:.2g}",
        str(parity.label_flips),
        str(parity.cases),
    ]


def _states(stream: StreamSpec | None) -> list[str]:
    """List what the stream files carry from chunk to chunk."""
    if stream is None:
        return []
    rows = [
        [f"`{state.name}`", f"`{state.next_name}`", f"({', '.join(map(str, state.shape))})", f"{state.initial:g}"]
        for state in stream.states
    ]
    return [
        "The stream files answer chunk by chunk. They take these states beside the inputs, and give the next ones:",
        _table(["state", "next", "shape", "before the first step"], rows),
    ]


def _how_to_stream(manifest: Manifest) -> list[str]:
    if manifest.stream is None:
        return []
    chunk = {"text": '"moving"', "tokens": "[14]", "sequence": "features[:, :1]"}[manifest.preprocessing.kind]
    return [
        f"As data comes, with its state kept between the calls:\n\n```python\nwith model.stream() as stream:\n    "
        f"print(stream.push({chunk}))\n```"
    ]


def _costs(artifacts: Sequence[Artifact]) -> list[str]:
    """Show what each file does on real data, if it was evaluated."""
    evaluations = {one.path: one.evaluation for one in artifacts if one.evaluation is not None}
    if not evaluations:
        return []
    first = next(iter(evaluations.values()))
    return [
        f"On the {first.rows:,} test rows of {first.dataset}, where Keras gets {first.keras_accuracy:.2%}:",
        _table(
            ["file", "accuracy", "change in points", "label flips", "mean difference", "largest difference"],
            [
                [
                    path,
                    f"{one.accuracy:.2%}",
                    f"{one.accuracy_change_points:+.2f}",
                    str(one.label_flips),
                    f"{one.mean_abs_diff:.1e}",
                    f"{one.max_abs_diff:.1e}",
                ]
                for path, one in evaluations.items()
            ],
        ),
    ]


def _notes(artifacts: Sequence[Artifact]) -> list[str]:
    """Tell what is unusual about the files, a line each."""
    reasons = dict.fromkeys(
        f"{one.precision}: allowed is {one.parity.atol:.2g}, {one.parity.reason}."
        for one in artifacts
        if one.parity.reason
    )
    errors = [
        f"Beside the network's answers in float64 `{one.path}` is at most {one.parity.own_error:.1e} off, and Keras's "
        f"own float32 {one.parity.keras_error:.1e}."
        for one in artifacts
        if one.parity.own_error is not None and one.parity.keras_error is not None
    ]
    loops = [
        f"In `{one.path}` the layer `{layer.layer}` runs as a loop, slow but exact: {layer.reason}."
        for one in artifacts
        for layer in one.recurrences
        if layer.reason
    ]
    plain = [
        f"`{one.path}` runs without the delegates of its runtime, which refuse it: an app has to turn them off."
        for one in artifacts
        if not one.delegates
    ]
    return [*errors, *reasons, *loops, *plain]


def _spec(spec: TensorSpec) -> str:
    ids = "" if spec.id_count is None else f", ids in [0, {spec.id_count})"
    return f"`{spec.name}` ({', '.join(map(str, spec.shape))}) {spec.dtype}{ids}"


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)

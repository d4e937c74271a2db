"""The model card: what a bundle is, for whoever finds it in a folder."""

from __future__ import annotations

from collections.abc import Sequence

from deeprnn_edge.manifest import Artifact, Manifest, TensorSpec


def write_card(manifest: Manifest) -> str:
    """The bundle's ``README.md``."""
    rules = manifest.preprocessing
    given = {
        "text": "texts, turned into ids by `vocabulary.txt`",
        "tokens": "sequences of integer ids",
        "sequence": "arrays of the shape (time, features)",
    }[rules.kind]
    length = "of any length" if rules.max_length is None else f"padded and cut to {rules.max_length} steps"
    example = {
        "text": '["a gorgeous, moving film"]',
        "tokens": "[[1, 14, 22, 16]]",
        "sequence": "features",
    }[rules.kind]
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
        "Output: " + "; ".join(_spec(spec) for spec in manifest.outputs) + ".",
    ]
    if manifest.labels:
        parts.append("Labels, in order: " + ", ".join(manifest.labels) + ".")
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
                "accuracy",
            ],
            [_artifact(artifact) for artifact in manifest.artifacts],
        ),
        *_notes(manifest.artifacts),
        "`golden.npz` holds inputs and Keras's answers to them; `manifest.json` all of the above for programs.",
        "## Run",
        "```\npip install deeprnn-edge\ndeeprnn-edge verify .\n```",
        f'```python\nimport deeprnn_edge\n\nmodel = deeprnn_edge.load(".")\nprint(model.predict({example}))\n```',
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
        f"{parity.atol:.0e}",
        str(parity.label_flips),
        str(parity.cases),
        "" if artifact.accuracy is None else f"{artifact.accuracy:.1%}",
    ]


def _notes(artifacts: Sequence[Artifact]) -> list[str]:
    """What is unusual about the files, a line each."""
    reasons = dict.fromkeys(
        f"Allowed is {one.parity.atol:.0e}: {one.parity.reason}." for one in artifacts if one.parity.reason
    )
    loops = [
        f"In `{one.path}` the layer `{layer.layer}` runs as a loop, slow but exact: {layer.reason}."
        for one in artifacts
        for layer in one.recurrences
        if layer.reason
    ]
    return [*reasons, *loops]


def _spec(spec: TensorSpec) -> str:
    ids = "" if spec.id_count is None else f", ids in [0, {spec.id_count})"
    return f"`{spec.name}` ({', '.join(map(str, spec.shape))}) {spec.dtype}{ids}"


def _table(header: list[str], rows: list[list[str]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)

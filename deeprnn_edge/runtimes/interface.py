"""Check once, when a file is loaded, that it takes and gives what its bundle's manifest says.

The runtimes would notice at the first call, each in its own way, and some mismatches not at all.
"""

from __future__ import annotations

from collections.abc import Sequence

from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.manifest import Manifest
from deeprnn_edge.bundle.tensors import StateSpec, TensorSpec
from deeprnn_edge.errors import BundleError


def check_interface(
    manifest: Manifest, artifact: Artifact, inputs: Sequence[TensorSpec], outputs: Sequence[TensorSpec]
) -> None:
    """Hold a file's inputs and outputs against those that the manifest states for the artifact.

    Args:
        manifest: of the bundle.
        artifact: the file's entry in it.
        inputs: the file's own. An axis of any size is a name, such as ``?``; no axis at all is an unknown shape, and
            the dtype ``?`` an unknown one.
        outputs: the file's own, likewise.

    Raises:
        BundleError: that names the input or output which differs.
    """
    stated_inputs: Sequence[TensorSpec | StateSpec] = manifest.inputs
    stated_outputs: Sequence[TensorSpec] = manifest.outputs
    if artifact.kind == "stream" and (stream := manifest.stream) is not None:
        stated_inputs = (*stream.inputs, *stream.states)
        after = (TensorSpec(state.next_name, state.dtype, state.shape) for state in stream.states)
        stated_outputs = (*stream.outputs, *after)
    _compare(artifact.path, "input", inputs, stated_inputs)
    _compare(artifact.path, "output", outputs, stated_outputs)


def _compare(path: str, side: str, found: Sequence[TensorSpec], stated: Sequence[TensorSpec | StateSpec]) -> None:
    by_name = {spec.name: spec for spec in found}
    expected = {spec.name: spec for spec in stated}
    if wrong := sorted(by_name.keys() ^ expected.keys()):
        where = "the file" if wrong[0] in by_name else "the manifest"
        raise BundleError(
            f"{path}: the {side} {wrong[0][:80]!r} is in {where} alone; file and manifest are of different models: "
            "export the model again"
        )
    for name, spec in by_name.items():
        other = expected[name]
        if spec.dtype not in (other.dtype, "?") or (spec.shape and not _agree(spec.shape, other.shape)):
            raise BundleError(
                f"{path}: the {side} {name[:80]!r} is {_show(spec)}, the manifest says {_show(other)}; "
                "export the model again"
            )


def _agree(shape: Sequence[int | str], other: Sequence[int | str]) -> bool:
    """Return whether some array has both shapes, as far as they are known."""
    return len(shape) == len(other) and all(
        one == two or isinstance(one, str) or isinstance(two, str) for one, two in zip(shape, other, strict=True)
    )


def _show(spec: TensorSpec | StateSpec) -> str:
    return f"{spec.dtype} ({', '.join(map(str, spec.shape))})"

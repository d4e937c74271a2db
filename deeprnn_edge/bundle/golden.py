"""Read and write golden vectors: inputs, and the outputs that Keras gave for them, in one npz without pickle.

A case is a set of arrays that run together; its arrays are stored as ``<case>/in/<input>`` and
``<case>/out/<output>``. A streamed case has the states among both: those before its first step and those
behind its last one. A case of raw texts has these as ``<case>/raw/texts``, a JSON list's bytes; one of raw values as
``<case>/values/<input>``, numbers as they are, and words, or numbers and words, as a JSON list's bytes.
"""

from __future__ import annotations

import io
import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.manifest import Manifest
from deeprnn_edge.bundle.tensors import StateSpec, TensorSpec
from deeprnn_edge.errors import BundleError
from deeprnn_edge.files.limits import GOLDEN_UNPACKED_BYTES
from deeprnn_edge.files.npy import decode_array
from deeprnn_edge.files.strict_json import parse
from deeprnn_edge.files.zip_reader import CheckedZip

_FILE = "golden.npz"
_SUFFIX = ".npy"  # what numpy adds to each array's name
_SIDES = ("in", "out", "raw", "values")
_AGAIN = "copy the bundle again"


@dataclass(frozen=True, eq=False)  # arrays have no single truth value
class Case:
    """Hold one set of inputs and Keras's outputs for it, by name.

    Attributes:
        texts: what the one input is made of, a row each.
        values: the raw values that an input is made of, by its name, a row each.
        truth: the outputs in float64, while a model is exported; golden vectors have none.
    """

    name: str
    inputs: dict[str, NDArray[Any]] = field(default_factory=dict)
    outputs: dict[str, NDArray[Any]] = field(default_factory=dict)
    texts: tuple[str, ...] = ()
    values: dict[str, NDArray[Any]] = field(default_factory=dict)
    truth: dict[str, NDArray[Any]] = field(default_factory=dict)


def cases_for(names: Collection[str], cases: Sequence[Case]) -> list[Case]:
    """Return the cases that have these inputs and no others: whole sequences, or with the states' names streams."""
    return [case for case in cases if case.inputs.keys() == set(names)]


def encode_golden(cases: Sequence[Case]) -> bytes:
    """Return the cases as the content of an npz."""
    arrays = {}
    for case in cases:
        arrays.update({f"{case.name}/in/{name}": value for name, value in case.inputs.items()})
        arrays.update({f"{case.name}/out/{name}": value for name, value in case.outputs.items()})
        if case.texts:
            arrays[f"{case.name}/raw/texts"] = _json_bytes(case.texts)
        for name, value in case.values.items():
            as_json = value.dtype.kind in "OU"
            arrays[f"{case.name}/values/{name}"] = _json_bytes(value.tolist()) if as_json else value
    content = io.BytesIO()
    # Without allow_pickle=False: numpy 1.26 has no such option here, and would store it as one more array.
    np.savez_compressed(content, **arrays)  # type: ignore[arg-type]  # a name that no array has
    return content.getvalue()


def decode_golden(content: bytes) -> list[Case]:
    """Read the cases of an npz.

    Raises:
        BundleError: for another content, and for more than any export writes.
    """
    cases: dict[str, Case] = {}
    with CheckedZip(io.BytesIO(content), _FILE, _split) as archive:
        unpacked = sum(map(archive.size_bytes, archive.names))
        if unpacked > GOLDEN_UNPACKED_BYTES:
            raise BundleError(
                f"{_FILE} unpacks to {unpacked:,} bytes, and {GOLDEN_UNPACKED_BYTES:,} are the most; "
                "no export makes such a file: get the bundle from another source"
            )
        for key in archive.names:
            name, side, array = _split(key)
            case = cases.setdefault(name, Case(name))
            found = decode_array(archive.read(key), f"{_FILE}: {key!r}")
            if not found.size or not found.ndim:
                # ONNX Runtime 1.32 ends the process when its LSTM or GRU meets a batch of 0.
                raise BundleError(f"{_FILE}: {key[:80]!r} holds no row: its shape is {found.shape}; {_AGAIN}")
            if side == "raw":
                cases[name] = replace(case, texts=_decode_texts(found, key))
            elif side == "values":
                case.values[array] = _decode_values(found, key)
            else:
                (case.inputs if side == "in" else case.outputs)[array] = found
    if not cases:
        raise BundleError(f"{_FILE} holds no case; export the model again")
    for name, case in cases.items():
        if not case.inputs or not case.outputs:
            raise BundleError(f"{_FILE}: the case {name[:80]!r} lacks inputs or outputs; {_AGAIN}")
    return list(cases.values())


def check_cases(cases: Sequence[Case], manifest: Manifest) -> None:
    """Hold the shapes and dtypes of cases against the manifest, before a runtime sees them.

    Cases that are neither whole sequences nor steps of a stream, by the names of their inputs, nothing runs.

    Raises:
        BundleError: that names the case and the array.
    """
    sides: list[Sequence[TensorSpec | StateSpec]] = [manifest.inputs]
    if (stream := manifest.stream) is not None:
        sides.append((*stream.inputs, *stream.states))
    for specs in sides:
        for case in cases_for([spec.name for spec in specs], cases):
            rows = len(case.inputs[specs[0].name])
            for spec in specs:
                _check_array(case, spec, rows)


def _check_array(case: Case, spec: TensorSpec | StateSpec, rows: int) -> None:
    array = case.inputs[spec.name]
    if array.dtype.name != spec.dtype:
        found, expected = f"the dtype {array.dtype}", spec.dtype
    elif len(array) != rows:
        found, expected = f"{len(array)} rows", f"{rows}, as the others of the case have"
    elif len(array.shape) != len(spec.shape) or any(
        isinstance(size, int) and size != there for size, there in zip(spec.shape[1:], array.shape[1:], strict=True)
    ):
        found, expected = f"the shape {array.shape}", f"({', '.join(map(str, spec.shape))})"
    else:
        return
    where = f"the input {spec.name[:80]!r} of the case {case.name[:80]!r}"
    raise BundleError(f"{_FILE}: {where} has {found}, expected {expected}; {_AGAIN}")


def _json_bytes(value: Any) -> NDArray[np.uint8]:
    return np.frombuffer(json.dumps(value, ensure_ascii=False).encode("utf-8"), np.uint8)


def _read_json(array: NDArray[Any], key: str) -> Any:
    try:
        return parse(array.tobytes()) if array.dtype == np.uint8 else None
    except ValueError as error:
        raise BundleError(f"{_FILE}: {key[:80]!r} is not JSON: {error}; {_AGAIN}") from error


def _decode_values(array: NDArray[Any], key: str) -> NDArray[Any]:
    """Read the raw values of a case: numbers, or the bytes of a JSON list."""
    if array.dtype != np.uint8:
        return array
    values = _read_json(array, key)
    if not isinstance(values, list):
        raise BundleError(f"{_FILE}: {key[:80]!r} is no list of values; {_AGAIN}")
    return np.array(values, object)


def _decode_texts(array: NDArray[Any], key: str) -> tuple[str, ...]:
    """Read the raw texts of a case, stored as the bytes of a JSON list."""
    texts = _read_json(array, key)
    if not isinstance(texts, list) or not all(isinstance(text, str) for text in texts):
        raise BundleError(f"{_FILE}: {key[:80]!r} is no list of texts; {_AGAIN}")
    return tuple(texts)


def _split(key: str) -> tuple[str, str, str]:
    """Return the case, the side and the array that an entry is called by."""
    parts = key.removesuffix(_SUFFIX).split("/", 2)
    if not key.endswith(_SUFFIX) or len(parts) != 3 or parts[1] not in _SIDES or not key.isprintable():
        raise BundleError(f"{_FILE} holds {key[:80]!r}, expected CASE/in/NAME.npy or CASE/out/NAME.npy; {_AGAIN}")
    return parts[0], parts[1], parts[2]

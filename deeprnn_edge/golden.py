"""Golden vectors: inputs, and the outputs that Keras gave for them, in one npz without pickle.

A case is a set of arrays that run together; its arrays are stored as ``<case>/in/<input>`` and
``<case>/out/<output>``. A streamed case has the states among both: those before its first step and those
behind its last one.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.errors import BundleError


@dataclass(frozen=True, eq=False)  # arrays have no single truth value
class Case:
    """One set of inputs and Keras's outputs for it, by name."""

    name: str
    inputs: dict[str, NDArray[Any]] = field(default_factory=dict)
    outputs: dict[str, NDArray[Any]] = field(default_factory=dict)


def cases_for(names: Collection[str], cases: Sequence[Case]) -> list[Case]:
    """The cases that have these inputs and no others: whole sequences, or with the states' names streamed ones."""
    return [case for case in cases if case.inputs.keys() == set(names)]


def encode_golden(cases: Sequence[Case]) -> bytes:
    """The cases as the content of an npz."""
    arrays = {}
    for case in cases:
        arrays.update({f"{case.name}/in/{name}": value for name, value in case.inputs.items()})
        arrays.update({f"{case.name}/out/{name}": value for name, value in case.outputs.items()})
    content = io.BytesIO()
    np.savez_compressed(content, allow_pickle=False, **arrays)
    return content.getvalue()


def decode_golden(content: bytes) -> list[Case]:
    """The cases of an npz. Raises BundleError for another content."""
    cases: dict[str, Case] = {}
    try:
        with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
            for key in arrays.files:
                case, side, name = key.split("/", 2)
                target = cases.setdefault(case, Case(case))
                {"in": target.inputs, "out": target.outputs}[side][name] = arrays[key]
    except (ValueError, KeyError, OSError, EOFError, zipfile.BadZipFile, AttributeError) as error:
        raise BundleError(f"golden.npz cannot be read: {error}; copy the bundle again") from error
    if not cases:
        raise BundleError("golden.npz holds no case; export the model again")
    return list(cases.values())

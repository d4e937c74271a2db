"""Describe a format that models are exported to: what it can hold, and how a model becomes it."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from deeprnn_edge.bundle.artifact import Form
from deeprnn_edge.runtimes.runtime import Runtime

if TYPE_CHECKING:  # Keras and TensorFlow come with it, and a command's help needs none of them
    from deeprnn_export.lowering.target import Conversion
    from deeprnn_export.targets.conversion_input import ConversionInput

Progress = Callable[[str], None]


def on_demand(module: str, function: str) -> Callable[..., Any]:
    """Make a function that imports another when it is called: a command's help needs no converter."""
    return lambda *given: getattr(importlib.import_module(module), function)(*given)


@dataclass(frozen=True)
class Precision:
    """Describe one precision of a format.

    Attributes:
        share: how far an output may be from Keras's, as a share of the largest output; None where it is exact.
        is_calibrated: whether the ranges of its activations come from real samples.
    """

    share: float | None = None
    is_calibrated: bool = False


@dataclass(frozen=True)
class Target:
    """Describe one format, and convert models to it.

    Attributes:
        runtime: what runs its files, and knows its name.
        precisions: by name; each target has ``fp32``.
        annotate: writes notes, key to JSON, into a file; None where it has no place for them.
        by_default: whether it is exported where no format was asked for.
        fixed_shapes: whether a file takes one shape alone, batch 1 and so many time steps.
        kernels: form of a layer to the operators one of which the file has for it; other forms have none of their own.
        lacks: what an operator that the format does not have would do to a file.
        way_out: what is left to do for a model that the format cannot hold.
        packages: distributions beside Keras and TensorFlow that make the file.
        convert: makes the file in float32.
        store: makes the file in fewer bits: of the model, the precision, the float32 file (made when it is asked
            for), the largest absolute difference to Keras that it may have, and a callback for news.
        running: keeps what its conversions share, such as a process, for one export.
    """

    runtime: Runtime
    precisions: Mapping[str, Precision]
    fixed_shapes: bool
    kernels: Mapping[Form, frozenset[str]]
    lacks: str
    way_out: str
    packages: tuple[str, ...]
    convert: Callable[[ConversionInput], Conversion]
    store: Callable[[ConversionInput, str, Callable[[], Conversion], float, Progress], Conversion]
    annotate: Callable[[bytes, Mapping[str, str]], bytes] | None = None
    by_default: bool = True
    running: Callable[[], AbstractContextManager[object]] = nullcontext

    @property
    def name(self) -> str:
        """Return the format's name, as manifests and ``formats`` have it."""
        return self.runtime.name

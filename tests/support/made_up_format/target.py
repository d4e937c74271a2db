"""The target of the made-up format: one SimpleRNN with tanh, its weights in float32 or rounded to float16."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import keras
import numpy as np

from deeprnn_edge.bundle.artifact import LoweredLayer
from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export.lowering.target import Conversion
from deeprnn_export.targets.conversion_input import ConversionInput
from deeprnn_export.targets.target import Precision, Target
from tests.support.made_up_format.runtime import RECURRENT, RUNTIME, WEIGHTS, decode, encode


def convert(given: ConversionInput) -> Conversion:
    layer = given.model.layers[-1]
    if type(layer) is not keras.layers.SimpleRNN:
        raise UnsupportedModelError(f"layer {layer.name!r} is a {type(layer).__name__}: {LACKS}; {WAY_OUT}")
    weights = dict(zip(WEIGHTS, layer.get_weights(), strict=True))
    return Conversion(encode(weights), (LoweredLayer(layer.name, "native"),))


def store(given: ConversionInput, precision: str, exact: Callable[[], Conversion], *_unused: Any) -> Conversion:
    assert precision == "half"
    whole = exact()
    rounded = {
        name: values.astype(np.float16).astype(np.float32) for name, values in decode(whole.content, "exact").items()
    }
    return replace(whole, content=encode(rounded))


LACKS = "the format has one cell, Elman's"
WAY_OUT = "export it in another format"
TARGET = Target(
    runtime=RUNTIME,
    precisions={"fp32": Precision(), "half": Precision(0.01)},
    fixed_shapes=False,
    kernels={"native": RECURRENT},
    lacks=LACKS,
    way_out=WAY_OUT,
    packages=("numpy",),
    convert=convert,
    store=store,
)

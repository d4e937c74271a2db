"""Read the steps of a bundle out of Keras's preprocessing layers for numbers and categories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import keras

from deeprnn_edge.bundle.feature_steps import FeatureStep, RawInput, Shape
from deeprnn_edge.errors import UnsupportedModelError

LOOKUPS = (keras.layers.StringLookup, keras.layers.IntegerLookup)
# By the exact type: a subclass may do anything.
STEP_LAYERS = (*LOOKUPS, keras.layers.Discretization)

# What the layers can do beyond one place for each value, and what stands for not doing it.
_PLAIN = {"invert": False, "sparse": False}
# As Keras 3.15 counts along the second axis whatever the rank, these are only steps of rows that have no third.
_FORMS = {"one_hot": "one", "multi_hot": "multi", "count": "count"}


def layer_steps(layer: Any, name: str, shape: Shape, dtype: str) -> RawInput:
    """Read what a layer does.

    Args:
        layer: one of ``STEP_LAYERS``.
        name: of the input that it makes.
        shape: of one raw item.
        dtype: that the model declares for raw values.

    Raises:
        UnsupportedModelError: for a form that no step has, by the layer and the option.
    """
    config = layer.get_config()
    for option, plain in _PLAIN.items():
        if (value := config.get(option, plain)) != plain:
            raise _unsupported(layer, f"{option}={value!r}", f"{option}={plain!r}")
    if isinstance(layer, keras.layers.Discretization):
        if layer.bin_boundaries is None:
            raise UnsupportedModelError(
                f"layer {layer.name!r} (Discretization) has no boundaries; adapt it before the model is exported"
            )
        boundaries = tuple(map(float, layer.bin_boundaries))
        first, size = FeatureStep("bins", boundaries=boundaries), len(boundaries) + 1
        kind = "float32" if dtype.startswith("float") else "int64"
    else:
        first, size = _lookup(layer, config)
        kind = "str" if isinstance(layer, keras.layers.StringLookup) and dtype == "string" else "int64"
    steps = (first, *_encoding(layer, config["output_mode"], size, shape))
    raw: Any = {"dtype": kind}
    return RawInput(name, shape=shape, steps=steps, **raw)


def _lookup(layer: Any, config: Mapping[str, Any]) -> tuple[FeatureStep, int]:
    unknown = config["num_oov_indices"]
    if unknown > 1:
        raise _unsupported(layer, f"num_oov_indices={unknown}, for which it hashes", "num_oov_indices=1 or 0")
    if config["mask_token"] is not None and config["output_mode"] != "int":
        # Keras gives such a value no class at all.
        raise _unsupported(layer, f"mask_token={config['mask_token']!r} beside its output_mode", "mask_token=None")
    integers = isinstance(layer, keras.layers.IntegerLookup)
    keys = tuple(int(key) if integers else str(key) for key in layer.get_vocabulary())
    masked = config["mask_token"] is not None
    if len(keys) <= unknown + masked:
        kind = type(layer).__name__
        raise UnsupportedModelError(
            f"layer {layer.name!r} ({kind}) has no vocabulary; adapt it before the model is exported"
        )
    place = int(masked) if unknown else None
    size = config["max_tokens"] if config["pad_to_max_tokens"] else len(keys)
    return FeatureStep("lookup", keys=keys, unknown=place), size


def _encoding(layer: Any, mode: str, size: int, shape: Shape) -> tuple[FeatureStep, ...]:
    """Return the step behind that of the layer, where its output is no place alone."""
    if mode == "int":
        return ()
    if mode not in _FORMS:
        raise _unsupported(layer, f"output_mode={mode!r}", "int, one_hot, multi_hot or count")
    if mode != "one_hot" and len(shape) > 1:
        raise _unsupported(layer, f"output_mode={mode!r} over rows of {len(shape)} axes", "one axis, or one_hot")
    form = "each" if mode == "one_hot" and shape[-1] != 1 else _FORMS[mode]
    return (FeatureStep("one_hot", size=size, form=form),)


def _unsupported(layer: Any, has: str, expected: str) -> UnsupportedModelError:
    return UnsupportedModelError(
        f"layer {layer.name!r} ({type(layer).__name__}) has {has}, which no step of a bundle does; "
        f"expected {expected}: or export the model behind that layer"
    )

"""Define activations whose meaning changed between Keras 2 and Keras 3."""

from __future__ import annotations

from typing import Any

import keras

# A name of Keras 2 to the registered name of its exact form here.
CHANGED = {"hard_sigmoid": "deeprnn_export>keras2_hard_sigmoid"}


@keras.saving.register_keras_serializable("deeprnn_export", "keras2_hard_sigmoid")
def keras2_hard_sigmoid(x: Any) -> Any:
    """Compute ``clip(0.2 * x + 0.5, 0, 1)``, Keras 2's slope; Keras 3's ``hard_sigmoid`` is ``relu6(x + 3) / 6``."""
    return keras.ops.clip(0.2 * x + 0.5, 0.0, 1.0)

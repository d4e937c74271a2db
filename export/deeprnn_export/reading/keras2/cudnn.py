"""Turn the weights of Keras 2's CuDNNLSTM and CuDNNGRU into the layout of LSTM and GRU.

After ``preprocess_weights_for_loading`` of Keras 2.2.4 (keras/engine/saving.py, ``_convert_rnn_weights``).
"""

from __future__ import annotations

from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
GATES = {"CuDNNLSTM": 4, "CuDNNGRU": 3}


def from_cudnn(kind: str, arrays: list[Array]) -> list[Array]:
    """Turn the weights of a layer of the class ``kind``, if that is one of cuDNN's.

    Args:
        arrays: kernel (input, gates * units), recurrent kernel (units, gates * units), bias (2 * gates * units), which
            holds the bias of the input and then that of the state.

    Returns:
        As it is, what is none of cuDNN's; else with the bias (4 * units) of an LSTM, which only the sum of both
        reaches, and (2, 3 * units) of a GRU with ``reset_after``.
    """
    gates = GATES.get(kind)
    if gates is None or len(arrays) != 3:
        return arrays
    kernel, recurrent, bias = arrays
    return [
        np.hstack([part.T.reshape(part.shape, order="F") for part in np.hsplit(kernel, gates)]),
        np.hstack([part.T for part in np.hsplit(recurrent, gates)]),
        bias.reshape(2, -1).sum(axis=0) if kind == "CuDNNLSTM" else bias.reshape(2, -1),
    ]

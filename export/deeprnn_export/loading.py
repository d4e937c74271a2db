"""A Keras model from a file, or in one line why not."""

from __future__ import annotations

from pathlib import Path

import keras

from deeprnn_edge.errors import InputError, UnsupportedModelError


def load_model(path: str | Path, *, allow_lambda: bool = False) -> keras.Model:
    """Load a ``.keras`` or ``.h5`` file for inference.

    allow_lambda: run Python code that the file carries. Only for files whose maker you trust.

    Raises InputError for a file that is missing or no model, UnsupportedModelError for one with a layer
    that Keras cannot make.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no such model file: {path}")
    if path.suffix not in (".keras", ".h5", ".hdf5"):
        raise InputError(f"{path} is no Keras model; expected a .keras or .h5 file, saved with model.save(...)")
    try:
        return keras.models.load_model(path, compile=False, safe_mode=not allow_lambda)
    except Exception as error:
        reason = " ".join(str(error).split())
        if "lambda" in reason.lower() and not allow_lambda:
            raise UnsupportedModelError(
                f"{path} carries Python code in a Lambda layer, which loading would run; "
                "if you trust its maker, allow it with --allow-lambda (allow_lambda=True)"
            ) from error
        raise InputError(f"{path} cannot be loaded by Keras {keras.__version__}: {reason[:300]}") from error

"""What several tests of the workshop use: a small network, the command line, an untouched folder."""

from __future__ import annotations

from pathlib import Path

import keras
from click.testing import CliRunner, Result

from deeprnn_edge.cli.main import main
from tests.support.keras_models import CELLS, randomised


def small(cell: str = "gru", *, steps: int | None = 8, mask: bool = True, **options: object) -> keras.Model:
    return randomised(
        keras.Sequential(
            [
                keras.Input((steps,), dtype="int32", name="tokens"),
                keras.layers.Embedding(20, 3, mask_zero=mask),
                CELLS[cell](4, **options),
                keras.layers.Dense(1, activation="sigmoid", name="probability"),
            ],
            name="small",
        )
    )


def run(*words: object) -> Result:
    return CliRunner().invoke(main, [str(word) for word in words])


def assert_untouched(folder: Path, *expected: str) -> None:
    assert sorted(path.name for path in folder.iterdir()) == sorted(expected)

"""What the workshop's tests share: quiet TensorFlow, random models, conversion in this process."""

from __future__ import annotations

import gc
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import pytest

from tests.support.converter import convert_here

# TensorFlow's modules are millions of objects that stay: a collection that looks at them all takes a second.
gc.collect()
gc.freeze()


@pytest.fixture
def convert_in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run the TFLite converter in this process."""
    convert_here(monkeypatch)


@pytest.fixture(autouse=True)
def _fresh_names() -> None:
    """Layer names that do not depend on which tests ran before."""
    keras.backend.clear_session(free_memory=False)  # it collects garbage by itself often enough

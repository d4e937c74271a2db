"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def bundle_path() -> Path:
    """A small bundle that the workshop made once: see ``tests/fixtures/make_bundle.py``."""
    return Path(__file__).parent / "fixtures" / "bundle"


@pytest.fixture
def stream_bundle() -> Path:
    """The same network with its streaming twins."""
    return Path(__file__).parent / "fixtures" / "stream_text"


@pytest.fixture
def stream_steps_bundle() -> Path:
    """A causal convolution and two LSTM over vectors of 5 that answer each step; 4 steps at a time in TFLite."""
    return Path(__file__).parent / "fixtures" / "stream_steps"

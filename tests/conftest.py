"""What all tests share."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
def bundle_path() -> Path:
    """A small bundle that the workshop made once: see ``tests/fixtures/make_bundle.py``."""
    return Path(__file__).parent / "fixtures" / "bundle"

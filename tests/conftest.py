"""What all tests share."""

from __future__ import annotations

import signal
from collections import Counter
from pathlib import Path

import pytest

# A shell starts what it runs in the background with Ctrl-C ignored, which every process of a test would inherit.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.hookimpl(tryfirst=True)  # before what -m leaves out is looked for
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark all but one in so many cases of a test that is marked ``one_in`` as slow."""
    places: Counter[str] = Counter()
    for item in items:
        if (marker := item.get_closest_marker("one_in")) is not None:
            test = item.nodeid.split("[")[0]
            if places[test] % marker.args[0]:
                item.add_marker("slow")
            places[test] += 1


@pytest.fixture
def bundle_path() -> Path:
    """A small bundle that the workshop made once: see ``tests/fixtures/make_bundle.py``."""
    return Path(__file__).parent / "fixtures" / "bundle"


@pytest.fixture
def stream_bundle() -> Path:
    """The same network with its streaming twins."""
    return Path(__file__).parent / "fixtures" / "stream_text"


@pytest.fixture
def source_bundle() -> Path:
    """The network that answers each step, as C source."""
    return Path(__file__).parent / "fixtures" / "source_steps"


@pytest.fixture
def stream_steps_bundle() -> Path:
    """A causal convolution and two LSTM over vectors of 5 that answer each step; 4 steps at a time in TFLite."""
    return Path(__file__).parent / "fixtures" / "stream_steps"

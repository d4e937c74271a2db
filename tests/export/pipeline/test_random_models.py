"""Random architectures, exported and held against Keras."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings

from tests.support.random_models.check import QUIET, check
from tests.support.random_models.descriptions import Architecture, from_json, settled, to_json
from tests.support.random_models.strategy import architectures

FOUND = sorted((Path(__file__).parent / "found").glob("*.json"))
pytestmark = [
    pytest.mark.usefixtures("convert_in_process"),
    *(pytest.mark.filterwarnings(f"ignore:{message}") for message in QUIET),
]
# Function-scoped fixtures: the converter's place and Keras's names, which every example may share.
few = settings(
    deadline=None,
    derandomize=True,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


@given(architectures())
@settings(few, max_examples=15)
def test_onnx_is_exact(description: Architecture) -> None:
    assert str(check(description, "onnx")) == "exact"


@given(architectures())
@settings(few, max_examples=5)
def test_tflite_is_exact(description: Architecture) -> None:
    assert str(check(description, "tflite")) == "exact"


@given(architectures())
@settings(few, max_examples=50)
def test_a_description_is_kept_as_it_was(description: Architecture) -> None:
    assert from_json(to_json(description)) == description
    assert settled(description) == description


@pytest.mark.parametrize("kind", ["onnx", "tflite"])
@pytest.mark.parametrize("path", FOUND, ids=lambda path: path.stem)
def test_what_failed_once_is_exact(path: Path, kind: str) -> None:
    assert str(check(settled(from_json(path.read_text(encoding="utf-8"))), kind)) == "exact"

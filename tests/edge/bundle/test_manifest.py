"""The manifest: what is written is what is read, and nothing else is accepted."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from deeprnn_edge.bundle.manifest import decode_manifest, encode_manifest
from deeprnn_edge.errors import BundleError


@pytest.fixture
def raw(bundle_path: Path) -> dict[str, Any]:
    value: dict[str, Any] = json.loads((bundle_path / "manifest.json").read_text())
    return value


def test_round_trip(raw: dict[str, Any]) -> None:
    manifest = decode_manifest(json.dumps(raw))
    assert decode_manifest(encode_manifest(manifest)) == manifest
    # Which a bundle of an earlier release does not have.
    raw["companions"] = []
    raw["preprocessing"] |= {"steps": None, "end_id": None, "min_length": None}
    assert json.loads(encode_manifest(manifest)) == raw


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["format_version"], 99, "format_version 99"),
        (["name"], 3, "manifest.json.name is 3, expected str"),
        (["labels"], "positive", "labels is 'positive'"),
        (["artifacts", 0, "format"], 3, "format is 3, expected str"),
        (["artifacts", 0, "size_bytes"], True, "size_bytes is True, expected int"),
        (["artifacts", 0, "parity", "atol"], "1e-5", "atol is '1e-5', expected float"),
        (["artifacts", 0, "operators"], {"GRU": "two"}, "operators.GRU is 'two', expected int"),
        (["inputs", 0, "shape"], ["batch", 1.5], "shape[1] is 1.5"),
        (["preprocessing", "kind"], "speech", "kind is 'speech'"),
        (["preprocessing"], None, "preprocessing is None, expected an object"),
        (["architecture", "layers", 0, "surprise"], 1, "unknown field 'surprise'"),
    ],
)
def test_a_wrong_field_is_named(raw: dict[str, Any], path: list[Any], value: Any, message: str) -> None:
    target: Any = raw
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    with pytest.raises(BundleError) as error:
        decode_manifest(json.dumps(raw))
    assert message in str(error.value)


@pytest.mark.parametrize("field", ["name", "inputs", "artifacts", "preprocessing", "created_with"])
def test_a_missing_field_is_named(raw: dict[str, Any], field: str) -> None:
    del raw[field]
    with pytest.raises(BundleError, match=f"lacks the field '{field}'"):
        decode_manifest(json.dumps(raw))


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '"manifest"'])
def test_other_content_is_refused(text: str) -> None:
    with pytest.raises(BundleError, match=r"manifest\.json"):
        decode_manifest(text)

"""A copied bundle, made to say something else."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np

from deeprnn_edge.bundle.bundle import GOLDEN, MANIFEST, open_bundle
from deeprnn_edge.bundle.feature_steps import FeatureStep, RawInput
from deeprnn_edge.bundle.golden import decode_golden, encode_golden
from deeprnn_edge.bundle.manifest import Manifest, encode_manifest


def change_manifest(bundle: Path, **changes: Any) -> Manifest:
    manifest = dataclasses.replace(open_bundle(bundle).manifest, **changes)
    (bundle / MANIFEST).write_text(encode_manifest(manifest), encoding="utf-8")
    return manifest


def with_scaler(bundle: Path, *, scale: float = 4.0, offset: float = -3.0) -> None:
    """Let the one input be made of raw values, ``x * scale + offset``, which the golden vectors hold too."""
    manifest = open_bundle(bundle).manifest
    (spec,) = manifest.inputs
    step = FeatureStep("scale", subtract=(offset,), multiply=(1 / scale,))
    raw = RawInput(spec.name, "float64", spec.shape[1:], steps=(step,))
    rules = dataclasses.replace(manifest.preprocessing, raw=(raw,))
    whole = [case for case in decode_golden(open_bundle(bundle).read_golden()) if set(case.inputs) == {spec.name}]
    cases = [
        dataclasses.replace(case, values={spec.name: case.inputs[spec.name].astype(np.float64) * scale + offset})
        for case in whole
    ]
    (bundle / GOLDEN).write_bytes(encode_golden(cases))
    change_manifest(bundle, preprocessing=rules, companions=())


def with_columns(bundle: Path) -> None:
    """Let the one input be made of two raw columns more, in another order, by two scales, each column's own."""
    manifest = open_bundle(bundle).manifest
    (spec,) = manifest.inputs
    width = int(spec.shape[-1])
    random = np.random.default_rng(0)
    order = random.permutation(width + 2)[:width].tolist()
    offset, factor = random.normal(size=width), random.uniform(0.5, 3, width)
    steps = (
        FeatureStep("select", columns=tuple(order)),
        FeatureStep("scale", subtract=tuple(offset.tolist()), multiply=tuple((1 / factor).tolist())),
        FeatureStep("scale", subtract=(0.0,), multiply=(0.5,), add=(-7.0,)),
    )
    raw = RawInput(spec.name, "float64", (*spec.shape[1:-1], width + 2), steps=steps)
    cases = []
    for case in decode_golden(open_bundle(bundle).read_golden()):
        if set(case.inputs) != {spec.name}:
            continue
        values = random.normal(size=(*case.inputs[spec.name].shape[:-1], width + 2))
        values[..., order] = (case.inputs[spec.name].astype(np.float64) + 7) * 2 * factor + offset
        cases.append(dataclasses.replace(case, values={spec.name: values}))
    (bundle / GOLDEN).write_bytes(encode_golden(cases))
    rules = dataclasses.replace(manifest.preprocessing, raw=(raw,))
    change_manifest(bundle, preprocessing=rules, companions=())


def free_time(bundle: Path) -> None:
    """Let the manifest say that the time axis is free."""
    manifest = open_bundle(bundle).manifest
    inputs = tuple(dataclasses.replace(spec, shape=("batch", "time", *spec.shape[2:])) for spec in manifest.inputs)
    change_manifest(bundle, inputs=inputs)

"""The kernels alone, built in several ways, against Keras's formulas in float64."""

from __future__ import annotations

import ctypes
import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest
from numpy.typing import NDArray

from deeprnn_export.targets.c.layouts import (
    GATES,
    CellWeights,
    dense_matrix,
    dense_vector,
    fast_cell,
    int8_columns,
    padded,
    plain_cell,
)
from tests.support.shared import made_once

KERNELS = Path(__file__).parents[4] / "export/deeprnn_export/targets/c/kernels"
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-pedantic")
COMPILERS = {"gcc": ("gcc", "-std=c99"), "clang": ("clang", "-std=c99")}
WAYS = {
    "O0": ("-O0",),
    "O3": ("-O3",),
    "native": ("-O3", "-march=native"),
    "scalar": ("-O3", "-DDR_SCALAR"),
}
CELLS = {"rnn": 0, "gru": 1, "lstm": 2}
TANH, SIGMOID = 1, 2


@pytest.fixture(scope="module", params=[(c, w) for c in COMPILERS for w in WAYS], ids="-".join)
def probe(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    compiler, way = request.param
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    source = Path(__file__).with_name("probe.c")
    flags = [*WAYS[way], *WARNINGS, "-fPIC", "-shared", f"-I{KERNELS}"]

    def build(folder: Path) -> None:
        subprocess.run([*COMPILERS[compiler], *flags, source, "-o", folder / "probe.so"], check=True)

    folder, _ = made_once(tmp_path_factory, f"probe-{compiler}-{way}", build)
    return ctypes.CDLL(str(folder / "probe.so"))


@pytest.mark.parametrize("language", ["gcc", "clang", "g++", "clang++"])
def test_the_headers_are_c99_and_c_plus_plus(language: str, tmp_path: Path) -> None:
    if shutil.which(language) is None:
        pytest.skip(f"{language} is not installed")
    for header in KERNELS.glob("*.h"):
        one = tmp_path / ("one.cpp" if language.endswith("++") else "one.c")
        one.write_text(f'#include "{header.name}"\n#include "{header.name}"\nint one;\n')
        standard = ("-std=c++11",) if language.endswith("++") else ("-std=c99",)
        subprocess.run(
            [language, *standard, *WARNINGS, f"-I{KERNELS}", "-c", one, "-o", tmp_path / "one.o"], check=True
        )


def test_a_kernel_needs_no_library_and_changes_nothing_static(tmp_path: Path) -> None:
    if shutil.which("gcc") is None or shutil.which("nm") is None:
        pytest.skip("gcc or nm is not installed")
    target = tmp_path / "probe.o"
    subprocess.run(
        ["gcc", "-std=c99", "-O2", f"-I{KERNELS}", "-c", Path(__file__).with_name("probe.c"), "-o", target], check=True
    )
    symbols = subprocess.run(["nm", target], check=True, capture_output=True, text=True).stdout
    kinds = {(match[1], match[2]) for match in re.finditer(r"([A-Za-z]) (\S+)$", symbols, re.MULTILINE)}
    # memcpy and memset are what compilers make of loops, also on a chip without a C library.
    assert {name for kind, name in kinds if kind == "U"} <= {"memcpy", "memset"}
    assert not {name for kind, name in kinds if kind in "bBdDC"}


@pytest.mark.one_in(24)
@pytest.mark.parametrize("steps", [1, 2, 13, 25])
@pytest.mark.parametrize("units", [3, 16, 40])
@pytest.mark.parametrize("inputs", [1, 5, 8])
@pytest.mark.parametrize("cell", CELLS)
def test_a_cell_is_kerass(probe: ctypes.CDLL, cell: str, inputs: int, units: int, steps: int) -> None:
    random = np.random.default_rng(steps * 100 + units)
    kernel, recurrent, bias = make_weights(random, cell, inputs, units)
    x = random.standard_normal((steps, inputs)).astype(np.float32)
    expected = reference(cell, kernel, recurrent, bias, x, np.ones(steps, bool))
    for projects in (0, 1):
        weights = fast_cell(cell, kernel, recurrent, bias)  # type: ignore[arg-type]
        found = run(probe, cell, weights, x, units, projects=projects)
        np.testing.assert_allclose(found, expected, rtol=0, atol=2e-6)
    plain = run(probe, cell, plain_cell(kernel, recurrent, bias), x, units, plain=1)
    np.testing.assert_allclose(plain, expected, rtol=0, atol=2e-6)


@pytest.mark.parametrize("projects", [0, 1])
@pytest.mark.parametrize("cell", ["gru", "lstm"])
def test_int8_weights_are_those_of_their_scale(probe: ctypes.CDLL, cell: str, projects: int) -> None:
    random = np.random.default_rng(3)
    kernel, recurrent, bias = make_weights(random, cell, 6, 20)
    x = random.standard_normal((30, 6)).astype(np.float32)
    weights = fast_cell(cell, kernel, recurrent, bias, narrow=True)  # type: ignore[arg-type]
    assert weights.kernel.dtype == weights.recurrent.dtype == np.int8
    largest = np.maximum(np.abs(kernel).max(0), np.abs(recurrent).max(0)) / 127
    rounded = [np.round(matrix / largest) * largest for matrix in (kernel, recurrent)]
    expected = reference(cell, *rounded, bias, x, np.ones(30, bool))
    found = run(probe, cell, weights, x, 20, projects=projects)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-5)


@pytest.mark.one_in(24)
@pytest.mark.parametrize("zero_masked", [0, 1])
@pytest.mark.parametrize("backwards", [0, 1])
@pytest.mark.parametrize("sequences", [0, 1])
@pytest.mark.parametrize("projects", [0, 1])
@pytest.mark.parametrize("padding", ["pre", "post", "inside", "all"])
def test_a_masked_step_leaves_the_states(
    probe: ctypes.CDLL, padding: str, projects: int, sequences: int, backwards: int, zero_masked: int
) -> None:
    random = np.random.default_rng(5)
    kernel, recurrent, bias = make_weights(random, "gru", 4, 16)
    x = random.standard_normal((29, 4)).astype(np.float32)
    mask = {
        "pre": np.arange(29) > 10,
        "post": np.arange(29) < 20,
        "inside": random.random(29) < 0.5,
        "all": np.zeros(29, bool),
    }[padding]
    expected = reference("gru", kernel, recurrent, bias, x, mask, backwards=backwards, zero_masked=zero_masked)
    found = run(
        probe, "gru", fast_cell("gru", kernel, recurrent, bias), x, 16,
        mask=mask, projects=projects, way=(sequences, backwards, zero_masked, 0),
    )  # fmt: skip
    np.testing.assert_allclose(found, expected if sequences else expected[0 if backwards else -1], rtol=0, atol=2e-6)


@pytest.mark.parametrize("projects", [0, 1])
@pytest.mark.parametrize("cell", CELLS)
def test_whole_and_cut_are_the_same_bits(probe: ctypes.CDLL, cell: str, projects: int) -> None:
    random = np.random.default_rng(7)
    weights = fast_cell(cell, *make_weights(random, cell, 9, 24))  # type: ignore[arg-type]
    x = random.standard_normal((40, 9)).astype(np.float32)
    whole = run(probe, cell, weights, x, 24, projects=projects)
    states = np.zeros((2, padded(24)), np.float32)
    cuts = [0, 1, 2, 5, 16, 29, 40]
    parts = [run(probe, cell, weights, x[a:b], 24, projects=projects, states=states) for a, b in pairwise(cuts)]
    np.testing.assert_array_equal(np.concatenate(parts), whole)


@pytest.mark.parametrize("outputs", [1, 7, 8, 16, 37])
def test_a_dense_layer_is_a_product(probe: ctypes.CDLL, outputs: int) -> None:
    random = np.random.default_rng(outputs)
    kernel, bias = random.standard_normal((11, outputs)).astype(np.float32), random.random(outputs).astype(np.float32)
    x = random.standard_normal((5, 11)).astype(np.float32)
    found = np.empty((5, outputs), np.float32)
    sizes = np.array([11, outputs, 0], np.int32)
    weights, padded_bias = aligned(dense_matrix(kernel)), dense_vector(bias)
    probe.probe_dense(at(sizes), at(weights), at(padded_bias), None, at(x), 5, at(found))
    np.testing.assert_allclose(found, x @ kernel + bias, rtol=0, atol=1e-5)
    if outputs >= 8:
        whole, scale = int8_columns(kernel)
        narrow = aligned(dense_matrix(whole.astype(np.int8)))
        probe.probe_dense(at(sizes), at(narrow), at(padded_bias), at(dense_vector(scale)), at(x), 5, at(found))
        np.testing.assert_allclose(found, x @ (whole * scale) + bias, rtol=0, atol=1e-5)


ACTIVATIONS: list[tuple[str, float]] = [
    ("linear", 0), ("tanh", 0), ("sigmoid", 0), ("relu", np.inf), ("leaky_relu", 0.2), ("elu", 1), ("selu", 0),
    ("softplus", 0), ("softsign", 0), ("hard_sigmoid", 1 / 6), ("hard_tanh", 0), ("hard_silu", 0), ("silu", 0),
    ("gelu", 0), ("gelu_tanh", 0), ("exponential", 0), ("log_sigmoid", 0), ("mish", 0), ("tanh_shrink", 0),
    ("soft_shrink", 0.5), ("hard_shrink", 0.5), ("sparse_plus", 0), ("sparse_sigmoid", 0), ("squareplus", 4),
    ("softmax", 0), ("log_softmax", 0), ("sparsemax", 0),
]  # fmt: skip


@pytest.mark.one_in(24)
@pytest.mark.parametrize(("name", "parameter"), ACTIVATIONS)
def test_an_activation_is_kerass(probe: ctypes.CDLL, name: str, parameter: float) -> None:
    kind = [known for known, _ in ACTIVATIONS].index(name)
    random = np.random.default_rng(1)
    x = np.concatenate([np.linspace(-9, 9, 721), random.standard_normal(500)]).astype(np.float32)
    random.shuffle(x)
    if name == "gelu_tanh":
        expected = np.asarray(keras.activations.gelu(x.astype(np.float64), approximate=True))
    else:
        expected = np.asarray(getattr(keras.activations, name)(x.astype(np.float64)[np.newaxis]))[0]
    found = x.copy()
    probe.probe_activation(kind, ctypes.c_float(parameter), at(found), len(found))
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=2e-6)


def test_a_nan_stays_one(probe: ctypes.CDLL) -> None:
    for kind, (name, parameter) in enumerate(ACTIVATIONS):
        x = np.array([np.nan], np.float32)
        probe.probe_activation(kind, ctypes.c_float(parameter), at(x), 1)
        assert np.isnan(x[0]) or name == "sparsemax", name
    kernel, recurrent, bias = make_weights(np.random.default_rng(0), "lstm", 2, 16)
    assert np.isnan(run(probe, "lstm", fast_cell("lstm", kernel, recurrent, bias), np.full((1, 2), np.nan), 16)).all()


def at(array: NDArray[Any] | None) -> Any:
    return None if array is None else array.ctypes.data_as(ctypes.c_void_p)


def aligned(array: NDArray[Any]) -> NDArray[Any]:
    """The elements at a multiple of 32 bytes, with 8 more behind them, as in the C text."""
    flat = np.ravel(array)
    memory = np.zeros(flat.nbytes + 32 + 8 * flat.itemsize, np.uint8)
    start = -memory.ctypes.data % 32
    found = memory[start : start + flat.nbytes + 8 * flat.itemsize].view(flat.dtype)
    found[: flat.size] = flat
    return found


def make_weights(random: np.random.Generator, cell: str, inputs: int, units: int) -> tuple[NDArray[Any], ...]:
    columns = GATES[cell] * units  # type: ignore[index]
    shapes = [(inputs, columns), (units, columns), (2, columns) if cell == "gru" else (columns,)]
    return tuple((random.standard_normal(shape) / np.sqrt(units)).astype(np.float32) for shape in shapes)


def run(
    probe: ctypes.CDLL,
    cell: str,
    weights: CellWeights,
    x: NDArray[Any],
    units: int,
    *,
    mask: NDArray[Any] | None = None,
    projects: int = 0,
    plain: int = 0,
    way: tuple[int, int, int, int] = (1, 0, 0, 0),
    states: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    steps, inputs = x.shape
    states = np.zeros((2, padded(units)), np.float32) if states is None else states
    to = np.empty((steps, units) if way[0] else (units,), np.float32)
    room = np.empty(padded(units) * (5 + 12 * 4), np.float32)
    sizes = np.array([CELLS[cell], inputs, units, plain, projects, 1, TANH, SIGMOID], np.int32)
    kernel, recurrent = aligned(weights.kernel), aligned(weights.recurrent)
    kept = None if mask is None else mask.astype(np.float32)
    probe.probe_recurrence(
        at(sizes), at(np.array(way, np.int32)), at(np.zeros(2, np.float32)), at(kernel), at(recurrent),
        at(weights.bias), at(weights.scale), at(np.ascontiguousarray(x, np.float32)), at(kept), steps,
        at(states[0]), at(states[1]), at(to), at(room),
    )  # fmt: skip
    return to


def reference(
    cell: str,
    kernel: NDArray[Any],
    recurrent: NDArray[Any],
    bias: NDArray[Any],
    x: NDArray[Any],
    mask: NDArray[np.bool_],
    *,
    backwards: int = 0,
    zero_masked: int = 0,
) -> NDArray[np.float64]:
    """Keras's formulas over all steps, in the order of time."""
    units = recurrent.shape[0]
    h = c = np.zeros(units)
    out = np.zeros((len(x), units))
    for t in reversed(range(len(x))) if backwards else range(len(x)):
        if mask[t]:
            h, c = step(cell, x[t].astype(np.float64) @ kernel, h, c, recurrent, bias)
        out[t] = 0 if zero_masked and not mask[t] else h
    return out


def step(
    cell: str, z: NDArray[Any], h: NDArray[Any], c: NDArray[Any], recurrent: NDArray[Any], bias: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    def sigmoid(x: NDArray[Any]) -> NDArray[Any]:
        return 1 / (1 + np.exp(-x))

    if cell == "rnn":
        return np.tanh(z + h @ recurrent + bias), c
    if cell == "lstm":
        i, f, g, o = np.split(z + h @ recurrent + bias, 4)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return sigmoid(o) * np.tanh(c), c
    (xz, xr, xn), (hz, hr, hn) = np.split(z + bias[0], 3), np.split(h @ recurrent + bias[1], 3)
    update, candidate = sigmoid(xz + hz), np.tanh(xn + sigmoid(xr + hr) * hn)
    return update * h + (1 - update) * candidate, c

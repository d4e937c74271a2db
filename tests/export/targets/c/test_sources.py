"""Whole files of C: compiled in several ways, under sanitizers, and as C++; each replays its golden vectors itself."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import numpy as np
import pytest

from deeprnn_edge.errors import InputError, UnsupportedModelError
from deeprnn_export.lowering.target import Conversion
from deeprnn_export.parity.grid import make_grid
from deeprnn_export.parity.reference import keras_answers
from deeprnn_export.parity.tolerance import reduced_tolerance
from deeprnn_export.reading.signature import read_signature
from deeprnn_export.targets.c.convert import convert_to_c, store_weights
from deeprnn_export.targets.conversion_input import ConversionInput
from tests.support.conformance.row import weighted
from tests.support.keras_models import CELLS, randomised

layers = keras.layers
WARNINGS = ("-Wall", "-Wextra", "-Werror", "-pedantic")
BUILDS: dict[str, tuple[str, ...]] = {
    "gcc -O0": ("gcc", "-std=c99", "-O0"),
    "gcc -O3 native": ("gcc", "-std=c99", "-O3", "-march=native"),
    "gcc scalar": ("gcc", "-std=c99", "-O2", "-DDR_SCALAR"),
    "gcc portable": ("gcc", "-std=c99", "-O2", "-DFEW_PORTABLE"),
    "gcc sanitized": (
        "gcc", "-std=c99", "-O1", "-g", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
    ),
    "clang": ("clang", "-std=c99", "-O2"),
    "clang sanitized": (
        "clang", "-std=c99", "-O1", "-fsanitize=address,undefined", "-fno-sanitize-recover=all",
    ),
    "g++": ("g++", "-std=c++11", "-O1", "-x", "c++"),
    "clang++": ("clang++", "-std=c++11", "-O1", "-x", "c++"),
}  # fmt: skip


def text(cell: str) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((None,), dtype="int32", name="tokens"),
            layers.Embedding(30, 6, mask_zero=True),
            CELLS[cell](20, return_sequences=True),
            CELLS[cell](7),
            layers.Dense(1, activation="sigmoid"),
        ],
        name="few",
    )


def both_ways(cell: str) -> keras.Model:
    inputs = keras.Input((9, 3), name="series")
    read = layers.Bidirectional(CELLS[cell](5, return_sequences=True))(layers.Masking()(inputs))
    attended = layers.Attention()([read, read])
    pooled = layers.GlobalAveragePooling1D()(layers.LayerNormalization()(layers.Add()([read, attended])))
    return keras.Model(inputs, layers.Dense(3, activation="softmax")(pooled), name="few")


def causal(cell: str) -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((None, 3), name="x"),
            layers.Conv1D(9, 3, padding="causal", dilation_rate=2, activation="gelu"),
            layers.BatchNormalization(),
            CELLS[cell](90, return_sequences=True),
            layers.TimeDistributed(layers.Dense(8, activation="relu")),
        ],
        name="few",
    )


MODELS: dict[str, Callable[[str], keras.Model]] = {"text": text, "both ways": both_ways, "causal": causal}


def source_of(model: keras.Model, **fields: Any) -> ConversionInput:
    signature = read_signature(model)
    grid = [case for case in make_grid(signature, length=9) if "batch 32" not in case.name]
    return ConversionInput(
        model=model,
        signature=signature,
        cases=keras_answers(model, signature, grid),
        outputs=signature.outputs,
        name=model.name,
        **fields,
    )


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str, str], Path]:
    """Each model's files, written when they are first asked for."""
    known: dict[str, Path] = {}

    def make(name: str, precision: str) -> Path:
        key = f"{name}-{precision}"
        if key not in known:
            folder = tmp_path_factory.mktemp(key.replace(" ", "_"))
            cell = {"text": "gru", "both ways": "rnn", "causal": "lstm"}[name]
            # Ninety units of weights of 0.4 are chaotic: they grow any rounding, as no trained network does.
            source = source_of(weighted(lambda: MODELS[name](cell), 0.1 if name == "causal" else 0.4))
            if precision == "fp32":
                converted = convert_to_c(source)
            else:
                atol = reduced_tolerance(precision, 0.05, source.answers(), None).atol  # as the export allows
                converted = store_weights(source, precision, lambda: converted, atol, lambda _: None)
            stem = "model" if precision == "fp32" else f"model.{precision}"
            write(folder, converted, stem)
            known[key] = folder
        return known[key]

    return make


def write(folder: Path, converted: Conversion, stem: str = "model") -> None:
    for path, content in {f"{stem}.c": converted.content, **converted.companions}.items():
        (folder / path).write_bytes(content)


# Each build with each model, every other one in int8: each compiles for seconds.
PRECISIONS = ("fp32", "int8")
REPLAYED = [
    (build, name, PRECISIONS[(row + column) % 2])
    for row, build in enumerate(BUILDS)
    for column, name in enumerate(MODELS)
]


@pytest.mark.one_in(9)
@pytest.mark.parametrize(("build", "name", "precision"), REPLAYED)
def test_a_file_replays_its_golden_vectors(
    made: Callable[[str, str], Path], build: str, name: str, precision: str, tmp_path: Path
) -> None:
    compiler, *flags = BUILDS[build]
    if shutil.which(compiler) is None:
        pytest.skip(f"{compiler} is not installed")
    folder = made(name, precision)
    program = tmp_path / "program"
    stem = "model" if precision == "fp32" else f"model.{precision}"
    files = [folder / f"{stem}.c", folder / f"{stem}_test.c"]
    subprocess.run([compiler, *flags, *WARNINGS, *files, "-o", program], check=True)
    done = subprocess.run([program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert re.fullmatch(r"ok: \d+ rows, the largest difference from Keras is \S+\n", done.stdout)


def test_a_self_test_can_fail(made: Callable[[str, str], Path], tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    folder = made("text", "fp32")
    changed = re.sub(r"(bias_\d+\[1\] DR_ALIGNED = \{\n  )", r"\g<1>0.5f + ", (folder / "model.c").read_text())
    (tmp_path / "model.c").write_text(changed)
    for path in ("model.h", "model_test.c"):
        shutil.copy(folder / path, tmp_path)
    subprocess.run(["gcc", tmp_path / "model.c", tmp_path / "model_test.c", "-o", tmp_path / "program"], check=True)
    done = subprocess.run([tmp_path / "program"], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert done.stdout.startswith("failed: ")


@pytest.mark.slow
def test_a_file_allocates_nothing_and_writes_nothing_static(made: Callable[[str, str], Path], tmp_path: Path) -> None:
    if shutil.which("gcc") is None or shutil.which("nm") is None:
        pytest.skip("gcc or nm is not installed")
    for name in MODELS:
        target = tmp_path / "model.o"
        subprocess.run(["gcc", "-std=c99", "-O2", "-c", made(name, "fp32") / "model.c", "-o", target], check=True)
        listed = subprocess.run(["nm", target], check=True, capture_output=True, text=True).stdout
        symbols = re.findall(r"([A-Za-z]) (\S+)$", listed, re.MULTILINE)
        # __cpu_model: what gcc's own library knows of the processor; the table is how code that moves finds it.
        allowed = {"memcpy", "memset", "__cpu_model", "_GLOBAL_OFFSET_TABLE_"}
        assert {one for kind, one in symbols if kind == "U"} <= allowed
        assert not {one for kind, one in symbols if kind in "bBDC"}
        public = {one for kind, one in symbols if kind == "T"}
        assert public <= {"few_run", "few_push", "few_reset"}


def test_the_same_model_is_the_same_bytes() -> None:
    made = []
    for _ in range(2):
        keras.backend.clear_session()
        made.append(convert_to_c(source_of(randomised(text("lstm"), scale=0.4))))
    one, other = made
    assert one.content == other.content
    assert one.companions == other.companions


@pytest.mark.parametrize("prefix", ["", "1st", "two words", "int", "dr_kernel", "a" * 41, "x;system", "ü"])
def test_a_prefix_that_is_no_name_is_refused(prefix: str) -> None:
    with pytest.raises(InputError, match="c_prefix="):
        convert_to_c(source_of(randomised(text("rnn"), scale=0.4), prefix=prefix))


def test_names_from_the_model_stay_in_comments() -> None:
    name = "*/ int x; /* ??/\n#define y \\"
    inputs = keras.Input((5, 2), name="in")
    model = keras.Model(inputs, layers.SimpleRNN(3, name="a-b>c")(inputs), name="few")
    source = source_of(randomised(model, scale=0.4))
    written = convert_to_c(ConversionInput(**{**vars(source), "name": name, "prefix": "safe"}))
    for content in (written.content, *written.companions.values()):
        plain = re.sub(rb"/\*.*?\*/", b"", content, flags=re.DOTALL)
        assert b"??" not in content
        assert b"int x" not in plain
        assert b"define y" not in plain


def test_a_layer_without_a_kernel_is_refused_by_its_name() -> None:
    inputs = keras.Input((5, 4), name="x")
    read = layers.GRU(4, return_sequences=True)(inputs)
    heads = layers.MultiHeadAttention(2, 2, name="heads")(read, read)
    with pytest.raises(UnsupportedModelError, match="heads"):
        convert_to_c(source_of(randomised(keras.Model(inputs, heads), scale=0.4)))


def test_two_free_lengths_are_refused() -> None:
    source, target = (keras.Input((None, 3), name=name) for name in ("source", "target"))
    _, *states = layers.GRU(4, return_state=True)(source)
    model = keras.Model([source, target], layers.GRU(4)(target, initial_state=states))
    with pytest.raises(UnsupportedModelError, match=r"'source' and 'target'.*fixed lengths"):
        convert_to_c(source_of(randomised(model, scale=0.4)))


def test_a_streaming_file_says_how(made: Callable[[str, str], Path]) -> None:
    header = (made("text", "fp32") / "model.h").read_text()
    assert "int few_run(const int32_t *ids, int32_t steps, float *out);" in header
    assert "int few_push(few_state *state, const int32_t *ids, int32_t steps, float *out);" in header
    assert "int32 ids in [0, 30)" in header
    whole = (made("both ways", "fp32") / "model.h").read_text()
    assert "int few_run(const float *features, float *out, float *work);" in whole
    assert "few_push" not in whole


def test_ids_out_of_range_are_an_error(made: Callable[[str, str], Path], tmp_path: Path) -> None:
    if shutil.which("gcc") is None:
        pytest.skip("gcc is not installed")
    (tmp_path / "main.c").write_text(
        '#include "model.h"\n'
        "int main(void) {\n"
        "  const int32_t good[2] = {29, 0}, high[2] = {1, 30}, low[2] = {-1, 1};\n  float out = 7.0f;\n"
        "  if (few_run(high, 2, &out) != 1 || few_run(low, 2, &out) != 1 || out != 7.0f) return 1;\n"
        "  if (few_run(good, 0, &out) != FEW_BAD_STEPS || few_run(good, -3, &out) != FEW_BAD_STEPS) return 2;\n"
        "  return few_run(good, 2, &out) == 0 && out != 7.0f ? 0 : 3;\n}\n"
    )
    folder = made("text", "fp32")
    subprocess.run(
        ["gcc", f"-I{folder}", tmp_path / "main.c", folder / "model.c", "-o", tmp_path / "program"], check=True
    )
    assert subprocess.run([tmp_path / "program"], check=False).returncode == 0


def test_a_number_reads_back_as_itself() -> None:
    from deeprnn_export.targets.c.literals import number

    random = np.random.default_rng(0)
    for value in random.integers(0, 2**32, 2000, np.uint32).view(np.float32):
        if np.isfinite(value):
            assert np.float32(number(float(value)).rstrip("f")) == value

"""Raw values become a model's input as NumPy says it, in every form that people have them; what cannot is one line."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from deeprnn_edge.bundle.feature_steps import FeatureStep, RawInput
from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import InputError
from deeprnn_edge.inputs.features import FeatureEncoder
from tests.support.summing_model import Summing, make

MEAN, SCALE = np.array([1.0, -200.0, 3e9]), np.array([0.5, 10.0, 1e5])
AFFINE = FeatureStep("scale", subtract=tuple(MEAN.tolist()), multiply=tuple((1 / SCALE).tolist()))
RAW = np.random.default_rng(0).normal(size=(4, 7, 3)) * SCALE + MEAN


class Frame:
    """Stands in for a data frame: columns by name."""

    def __init__(self, columns: dict[str, Any]) -> None:
        self._columns = columns

    @property
    def columns(self) -> list[str]:
        return list(self._columns)

    def __getitem__(self, name: str) -> Any:
        return self._columns[name]

    def __contains__(self, name: str) -> bool:
        return name in self._columns


def encoder(*steps: FeatureStep, width: int | str = 3, rules: Any = None, **options: Any) -> FeatureEncoder:
    given: dict[str, Any] = {"dtype": "float64", "shape": ("time", width), "steps": steps} | options
    raw = RawInput("x", **given)
    return FeatureEncoder(raw, TensorSpec("x", "float32", ("batch", "time", 3)), rules or Preprocessing("sequence"))


def test_a_scaler_is_its_formula_in_float64() -> None:
    made = encoder(AFFINE).rows(RAW)
    np.testing.assert_array_equal(made, ((RAW - MEAN) / SCALE).astype(np.float32))
    # In float32 the third column would be off by half its scale.
    assert np.abs((RAW.astype(np.float32) - MEAN.astype(np.float32)) / SCALE - made).max() > 1e-4


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("steps", [(), (FeatureStep("select", columns=(2, 0, 1)),)])
def test_raw_float32_that_nothing_scales_gives_no_warning(steps: tuple[FeatureStep, ...]) -> None:
    raw = np.random.default_rng(1).normal(size=(4, 3)).astype(np.float32)
    (made,) = encoder(*steps, dtype="float32").rows(raw)
    np.testing.assert_array_equal(made, raw[:, [2, 0, 1]] if steps else raw)


def test_selecting_adding_and_clipping() -> None:
    select = FeatureStep("select", columns=(5, 0, 2))
    scale = FeatureStep("scale", subtract=(0.0,), multiply=(2.0, 3.0, 4.0), add=(1.0,))
    clip = FeatureStep("clip", low=(-1.0,), high=(1.0, 2.0, 3.0))
    wide = np.random.default_rng(1).normal(size=(4, 6))
    (made,) = encoder(select, scale, clip, width="columns").rows(wide)
    expected = np.clip(wide[:, [5, 0, 2]] * [2, 3, 4] + 1, -1, [1, 2, 3])
    np.testing.assert_array_equal(made, expected.astype(np.float32))


@pytest.mark.parametrize(
    "items",
    [
        RAW[0],
        RAW[0].tolist(),
        RAW[:1],
        [RAW[0]],
        dict(zip("cab", RAW[0].T[[2, 0, 1]], strict=True)),
        [dict(zip("abc", row, strict=True)) for row in RAW[0].tolist()],
        Frame(dict(zip("xcba", RAW[0].T[[0, 2, 1, 0]], strict=True))),
        [Frame(dict(zip("abc", RAW[0].T, strict=True)))],
    ],
    ids=["array", "lists", "batch", "list", "columns", "rows", "frame", "frames"],
)
def test_an_item_in_every_form(items: Any) -> None:
    (made,) = encoder(AFFINE, columns=("a", "b", "c")).rows(items)
    np.testing.assert_array_equal(made, ((RAW[0] - MEAN) / SCALE).astype(np.float32))


def test_a_table_of_numbers_and_words() -> None:
    steps = (
        FeatureStep("lookup", keys=("walk", "run"), columns=(1,)),
        FeatureStep("one_hot", size=2, form="one", columns=(1,)),
        FeatureStep("scale", subtract=(10.0, 0.0, 0.0), multiply=(0.5, 1.0, 1.0)),
    )
    table = encoder(*steps, dtype="any", width=2, columns=("speed", "gait"))
    for given in ([[12, "run"], [8.5, "walk"]], {"gait": ["run", "walk"], "speed": [12, 8.5]}):
        np.testing.assert_array_equal(table.rows(given), [[[1, 0, 1], [-0.75, 1, 0]]])
    with pytest.raises(InputError, match="item 0: 'fly' is none of the 2 categories that the model knows"):
        table.rows([[1, "fly"]])
    with pytest.raises(InputError, match="item 0: 'fast' stands where the model takes a number"):
        table.rows([["fast", "run"]])


def test_classes_together_and_counted() -> None:
    values = [[0, 5.5, 2], [1, -1, 1]]
    for form, both in (("multi", [1, 1, 1]), ("count", [1, 2, 1])):
        (made,) = encoder(FeatureStep("one_hot", size=3, form=form, columns=(0, 2))).rows(values)
        np.testing.assert_array_equal(made, [[1, 0, 1, 5.5], [0, min(2, both[1]), 0, -1]])


WINDOWS = {
    (8, 4, "refuse"): {8: 1, 16: 3, 9: None, 7: None},
    (8, 4, "cut"): {8: 1, 17: 3, 7: None},
    (8, 4, "pad"): {8: 1, 9: 2, 16: 3, 3: 1},
    (2, 5, "refuse"): {2: 1, 4: 1, 5: 1, 6: None, 7: 2},
    (2, 5, "pad"): {5: 1, 6: 2},
}


@pytest.mark.parametrize("how", WINDOWS)
def test_windows(how: tuple[int, int, str]) -> None:
    length, hop, rest = how
    cutting = encoder(
        FeatureStep("window", length=length, hop=hop, rest=rest), rules=Preprocessing("sequence", pad_value=9)
    )
    for steps, count in WINDOWS[how].items():
        item = np.arange(steps * 3.0).reshape(steps, 3) + 100
        if count is None:
            with pytest.raises(InputError, match=f"{steps} steps make no whole number of windows of {length}"):
                cutting.rows(item)
            continue
        made = cutting.rows(item)
        assert [len(window) for window in made] == [length] * count
        for number, window in enumerate(made):
            part = item[number * hop : number * hop + length]
            kept = window[length - len(part) :]  # padded in front, as these rules have it
            np.testing.assert_array_equal(kept, part)
            assert (window[: length - len(part)] == 9).all()


@pytest.mark.parametrize(
    ("items", "said"),
    [
        (RAW[0, :, :2], r"item 0: raw values of the shape \(7, 2\); expected numbers of the shape \(time, 3\)"),
        (RAW[0, 0], "item 0: raw values of the shape"),
        ([[["1", "2", "3"]]], "dtype <U1"),
        ([[1, 2, 3], [1, 2]], "item 0: raw values are no array"),
        ({"a": [1], "b": [2]}, "the table has no column 'c'; expected a, b, c"),
        ({"a": [1], "b": [2, 3], "c": [4]}, "columns are of unequal length"),
        ([{"a": 1, "b": 2, "c": 3}, {"a": 1}], "dtype object"),
    ],
)
def test_what_is_no_raw_item(items: Any, said: str) -> None:
    with pytest.raises(InputError, match=said):
        encoder(AFFINE, columns=("a", "b", "c")).rows(items)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_missing_value_is_refused_by_every_step(bad: float) -> None:
    item = RAW[0].copy()
    item[3, 1] = bad
    for step in (FeatureStep("bins", boundaries=(0.0,)), FeatureStep("clip", low=(0.0,), high=(1.0,))):
        with pytest.raises(InputError, match="NaN or infinite"):
            encoder(step).rows(item)
    rules = Preprocessing(
        "sequence",
        raw=(RawInput("x", "float64", ("time", 2), steps=(FeatureStep("scale", subtract=(0.0,), multiply=(1.0,)),)),),
    )
    model = make(Summing(), rules)
    with pytest.raises(InputError, match=r"NaN in row 0|infinite"):
        model.predict(item[:, :2])


def test_predict_takes_raw_values_and_run_the_models_own() -> None:
    step = FeatureStep("scale", subtract=(1.0, 2.0), multiply=(2.0, 4.0))
    rules = Preprocessing("sequence", max_length=7, raw=(RawInput("x", "float64", ("time", 2), steps=(step,)),))
    model = make(Summing(), rules)
    raw = RAW[:, :5, :2]
    scaled = (raw - [1, 2]) * [2, 4]
    np.testing.assert_allclose(model.predict(raw), scaled.sum(axis=1), rtol=1e-6)  # padded with 0 behind the scaler
    np.testing.assert_allclose(model.run(raw)["y"], raw.sum(axis=1), rtol=1e-6)
    assert model.predict([]).shape == (0, 2)
    with pytest.raises(InputError, match=r"expected \(batch, time, 2\); raw values go to predict, and run takes"):
        model.run(RAW)
    with pytest.raises(InputError, match=r"NaN in row 0; fill or drop missing values first$"):
        model.predict(raw * np.nan)

"""How hypothesis draws an architecture: small parts, each of which shrinks to its simplest."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from tests.support.random_models.descriptions import (
    ACTIVATIONS,
    AFTER,
    FRONTS,
    HEADS,
    NATIVE_ACTIVATIONS,
    Architecture,
    Branch,
    Cell,
    Recurrent,
    settled,
)

# Shrinks to the first; a fair coin for every option would leave no plain layer among those drawn.
seldom = st.sampled_from([False, False, False, False, True])
sizes = st.integers(1, 8)


def some_of(names: tuple[str, ...], *, most: int) -> st.SearchStrategy[tuple[str, ...]]:
    """Mostly none, at times a few names in any order."""
    few = st.lists(st.sampled_from(names), max_size=most, unique=True).map(tuple)
    return st.one_of(st.just(()), st.just(()), few)


def cells(activations: tuple[str, ...], kinds: tuple[str, ...]) -> st.SearchStrategy[Cell]:
    """One cell with activations and of kinds among these."""
    return st.builds(
        Cell,
        kind=st.sampled_from(kinds),
        units=sizes,
        activation=st.sampled_from(activations),
        recurrent_activation=st.sampled_from(tuple(dict.fromkeys(("sigmoid", *activations)))),
        use_bias=st.sampled_from([True, True, True, False]),
        reset_after=st.booleans().map(lambda value: not value),
        dropout=seldom,
    )


@st.composite
def recurrent_layers(draw: st.DrawFn, activations: tuple[str, ...], kinds: tuple[str, ...]) -> Recurrent:
    """One recurrent layer; most options are left alone most of the time."""
    single = st.tuples(cells(activations, kinds))
    stacked = st.lists(cells(activations, kinds), min_size=2, max_size=3).map(tuple)
    return Recurrent(
        cells=draw(st.one_of(single, single, single, single, stacked)),
        as_cell=draw(seldom),
        merge=draw(st.sampled_from(["no", "no", "no", "no", "concat", "sum", "mul", "ave", "apart"])),
        go_backwards=draw(seldom),
        unroll=draw(seldom),
        zero_output_for_mask=draw(seldom),
        stateful=draw(st.sampled_from([False] * 14 + [True])),
        start=draw(st.sampled_from(["zeros", "zeros", "zeros", "previous", "input"])),
        residual=draw(seldom),
        nested=draw(st.sampled_from([False] * 9 + [True])),
        twice=draw(st.sampled_from([False] * 9 + [True])),
        after=draw(some_of(AFTER, most=2)),
    )


branches = st.builds(
    Branch,
    kind=st.sampled_from(["features", "ids"]),
    dtype=st.sampled_from(["float32", "int32", "int64"]),
    width=sizes,
    mask=st.booleans(),
    mask_value=st.sampled_from([0.0, -1.0, 2.5]),
    front=some_of(FRONTS, most=2),
)


@st.composite
def architectures(draw: st.DrawFn) -> Architecture:
    """Any architecture that has to convert."""
    pools = ("tanh",), ("tanh",), NATIVE_ACTIVATIONS, ACTIVATIONS
    activations = draw(st.sampled_from(pools))
    kinds = draw(st.sampled_from([("simple", "lstm", "gru")] * 6 + [("simple", "lstm", "gru", "custom")]))
    stack = draw(st.lists(recurrent_layers(activations, kinds), min_size=1, max_size=5))
    if len(stack) > 1 and draw(seldom):  # chance alone seldom gives an encoder and a decoder of one size
        first, second, *rest = stack
        second = replace(second, cells=first.cells[:1], merge=first.merge, start="previous")
        stack = [replace(first, cells=first.cells[:1]), second, *rest]
    return settled(
        Architecture(
            branches=tuple(draw(st.one_of(st.tuples(branches), st.tuples(branches), st.tuples(branches, branches)))),
            join=draw(st.sampled_from(["concat", "add"])),
            explicit_mask=draw(st.sampled_from([False] * 7 + [True])),
            steps=draw(st.integers(1, 9)),
            free_time=draw(st.booleans()),
            batch=draw(st.sampled_from([0, 0, 0, 0, 0, 0, 1, 2])),
            layers=tuple(stack),
            head=draw(st.sampled_from(("last", "last", "last", *HEADS))),
            states_out=draw(seldom),
            second_output=draw(seldom),
            form=draw(st.sampled_from(["functional", "functional", "sequential", "sequential", "subclassed"])),
            seed=draw(st.integers(0, 999)),
        )
    )

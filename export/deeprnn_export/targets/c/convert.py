"""Convert a model to C source: trace it, lay it out, write it with its header and its self-test."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from deeprnn_edge.bundle.golden import Case, cases_for
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import UnsupportedModelError
from deeprnn_export.lowering.program.form import Program
from deeprnn_export.lowering.program.trace import Traced, trace_program
from deeprnn_export.lowering.target import Conversion
from deeprnn_export.streaming.plan import plan_stream
from deeprnn_export.targets.c import TARGET
from deeprnn_export.targets.c.layout import lay_out
from deeprnn_export.targets.c.names import check_prefix, default_prefix
from deeprnn_export.targets.c.self_test import write_self_test
from deeprnn_export.targets.c.source import write_source
from deeprnn_export.targets.c.streams import carried_shapes, streams
from deeprnn_export.targets.conversion_input import ConversionInput
from deeprnn_export.targets.target import Progress
from deeprnn_export.targets.weights import check_matrices

_TITLE = "C"


def convert_to_c(source: ConversionInput) -> Conversion:
    """Write a model with weights of float32.

    Raises:
        UnsupportedModelError: for a layer that there is no kernel for, by its name.
        InputError: for a prefix that begins no C name.
    """
    return _write(source, "fp32", source.tolerance.atol)


def store_weights(
    source: ConversionInput,
    precision: str,
    exact: Callable[[], Conversion],  # noqa: ARG001 - made from the model itself
    largest_difference: float,
    progress: Progress,  # noqa: ARG001 - takes no time
) -> Conversion:
    """Write a model with tables and large matrices of int8, as ``convert_to_c`` does.

    Args:
        source: the model.
        precision: ``int8``.
        exact: the source with float32.
        largest_difference: what the self-test allows.
        progress: told nothing.

    Raises:
        UnsupportedModelError: for a weight that no int8 can hold, and for what C has no kernel for.
    """
    check_matrices(source.model, precision, way_out=TARGET.way_out)
    return _write(source, precision, largest_difference)


def _write(source: ConversionInput, precision: str, atol: float) -> Conversion:
    given = default_prefix(source.name) if source.prefix is None else check_prefix(source.prefix)
    exact = precision == "fp32"
    # Both precisions of a model link into one program.
    prefix, stem = (given, "model") if exact else (f"{given}_{precision}", f"model.{precision}")
    traced, inputs, outputs = _trace(source)
    integers = [spec.name for spec in outputs if spec.dtype != "float32"]
    if integers:
        raise UnsupportedModelError(
            f"the output {integers[0]!r} is not float32, and C functions give floats: leave the layer behind it out"
        )
    layout = lay_out(traced.program, prefix, inputs, outputs)
    written = write_source(traced.program, layout, name=source.name, narrow=not exact)
    names = {spec.name for spec in inputs}
    cases = [_plain(case, names, {spec.name for spec in outputs}) for case in cases_for(names, source.cases)]
    test = write_self_test(layout, cases, header=f"{stem}.h", atol=atol)
    return Conversion(
        written.code.encode("ascii"),
        traced.recurrences,
        written.stored,
        {f"{stem}.h": written.header.encode("ascii"), f"{stem}_test.c": test.encode("ascii")},
    )


def _trace(source: ConversionInput) -> tuple[Traced, tuple[TensorSpec, ...], tuple[TensorSpec, ...]]:
    """Trace the program with the time axis free where the model streams; else for the sizes that it was built for."""
    plan = source.stream
    model_inputs = source.signature.inputs if plan is None else source.signature.inputs[: len(plan.spec.inputs)]
    try:
        spec = (plan or plan_stream(source.model, replace(source.signature, inputs=model_inputs))).spec
        traced = trace_program(source.model, spec.inputs, target=_TITLE)
        if _carries(traced.program, [tuple(state.shape[1:]) for state in spec.states]):
            return traced, spec.inputs, spec.outputs
    except UnsupportedModelError:
        if plan is not None:
            raise
    inputs, outputs = model_inputs, source.signature.outputs[: len(source.outputs)]
    return trace_program(source.model, inputs, target=_TITLE), inputs, outputs


def _carries(program: Program, shapes: list[tuple[int | str, ...]]) -> bool:
    """Return whether a program goes on from the very states that the stream's plan has."""
    return streams(program) and carried_shapes(program) == shapes


def _plain(case: Case, inputs: set[str], outputs: set[str]) -> Case:
    return Case(
        case.name,
        {name: array for name, array in case.inputs.items() if name in inputs},
        {name: array for name, array in case.outputs.items() if name in outputs},
    )

"""Run ``.c`` artifacts: source that is compiled once on this machine, and only with permission.

Enters: C source, then arrays by input name. Leaves: arrays by output name, steps of a stream.
Looks at: what the runtimes share, never at another runtime.
"""

from __future__ import annotations

from deeprnn_edge.runtimes.file_inspection import FileInspection
from deeprnn_edge.runtimes.runtime import Runtime
from deeprnn_edge.runtimes.session import Session


# Imported as they are called: most programs run artifacts of other formats.
def _open(content: bytes, path: str, *, threads: int, steps: bool) -> Session:  # noqa: ARG001 - one thread, one file
    from deeprnn_edge.runtimes.c.session import CSession

    return CSession(content, path)


def _inspect(content: bytes, path: str, *, precision: str | None = None) -> FileInspection:
    from deeprnn_edge.runtimes.c.inspection import inspect_source

    return inspect_source(content, path, precision=precision)


def _check(content: bytes, path: str) -> None:
    from deeprnn_edge.runtimes.c.description import read_description

    read_description(content, path)


_START_MODEL = b"""/* deeprnn-edge: {\
"inputs":[{"axes":[],"dtype":"float32","kind":"floats","name":"x","shape":["batch"]}],\
"operations":{},"outputs":[{"axes":[],"dtype":"float32","kind":"floats","name":"y","shape":["batch"]}],\
"prefix":"start","state_floats":0,"states":[],"streams":false,"version":1,"weights_bytes":0,"work":[0,0,0]} */
int deeprnn_edge_run(int rows, int steps, const void *const *inputs, float *const *outputs, float *work);
int deeprnn_edge_run(int rows, int steps, const void *const *inputs, float *const *outputs, float *work) {
  int row;
  for (row = 0; row < rows; row++) outputs[0][row] = ((const float *)inputs[0])[row];
  (void)steps;
  (void)work;
  return 0;
}
"""

RUNTIME = Runtime(
    name="c",
    title="C",
    library="a C compiler",
    package="ziglang",
    open=_open,
    inspect=_inspect,
    check=_check,
    recurrent_operators=frozenset({"Recur"}),
    loop_operators=frozenset(),
    start_model=_START_MODEL,
    native=True,
    streams_itself=True,
)

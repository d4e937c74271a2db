"""Open the streams of a loaded model, which all share one session, opened for the first."""

from __future__ import annotations

import math
import operator
import threading
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray

from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.bundle import Bundle
from deeprnn_edge.bundle.manifest import Manifest
from deeprnn_edge.bundle.tensors import StreamSpec
from deeprnn_edge.errors import BundleError, InputError
from deeprnn_edge.files import limits
from deeprnn_edge.inference.stream import Stream, open_stream
from deeprnn_edge.inputs.arrays import Arrays
from deeprnn_edge.inputs.chunks import ChunkRules
from deeprnn_edge.inputs.items import make_encoders
from deeprnn_edge.inputs.text import TextEncoder
from deeprnn_edge.runtimes import forks
from deeprnn_edge.runtimes.artifacts import open_artifact, stream_artifact
from deeprnn_edge.runtimes.session import Session
from deeprnn_edge.runtimes.states import check_state


class Streaming:
    """Open streams, from several threads at once."""

    def __init__(
        self,
        bundle: Bundle,
        artifact: Artifact,
        session: Session,
        encoder: TextEncoder,
        *,
        threads: int,
        allow_native_code: bool = False,
    ) -> None:
        self._bundle, self._artifact, self._threads = bundle, stream_artifact(bundle, artifact), threads
        self._allow_native_code = allow_native_code
        self._encoder = encoder
        manifest = bundle.manifest
        self._features = make_encoders(manifest.preprocessing, stream_spec(manifest, self._artifact).inputs)
        self._session = session if self._artifact == artifact else None
        self._lock = threading.Lock()
        forks.renew_lock(self)

    def open(self, batch_size: int | None, state: Mapping[str, Any] | None) -> Stream:
        """Open a new stream, see ``Model.stream``."""
        artifact = self._artifact
        spec = stream_spec(self._bundle.manifest, artifact)
        rows = None if batch_size is None else _check_batch_size(batch_size)
        checked = None if state is None else check_state(state, spec.states, rows)
        if rows is None:
            rows = 1 if checked is None else len(checked[spec.states[0].name])
        fixed = spec.inputs[0].shape[0]
        if not isinstance(fixed, str) and fixed != rows:
            raise InputError(f"a stream of {rows} rows: the model was built for a batch of {fixed}")
        with self._lock:
            if self._session is None:
                self._session = open_artifact(
                    self._bundle, artifact, threads=self._threads, allow_native_code=self._allow_native_code
                )
        _check_memory(spec, rows)
        rules = ChunkRules(spec, self._bundle.manifest.preprocessing, self._encoder, self._features)
        stepper = self._session.stepper(spec, rows=rows, chunk=artifact.chunk)
        return open_stream(self._session, stepper, rules, rows, checked, self._bundle.manifest)


def stream_spec(manifest: Manifest, artifact: Artifact) -> StreamSpec:
    """Return what a stream artifact takes and gives.

    Raises:
        BundleError: where the manifest does not say.
    """
    if manifest.stream is None:
        raise BundleError(f"the manifest does not say which states {artifact.path} has; export the model again")
    return manifest.stream


def run_from_start(session: Session, spec: StreamSpec, chunk: int | None, arrays: Arrays) -> dict[str, NDArray[Any]]:
    """Run whole sequences through a stream artifact, from the initial state: checked arrays to the model's outputs.

    Raises:
        InputError: for inputs of unequal numbers of rows or steps.
    """
    rows = {len(array) for array in arrays.values()}
    steps = {arrays[one.name].shape[1] for one in spec.inputs if "time" in one.shape}
    if len(rows) > 1 or len(steps) > 1:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise InputError(f"the inputs have unequal numbers of rows or steps: {shapes}")
    return session.stepper(spec, rows=rows.pop(), chunk=chunk).advance(arrays)


def _check_memory(spec: StreamSpec, rows: int) -> None:
    """Raise InputError for more rows than the states of a stream have room for."""
    elements = max(math.prod(int(size) for size in state.shape[1:]) for state in spec.states)
    if rows * elements > limits.ROW_ELEMENTS or rows > limits.STREAM_ROWS:
        most = min(limits.ROW_ELEMENTS // elements, limits.STREAM_ROWS)
        raise InputError(f"a stream of {rows:,} rows: {most:,} are the most of this model; open several streams")


def _check_batch_size(value: Any) -> int:
    try:
        rows = operator.index(value)
    except TypeError as error:
        raise InputError(f"batch_size is {value!r}, expected a whole number") from error
    if rows < 1:
        raise InputError(f"batch_size {rows}: a stream has at least 1 row")
    return rows

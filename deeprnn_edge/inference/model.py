"""Load a model on a device: a bundle's artifact in its runtime, with the bundle's preprocessing."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.bundle import Bundle, open_bundle
from deeprnn_edge.bundle.manifest import Artifact, Manifest, TensorSpec
from deeprnn_edge.errors import InputError
from deeprnn_edge.inference.classes import rank_classes
from deeprnn_edge.inputs import arrays as feeds
from deeprnn_edge.inputs import items as preprocessing
from deeprnn_edge.inputs.text import TextEncoder
from deeprnn_edge.runtimes.artifacts import choose_artifact, open_artifact
from deeprnn_edge.runtimes.session import Session

if TYPE_CHECKING:
    from typing import Self

    from deeprnn_edge.inference.stream import Stream
    from deeprnn_edge.inference.stream_source import Streaming
    from deeprnn_edge.inputs.features import FeatureEncoder


class Model:
    """Answer with a loaded model. Its methods may be called from several threads at once.

    A copy or an unpickled one opens the bundle's file again, at the same path. Used with ``with``, it is closed
    at the end.

    Attributes:
        manifest: what the bundle says of the model.
        artifact: the file that runs.
    """

    def __init__(
        self,
        bundle: Bundle,
        artifact: Artifact,
        session: Session,
        *,
        threads: int = 1,
        allow_native_code: bool = False,
    ) -> None:
        self.manifest: Manifest = bundle.manifest
        self.artifact = artifact
        self._specs, self._fixed_shapes = self.manifest.inputs, session.fixed_shapes
        self._answer: Callable[[Any], dict[str, NDArray[Any]]] = session.run
        if artifact.kind == "stream":
            from deeprnn_edge.inference.stream_source import run_from_start, stream_spec

            spec = stream_spec(self.manifest, artifact)
            self._specs, self._fixed_shapes = spec.inputs, {}
            self._answer = partial(run_from_start, session, spec, artifact.chunk)
        self._encoder = TextEncoder(bundle.manifest.preprocessing, bundle.vocabulary())
        self._features: dict[str, FeatureEncoder] = {}
        if self.manifest.preprocessing.raw:
            from deeprnn_edge.inputs.features import make_feature_encoders

            self._features = make_feature_encoders(self.manifest.preprocessing, self._specs)
        self._lock = threading.Lock()
        self._origin = (bundle.path.absolute(), artifact.path, threads, allow_native_code)
        self._streaming: Streaming | None = None
        self._open_streaming: Callable[[], Streaming] = partial(
            _open_streaming,
            bundle,
            artifact,
            session,
            self._encoder,
            threads=threads,
            allow_native_code=allow_native_code,
        )

    def __repr__(self) -> str:
        """Return what the model is: its name, its file, what it takes and what it answers."""
        manifest, kind = self.manifest, self.manifest.preprocessing.kind
        takes = {"text": "texts", "tokens": "ids", "sequence": "feature vectors"}[kind]
        shown = [*manifest.labels[:4], *(["..."] if len(manifest.labels) > 4 else [])]
        gives = ", ".join(shown) or ", ".join(spec.name for spec in manifest.outputs)
        return f"<Model {manifest.name!r}, {self.artifact.path} ({self.artifact.precision}): {takes} to {gives}>"

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to open the file again: a runtime's session cannot be copied."""
        return _open_again, self._origin

    def __enter__(self) -> Self:
        """Return the model itself."""
        return self

    def __exit__(self, *error: object) -> None:
        """Close the model."""
        self.close()

    def close(self) -> None:
        """Give the runtime's memory back. What the model is asked afterwards is an InputError; streams go on."""
        with self._lock:
            self._answer = self._open_streaming = _closed
            self._streaming = None

    @property
    def input_shapes(self) -> dict[str, tuple[int | str, ...]]:
        """Return the shape of each input that this artifact takes, by name; free axes are named."""
        shapes: dict[str, tuple[int | str, ...]] = {spec.name: spec.shape for spec in self._specs}
        for name, fixed in self._fixed_shapes.items():
            shapes[name] = ("batch", *fixed[1:])
        return shapes

    def run(self, inputs: Any) -> dict[str, NDArray[Any]]:
        """Run the network on its own inputs.

        Args:
            inputs: one array, a list in the inputs' order, or a dict by name: ``(batch, time)`` integer ids or
                ``(batch, time, features)`` floats, as the manifest says; behind the bundle's steps, where it has any.

        Returns:
            Every output by name.

        Raises:
            InputError: for another rank, size or dtype, for ids outside the table and for NaN.
        """
        arrays = feeds.check_all(inputs, self._specs)
        if not all(map(len, arrays.values())):
            return self._answer_no_rows(arrays)
        return self._answer(arrays)

    def predict(self, items: Any) -> NDArray[Any] | dict[str, NDArray[Any]]:
        """Answer for texts, sequences of ids, or ``(time, features)`` arrays: one or many, of any lengths.

        Items are padded and cut as the bundle says; where it states no length, items of one length run
        together, unpadded. An empty list has an answer of no rows; an empty text is the start id alone, the
        model's answer to no words at all.

        Where the bundle has steps for raw values (columns, a scaler, categories, windows), items are such: arrays,
        lists, or tables by column name. A model of several inputs of which some have steps takes its arrays as ``run``
        does, these of raw values.

        Returns:
            One row an item, in their order, or one a window: an array, or a dict by name for a model with several
            outputs.

        Raises:
            InputError: for what ``run`` refuses, for text without a vocabulary, and for an item without steps where no
                length is stated to pad it to.
        """
        rules = self.manifest.preprocessing
        if len(self._specs) != 1:
            if not self._features:
                raise InputError("predict takes models of one input; give this model's arrays to run")
            outputs = self.run(preprocessing.encode_inputs(items, self._specs, self._features))
            return next(iter(outputs.values())) if len(outputs) == 1 else outputs
        (spec,) = self._specs
        rows = preprocessing.to_rows(items, rules, spec, self._encoder, self._features.get(spec.name))
        if rules.max_length is not None and rows:
            outputs = self.run(preprocessing.to_batch(rows, rules, rules.max_length))
        else:
            outputs = self._run_by_length(rows, spec)
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs

    def classify(self, items: Any, *, top_k: int = 3) -> list[list[tuple[str, float]]]:
        """Answer with the names of the classes, the most probable first.

        Args:
            items: as for ``predict``.
            top_k: how many classes to give of each item.

        Returns:
            For each item pairs of name and number: of a single sigmoid ``1 - p`` and ``p``, else the output's own.

        Raises:
            InputError: for what ``predict`` refuses, for a model without labels, of several outputs, or that answers
                every step.
        """
        return rank_classes(self.predict(items), self.manifest.labels, top_k)

    def stream(self, batch_size: int | None = None, *, state: Mapping[str, Any] | None = None) -> Stream:
        """Open a stream of sequences that are pushed chunk by chunk; see Stream.

        All streams of a model share one session, and each belongs to one thread at a time.

        Args:
            batch_size: how many sequences go on side by side: 1, or as many as ``state`` has.
            state: what ``Stream.state`` gave, of this model; the stream goes on from there.

        Raises:
            InputError: for a bundle without a stream artifact of this artifact's format and precision, and for a
                state of other names, shapes or dtypes.
        """
        with self._lock:
            self._streaming = self._streaming or self._open_streaming()
        return self._streaming.open(batch_size, state)

    def _answer_no_rows(self, arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the outputs' shapes with no row in them.

        Not by running them: ONNX Runtime 1.32 ends the process when LSTM or GRU meets a batch of 0.
        """
        one = {name: np.zeros((1, *array.shape[1:]), array.dtype) for name, array in arrays.items()}
        return {name: values[:0] for name, values in self._answer(one).items()}

    def _run_by_length(self, rows: list[Any], spec: TensorSpec) -> dict[str, NDArray[Any]]:
        if not rows:
            shape = [
                0 if axis == 0 else (self.artifact.chunk or 1) if isinstance(n, str) else n
                for axis, n in enumerate(self.input_shapes[spec.name])
            ]
            return self.run(np.zeros(shape, spec.dtype))
        least = self.manifest.preprocessing.min_length or 0
        lengths = np.array([max(len(row), least) for row in rows])
        if not lengths.all():
            raise InputError(
                f"item {int(np.argmin(lengths))} has no steps, and the model states no length to pad it to"
            )
        order, parts = [], []
        for length in np.unique(lengths):
            members = np.flatnonzero(lengths == length)
            order.append(members)
            chosen = [rows[member] for member in members]
            parts.append(self.run(preprocessing.to_batch(chosen, self.manifest.preprocessing, int(length))))
        back = np.argsort(np.concatenate(order))
        try:
            return {name: np.concatenate([part[name] for part in parts])[back] for name in parts[0]}
        except ValueError as error:  # one output step an input step, and lengths that differ
            raise InputError(
                "the model answers every step and the items have unequal lengths; predict items of one length together"
            ) from error


def _closed(*_: Any) -> Any:
    raise InputError("the model is closed; load it again")


def _open_again(path: Path, artifact: str, threads: int, allow_native_code: bool) -> Model:
    return load(path, artifact=artifact, threads=threads, allow_native_code=allow_native_code)


def _open_streaming(
    bundle: Bundle,
    artifact: Artifact,
    session: Session,
    encoder: TextEncoder,
    *,
    threads: int,
    allow_native_code: bool,
) -> Streaming:
    # Imported here, so that a program which does not stream starts without it.
    from deeprnn_edge.inference.stream_source import Streaming

    return Streaming(bundle, artifact, session, encoder, threads=threads, allow_native_code=allow_native_code)


def load(path: str | Path, *, artifact: str | None = None, threads: int = 1, allow_native_code: bool = False) -> Model:
    """Load a bundle, a directory or its zip.

    Args:
        path: of the bundle.
        artifact: the path of one of its artifacts, such as ``model.tflite``; by default the first for whole sequences,
            ONNX before other formats.
        threads: threads inside one call. More than 1 is slower for networks of a few dozen units.
        allow_native_code: whether an artifact of C source may be compiled and run, which can do what you can do: for
            a bundle whose maker you trust.

    Raises:
        BundleError: for a bundle that is missing, damaged or of another version.
        MissingExtraError: where the runtime of the artifact is not installed, or none is known here, or an artifact of
            C source has not the permission that it needs.
    """
    bundle = open_bundle(path)
    chosen = choose_artifact(bundle, artifact)
    session = open_artifact(bundle, chosen, threads=threads, allow_native_code=allow_native_code)
    return Model(bundle, chosen, session, threads=threads, allow_native_code=allow_native_code)

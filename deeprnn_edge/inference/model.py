"""Load a model on a device: a bundle's artifact in its runtime, with the bundle's preprocessing."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.bundle import Bundle, open_bundle
from deeprnn_edge.bundle.manifest import Manifest
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.errors import BundleError, InputError
from deeprnn_edge.inference.names import EVERY_STEP, Answered, check_count, is_named, label_of, name_rows, scale_back
from deeprnn_edge.inference.parts import Part, in_order, join
from deeprnn_edge.inputs import arrays as feeds
from deeprnn_edge.inputs import items as preprocessing
from deeprnn_edge.inputs.text import TextEncoder
from deeprnn_edge.runtimes import forks
from deeprnn_edge.runtimes.artifacts import choose_artifact, open_artifact
from deeprnn_edge.runtimes.session import Session

if TYPE_CHECKING:
    from typing import Self

    from deeprnn_edge.inference.stream import Stream
    from deeprnn_edge.inference.stream_source import Streaming


class Model:
    """Answer with a loaded model. Its methods may be called from several threads at once.

    A copy or an unpickled one opens the bundle again: at the same path, or from the content that it carries. Used with
    ``with``, it is closed at the end.

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
        run: Callable[[Any], dict[str, NDArray[Any]]] = session.run
        if artifact.kind == "stream":
            from deeprnn_edge.inference.stream_source import run_from_start, stream_spec

            spec = stream_spec(self.manifest, artifact)
            self._specs, self._fixed_shapes = spec.inputs, {}
            run = partial(run_from_start, session, spec, artifact.chunk)
        self._answer: Callable[[Any], dict[str, NDArray[Any]]] = partial(forks.call, session, run)
        self._by_row = [spec.name for spec in self.manifest.outputs if spec.shape[0] == "batch"]
        self._encoder = TextEncoder(bundle.manifest.preprocessing, bundle.vocabulary())
        self._features = preprocessing.make_encoders(self.manifest.preprocessing, self._specs)
        self._lock = threading.Lock()
        forks.renew_lock(self)
        self._origin = (bundle.source, artifact.path, threads, allow_native_code)
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
            BundleError: for a file that fails as it runs, or answers another number of rows.
        """
        try:
            return self._run(inputs)
        except InputError as error:
            if not self._features:
                raise
            raise InputError(f"{error}; raw values go to predict, and run takes what the steps make of them") from error

    def _run(self, inputs: Any) -> dict[str, NDArray[Any]]:
        arrays = feeds.check_all(inputs, self._specs)
        if not all(map(len, arrays.values())):
            return self._answer_no_rows(arrays)
        outputs = self._answer(arrays)
        rows = len(next(iter(arrays.values())))
        for name in self._by_row:
            if outputs[name].shape[:1] != (rows,):
                self._refuse_rows(name, outputs[name].shape, rows)
        return outputs

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
            outputs. Of a regression whose bundle has its target's scaler, float64 in the target's own units.

        Raises:
            InputError: for what ``run`` refuses, for text without a vocabulary, and for an item without steps where no
                length is stated to pad it to.
        """
        parts = self._ask(items)
        outputs = parts[0].outputs if len(parts) == 1 else join(parts)
        return next(iter(outputs.values())) if len(outputs) == 1 else outputs

    def classify(self, items: Any, *, top_k: int = 3) -> list[list[tuple[str, float]]]:
        """Answer with names: of the classes, of each step, of what is spelled, as the bundle says.

        Args:
            items: as for ``predict``; of a model that answers every step also of unequal lengths.
            top_k: how many classes to give of each item, the most probable first. Where an answer has several names
                they all come.

        Returns:
            For each item pairs of name and number: of a single sigmoid ``1 - p`` and ``p``, else the output's own.

        Raises:
            InputError: for what ``predict`` refuses, for a model without labels, of several outputs, or that answers
                every step and the bundle does not say what these answers are.
        """
        check_count(top_k)
        parts = self._ask(items)
        return in_order(parts, [self._name(part, top_k) for part in parts])

    def answer(self, items: Any) -> list[Answered]:
        """Answer with numbers and names at once, item for item.

        Args:
            items: as for ``classify``.

        Returns:
            For each item its rows of the outputs, and its label.

        Raises:
            InputError: for what ``predict`` refuses.
        """
        parts, named = self._ask(items), is_named(self.manifest)
        answers = []
        for part in parts:
            labels = [label_of(one, self.manifest) for one in self._name(part, 1)] if named else [None] * len(part.rows)
            answers.append(
                [
                    Answered({name: values[place] for name, values in part.outputs.items()}, label)
                    for place, label in enumerate(labels)
                ]
            )
        return in_order(parts, answers)

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

    def _refuse_rows(self, name: str, shape: tuple[int, ...], rows: int) -> NoReturn:
        raise BundleError(
            f"{self.artifact.path}: the output {name!r} has the shape {shape} for {rows} row{'s' if rows > 1 else ''}, "
            "expected one answer a row; the file is not what the manifest says: export the model again"
        )

    def _answer_no_rows(self, arrays: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Return the outputs' shapes with no row in them.

        Not by running them: ONNX Runtime 1.32 ends the process when LSTM or GRU meets a batch of 0.
        """
        one = {name: np.zeros((1, *array.shape[1:]), array.dtype) for name, array in arrays.items()}
        return {name: values[:0] for name, values in self._answer(one).items()}

    def _ask(self, items: Any) -> list[Part]:
        """Run items, those of one length together where no length is stated to pad to."""
        if len(self._specs) != 1:
            return [self._ask_several(items)]
        (spec,) = self._specs
        rules = self.manifest.preprocessing
        rows = preprocessing.to_rows(items, rules, spec, self._encoder, self._features.get(spec.name))
        if rules.max_length is not None and rows:
            return [self._run_part(rows, rules.max_length, None)]
        return self._run_by_length(rows, spec)

    def _ask_several(self, items: Any) -> Part:
        if not self._features:
            raise InputError("predict takes models of one input; give this model's arrays to run")
        arrays = preprocessing.encode_inputs(items, self._specs, self._features)
        outputs = self._finish(self._run(arrays))
        batch = np.asarray(arrays[self._specs[0].name])
        return Part(None, list(batch), batch, outputs)

    def _run_part(self, rows: list[Any], length: int, places: NDArray[np.intp] | None) -> Part:
        batch = preprocessing.to_batch(rows, self.manifest.preprocessing, length)
        return Part(places, rows, batch, self._finish(self._run(batch)))

    def _finish(self, outputs: dict[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        answer = self.manifest.answer
        if answer is None or answer.kind != "number":
            return outputs
        return {name: scale_back(values, answer) for name, values in outputs.items()}

    def _name(self, part: Part, top_k: int) -> list[list[tuple[str, float]]]:
        outputs, answer, kept = part.outputs, self.manifest.answer, None
        if answer is not None and answer.kind in EVERY_STEP and len(part.rows):
            rules = self.manifest.preprocessing
            kept = preprocessing.kept_steps(part.rows, part.batch, rules, skips_padding=answer.skips_padding)
        values = next(iter(outputs.values())) if len(outputs) == 1 else outputs
        return name_rows(values, self.manifest, top_k=top_k, kept=kept)

    def _run_by_length(self, rows: list[Any], spec: TensorSpec) -> list[Part]:
        if not rows:
            shape = [
                0 if axis == 0 else (self.artifact.chunk or 1) if isinstance(n, str) else n
                for axis, n in enumerate(self.input_shapes[spec.name])
            ]
            nothing = np.zeros(shape, spec.dtype)
            return [Part(None, rows, nothing, self._finish(self._run(nothing)))]
        least = self.manifest.preprocessing.min_length or 0
        lengths = np.array([max(len(row), least) for row in rows])
        if not lengths.all():
            raise InputError(
                f"item {int(np.argmin(lengths))} has no steps, and the model states no length to pad it to"
            )
        parts = []
        for length in np.unique(lengths):
            members = np.flatnonzero(lengths == length)
            parts.append(self._run_part([rows[member] for member in members], int(length), members))
        return parts


def _closed(*_: Any) -> Any:
    raise InputError("the model is closed; load it again")


def _open_again(source: Path | bytes, artifact: str, threads: int, allow_native_code: bool) -> Model:
    return load(source, artifact=artifact, threads=threads, allow_native_code=allow_native_code)


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


def load(
    path: str | os.PathLike[str] | bytes | bytearray | memoryview,
    *,
    artifact: str | None = None,
    threads: int = 1,
    allow_native_code: bool = False,
    trusted: bool = True,
) -> Model:
    """Load a bundle.

    Args:
        path: of its directory or zip; or in place of a path the content of its zip, as it comes over a network.
        artifact: the path of one of its artifacts, such as ``model.tflite``; by default the first for whole sequences,
            ONNX before other formats.
        threads: threads inside one call. More than 1 is slower for networks of a few dozen units.
        allow_native_code: whether an artifact of C source may be compiled and run, which can do what you can do: for
            a bundle whose maker you trust.
        trusted: whether the file is opened in this process at once, which a damaged one can end. Without, it is tried
            first in a process of its own, with limits of time and memory.

    Raises:
        InputError: for arguments of another type or range.
        BundleError: for a bundle that is missing, damaged or of another version, and for a file that failed its trial.
        MissingExtraError: where the runtime of the artifact is not installed, or none is known here, or an artifact of
            C source has not the permission that it needs.
    """
    if not isinstance(artifact, str | None):
        raise InputError(f"artifact is {artifact!r}, expected the name of a file in the bundle")
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise InputError(f"threads is {threads!r}, expected a whole number of 1 or more")
    bundle = open_bundle(path)
    chosen = choose_artifact(bundle, artifact)
    if not trusted:
        # Imported here, so that a program which trusts its bundle starts without it.
        from deeprnn_edge.runtimes.trial import try_artifact

        try_artifact(bundle, chosen, threads=threads, allow_native_code=allow_native_code)
    session = open_artifact(bundle, chosen, threads=threads, allow_native_code=allow_native_code)
    return Model(bundle, chosen, session, threads=threads, allow_native_code=allow_native_code)

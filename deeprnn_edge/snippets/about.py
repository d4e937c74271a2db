"""Write the comment at the head of a program: what it does, what it needs, and what its numbers mean."""

from __future__ import annotations

import json
import shlex
import textwrap
from collections.abc import Callable, Collection, Sequence

from deeprnn_edge.bundle.answer import describe_answer
from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.bundle import Bundle
from deeprnn_edge.bundle.feature_steps import describe_raw
from deeprnn_edge.bundle.manifest import Manifest, Preprocessing
from deeprnn_edge.bundle.tensors import TensorSpec
from deeprnn_edge.bundle.text_steps import describe_steps
from deeprnn_edge.inputs.samples import collect_examples
from deeprnn_edge.inputs.text import TextEncoder
from deeprnn_edge.snippets.example import Example, RawValues

_WIDTH = 100
# Inside of a name, until the lines are broken: a line that ended with a backslash would go on in C++.
_SPACE = "\0"


def write_about(
    bundle: Bundle,
    artifact: Artifact,
    example: Example,
    *,
    mark: str,
    commands: Sequence[str],
    prepares: Callable[[RawValues], bool],
) -> str:
    """Write the comment, each line behind ``mark``.

    Args:
        bundle: that has the model.
        artifact: that the program runs.
        example: that it checks itself by.
        mark: what begins a comment.
        commands: how to install what it needs, and how to run it.
        prepares: tells whether the program runs the steps from raw values to an input.
    """
    manifest = bundle.manifest
    stream = manifest.stream if example.states else None
    inputs, outputs = (stream.inputs, stream.outputs) if stream else (manifest.inputs, manifest.outputs)
    paragraphs = [
        f"Runs {artifact.path} of the bundle {_quote(manifest.name)} on one example of its golden vectors, "
        f"{_quote(example.case)}, and compares the answer with that of {example.reference}. "
        "It ends with 0 where they agree, 1 where they do not.",
        *_steps(example, artifact.chunk),
        *_kept_state(artifact),
        f"The model is the file {artifact.path} of the bundle; of a packed one, unpack it: "
        + f"unzip BUNDLE.zip {shlex.quote(artifact.path)}".replace(" ", _SPACE),
        f"Inputs: {_specs(inputs)}. Outputs: {_specs(outputs)}.",
        *_labels(manifest, outputs),
        *_preprocessing(bundle, manifest.preprocessing, streams=bool(example.states)),
        *_raw(manifest.preprocessing, {one.how.input for one in example.raw if prepares(one)}),
    ]
    blocks = [_wrap(paragraphs[0], mark), "\n".join(f"{mark}     {command}".rstrip() for command in commands)]
    blocks += [_wrap(paragraph, mark) for paragraph in paragraphs[1:]]
    return f"\n{mark}\n".join(blocks)


def _wrap(paragraph: str, mark: str) -> str:
    # A file's name is not broken, nor are the characters that the rule for text lists.
    filled = textwrap.fill(
        paragraph,
        _WIDTH,
        initial_indent=f"{mark} ",
        subsequent_indent=f"{mark} ",
        break_on_hyphens=False,
        break_long_words=False,
    )
    return filled.replace(_SPACE, " ")


def _quote(text: str) -> str:
    """Quote a name out of the bundle: ASCII that no language reads as more than a comment, in one piece."""
    return json.dumps(text).replace(" ", _SPACE)


def _axis(size: int | str) -> str:
    return str(size) if isinstance(size, int) or (size.isascii() and size.isidentifier()) else _quote(size)


def _steps(example: Example, chunk: int | None) -> list[str]:
    said = []
    if example.steps is not None:
        takes = "one step" if chunk in (None, 1) else f"{chunk} steps"
        more = " A call may take more steps at once." if chunk is None else ""
        said.append(
            f"It is a stream: a call takes {takes}, and the states that come out of it go in with the next one.{more}"
        )
    if any(tensor.is_cut for tensor in example.inputs):
        said.append("The golden vectors are long: the first numbers of an input repeat until it is full.")
    if any(tensor.is_cut for tensor in example.outputs):
        said.append("The answer is long: its first numbers are compared.")
    return said


def _kept_state(artifact: Artifact) -> list[str]:
    if artifact.kind == "stream" or all(layer.form != "fused" for layer in artifact.recurrences):
        return []
    return [
        "The file is of an earlier release, and keeps a state from one call to the next: make a new interpreter for "
        "each call, or export the model again."
    ]


def _specs(specs: Sequence[TensorSpec]) -> str:
    return "; ".join(f"{_quote(one.name)} {one.dtype} ({', '.join(map(_axis, one.shape))})" for one in specs)


def _labels(manifest: Manifest, outputs: Sequence[TensorSpec]) -> list[str]:
    if len(outputs) != 1:
        return []
    said = describe_answer(manifest.answer, outputs[0].shape)
    if not manifest.labels:
        return [f"{said}."] if manifest.answer is not None else []
    return [f"Labels, in order: {', '.join(map(_quote, manifest.labels))}; {said}."]


def _raw(rules: Preprocessing, prepared: Collection[str]) -> list[str]:
    # A backslash at the end of a line would join it with the next one in C++.
    return [
        f"The input {_quote(raw.input)} is made of {describe_raw(raw)}. ".replace("\\ ", f"\\{_SPACE}")
        + (
            "The program does that itself."
            if raw.input in prepared
            else "The program has what comes out of these steps: whoever feeds it raw values has to do them first."
        )
        for raw in rules.raw
    ]


def _preprocessing(bundle: Bundle, rules: Preprocessing, *, streams: bool) -> list[str]:
    length = ""
    if rules.max_length is not None and not streams:
        with_what = f"{rules.pad_value:g}" if rules.kind == "sequence" else f"the id {rules.pad_id}"
        side = {"pre": "in front", "post": "behind"}
        short, cut = f"padded {side.get(rules.padding)} with {with_what} to {rules.max_length} steps", "refused"
        if rules.padding == "refuse":
            short = f"of less than {rules.max_length} steps is refused"
        if rules.truncating != "refuse":
            cut = f"cut {side[rules.truncating]}"
        length = f" Shorter input {'is ' if rules.padding != 'refuse' else ''}{short}, longer input {cut}."
    if rules.kind != "text":
        what = {"tokens": "A step is one id.", "sequence": "A step is one feature vector."}[rules.kind]
        return [f"{what}{length}"]
    start = "" if rules.start_id is None else f"; a text starts with the id {rules.start_id}"
    end = "" if rules.end_id is None or streams else f"; it ends with the id {rules.end_id}"
    place = "its place in the list" if (rules.vocabulary or "").endswith(".json") else "its line in"
    unknown = "left out" if rules.oov_id is None else str(rules.oov_id)
    # A backslash at the end of a line would join it with the next one in C++.
    steps = describe_steps(rules.text_steps).replace("\\ ", f"\\{_SPACE}")
    said = [
        f"Text becomes ids by the rule in manifest.json under preprocessing: {steps}; a word's id is {place} "
        f"{rules.vocabulary}, counted from 1, plus {rules.index_offset}, or {unknown} where it is not "
        f"there{start}{end}.{length}"
    ]
    words = bundle.vocabulary()
    encoder = TextEncoder(rules, words)
    for sentence in collect_examples(words, encoder.split)[:1]:
        row = encoder.encode(sentence)
        padded = ", before padding" if length else ""
        said.append(f"{_quote(sentence)} becomes {' '.join(map(str, row))}{padded}.")
    return said

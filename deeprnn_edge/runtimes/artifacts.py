"""Choose, read and open the artifacts of a bundle, each in the runtime of its format.

An artifact of a format that nothing here runs is skipped: it is passed over where none is asked for by name, and an
error where it is.
"""

from __future__ import annotations

import os

import numpy as np

from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.bundle import Bundle
from deeprnn_edge.errors import InputError, MissingExtraError
from deeprnn_edge.files.guard.child import report
from deeprnn_edge.runtimes import RUNTIMES, find_runtime, forks, runtime_of
from deeprnn_edge.runtimes.interface import check_interface
from deeprnn_edge.runtimes.runtime import Runtime
from deeprnn_edge.runtimes.session import Session

ALLOWED = "DEEPRNN_EDGE_ALLOW_NATIVE_CODE"  # an environment variable: 1 stands for the permission, also in workers


def choose_artifact(bundle: Bundle, path: str | None = None) -> Artifact:
    """Return the artifact of that path; without one the first for whole sequences, by the order of ``RUNTIMES``.

    A bundle of stream artifacts alone gives one of them by the same rule.

    Raises:
        BundleError: where there is no artifact of that path.
        MissingExtraError: where nothing here runs its format, or that of any artifact.
    """
    if path is not None:
        artifact = bundle.artifact(path)
        runtime_of(artifact)
        return artifact
    artifacts = [one for one in bundle.manifest.artifacts if find_runtime(one.format) is not None]
    if not artifacts:
        try:
            runtime_of(bundle.manifest.artifacts[0])
        except MissingExtraError as error:
            raise MissingExtraError(f"{bundle.path} has no artifact that runs here: {error}") from error
    order = list(RUNTIMES)
    return min(artifacts, key=lambda one: (one.kind != "sequence", order.index(one.format)))


def choose_for(runtime: Runtime, bundle: Bundle, path: str | None, *, prefer: str, said: str) -> Artifact:
    """Return the artifact of that path, which must be of one runtime: that of browsers, or of a language.

    Args:
        runtime: whose files will do.
        bundle: that has it.
        path: inside the bundle; None for the first such artifact.
        prefer: the kind that is taken before others where no path is given: ``sequence`` or ``stream``.
        said: what is done with it, for messages, such as ``the page runs``.

    Raises:
        BundleError: where there is no artifact of that path.
        InputError: where it is of another format, and where there is none of this one.
    """
    if path is not None:
        chosen = bundle.artifact(path)
        if chosen.format != runtime.name:
            raise InputError(f"{path} is {chosen.format}, and {said} {runtime.title} files; give one of those")
        return chosen
    found = [artifact for artifact in bundle.manifest.artifacts if artifact.format == runtime.name]
    if not found:
        raise InputError(
            f"{bundle.path} has no {runtime.title} artifact, and {said} no other; "
            f"export the model again with: deeprnn-edge export --format {runtime.name}"
        )
    return min(found, key=lambda artifact: artifact.kind != prefer)


def read_artifact(bundle: Bundle, artifact: Artifact) -> bytes:
    """Read an artifact's content, once its size and hash hold and its format's own check has passed it.

    Raises:
        BundleError: where they do not, or the check refuses it.
    """
    content = bundle.read_artifact(artifact)
    if (runtime := find_runtime(artifact.format)) is not None:
        runtime.check(content, artifact.path)
    return content


def open_session(
    content: bytes,
    *,
    kind: str,
    path: str,
    threads: int = 1,
    steps: bool = False,
    allow_native_code: bool = False,
    delegates: bool = True,
) -> Session:
    """Open a session on the content of a file.

    Args:
        content: the file's bytes.
        kind: its format, as manifests write it.
        path: its name, for messages.
        threads: threads inside one call.
        steps: whether it is a stream, which is called for single steps.
        allow_native_code: whether a file that is code of its own may be compiled and run.
        delegates: whether the library may hand operators on, as the manifest says.

    Raises:
        BundleError: where the runtime does not accept it.
        MissingExtraError: where there is no such runtime here, or not the permission that it needs.
    """
    runtime = runtime_of(kind, path)
    if runtime.native and not (allow_native_code or os.environ.get(ALLOWED) == "1"):
        raise MissingExtraError(
            f"{path} is {runtime.title} source: it would be compiled and run as this machine's own code, which can do "
            "what you can do. For a bundle whose maker you trust, load it with allow_native_code=True, or set "
            f"{ALLOWED}=1 for the commands"
        )
    report(path)
    return runtime.opener(delegates=delegates)(content, path, threads=threads, steps=steps)


def stream_artifact(bundle: Bundle, artifact: Artifact) -> Artifact:
    """Return what streams for an artifact: itself where it does, else that of the same format and precision.

    Raises:
        InputError: where there is none.
    """
    runtime = find_runtime(artifact.format)
    itself = runtime is not None and runtime.streams_itself and bundle.manifest.stream is not None
    return artifact if itself or artifact.kind == "stream" else bundle.stream_artifact(artifact)


def open_artifact(bundle: Bundle, artifact: Artifact, *, threads: int = 1, allow_native_code: bool = False) -> Session:
    """Open a session on a bundle's artifact, once it was read and checked.

    Raises:
        BundleError: for a damaged file, and where its inputs and outputs are not those of the manifest.
        MissingExtraError: where there is no such runtime here, or not the permission that it needs.
    """
    session = open_content(
        read_artifact(bundle, artifact), artifact, threads=threads, allow_native_code=allow_native_code
    )
    check_interface(bundle.manifest, artifact, *session.interface())
    return session


def open_content(content: bytes, artifact: Artifact, *, threads: int = 1, allow_native_code: bool = False) -> Session:
    """Open a session on an artifact's content, which was read before.

    Raises:
        BundleError: where the runtime does not accept it.
        MissingExtraError: where there is no such runtime here.
    """
    steps = artifact.kind == "stream"
    session = open_session(
        content,
        kind=artifact.format,
        path=artifact.path,
        threads=threads,
        steps=steps,
        allow_native_code=allow_native_code,
        delegates=artifact.delegates,
    )
    if threads > 1:
        forks.watch_threads(session)
    return session


def start_runtime(name: str, *, threads: int = 1) -> None:
    """Run the one-operator model of a format: what a library's first session costs once is not the model's own.

    Measured: ONNX Runtime's first session of any model adds 10 MB to a process, LiteRT's 3 MB.

    Raises:
        MissingExtraError: where there is no such runtime here.
    """
    content = runtime_of(name).start_model
    open_session(content, kind=name, path="start model", threads=threads).run({"x": np.ones(1, np.float32)})

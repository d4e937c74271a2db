"""Run one artifact: one folder a runtime, all with the same ``Session``.

Enters: an artifact's bytes, then arrays by input name. Leaves: arrays by output name.
Looks at: ``bundle`` and ``inputs``; one runtime knows nothing of another.

``RUNTIMES`` is the list, in order of preference: of several artifacts that would do, the first of these formats is
taken. Another package adds a runtime through an entry point of the group ``deeprnn_edge.runtimes``, with the format's
name as its name and a ``Runtime`` as its object; it comes behind those of this package, and is looked for where a file
is of no other format.
"""

from __future__ import annotations

import functools
from typing import TYPE_CHECKING

from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.errors import MissingExtraError
from deeprnn_edge.files.strict_json import show
from deeprnn_edge.runtimes import c, onnx, tflite
from deeprnn_edge.runtimes.runtime import Runtime

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

GROUP = "deeprnn_edge.runtimes"

RUNTIMES: dict[str, Runtime] = {runtime.name: runtime for runtime in (onnx.RUNTIME, tflite.RUNTIME, c.RUNTIME)}
# The one whose library browsers have too.
PORTABLE = next(runtime for runtime in RUNTIMES.values() if runtime.portable)


def find_runtime(name: str) -> Runtime | None:
    """Return the runtime of a format; None where nothing here runs it."""
    if name not in RUNTIMES and (point := _registered().get(name)) is not None:
        RUNTIMES[name] = point.load()
    return RUNTIMES.get(name)


def runtime_of(one: Artifact | str, path: str | None = None) -> Runtime:
    """Return the runtime of an artifact or of a format.

    Args:
        one: the artifact, or the format's name as manifests write it.
        path: what messages call a file of that format.

    Raises:
        MissingExtraError: where nothing that is installed here runs the format.
    """
    name, where = (one, path or "a file") if isinstance(one, str) else (one.format, one.path)
    runtime = find_runtime(name)
    if runtime is None:
        raise MissingExtraError(
            f"{where} is of the format {show(name)}, and this release runs {', '.join(RUNTIMES)}: "
            "install a newer release, or the package that brings a runtime for it"
        )
    return runtime


@functools.cache  # a manifest may name any number of formats, and looking through all packages takes milliseconds
def _registered() -> dict[str, EntryPoint]:
    """Return what other packages register, by format."""
    from importlib.metadata import entry_points

    return {point.name: point for point in entry_points(group=GROUP)}

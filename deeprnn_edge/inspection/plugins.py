"""Find the package that reads a model file, by the file's suffix, through an entry point group.

This is how ``inspect`` and ``bench`` take a ``.keras`` file where the workshop is installed, without
the device half knowing it by name. An entry point of the group ``deeprnn_edge.formats`` has the suffix
as its name, such as ``.keras``, and a module with the two functions of ``Format`` as its object.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, cast

from deeprnn_edge.errors import InputError, MissingExtraError
from deeprnn_edge.packages import require_workshop
from deeprnn_edge.runtimes import RUNTIMES

if TYPE_CHECKING:
    from deeprnn_edge.inspection.record import Inspection
    from deeprnn_edge.runtimes.session import Session

GROUP = "deeprnn_edge.formats"
# What the workshop registers, known here only to say what to install.
_WORKSHOP = frozenset({".keras", ".h5"})


class Format(Protocol):
    """Do what a module does for the files of one suffix. Both functions raise InputError for an unusable file."""

    def inspect(self, path: Path) -> Inspection:
        """Return what the file holds."""
        ...

    def open_runner(self, path: Path) -> Session:
        """Return the model, ready to run on arrays by name."""
        ...


def load_format(path: Path) -> Format:
    """Import the module that reads files of this path's suffix.

    Raises:
        MissingExtraError: where it or what it imports is not installed.
        InputError: for a suffix that nothing reads.
    """
    suffix = path.suffix.lower()
    found = tuple(entry_points(group=GROUP, name=suffix))
    if suffix in _WORKSHOP:
        require_workshop(f"{path.name}: a {suffix} file")
        if not found:
            raise MissingExtraError(
                f"{path.name}: a {suffix} file needs the workshop, which is not installed here; install it with: "
                "pip install 'deeprnn-edge[export]'"
            )
    if not found:
        known = [runtime.suffix for runtime in RUNTIMES.values()]
        readable = {*known, *_WORKSHOP, *(point.name for point in entry_points(group=GROUP))}
        raise InputError(
            f"{path} has the suffix {path.suffix!r}; "
            f"expected a bundle (a directory or its zip), {', '.join(sorted(readable))}"
        )
    try:
        return cast(Format, found[0].load())
    except ModuleNotFoundError as error:
        raise MissingExtraError(
            f"{path.name}: reading {suffix} needs the module {error.name}, which is not installed here"
        ) from error

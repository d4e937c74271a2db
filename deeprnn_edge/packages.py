"""Find the packages that are optional, or refuse in one line that says what to install."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager

from deeprnn_edge.errors import MissingExtraError

ONNXRUNTIME_JS = "1.30.0"  # of onnxruntime-web and onnxruntime-node: one release for the page and the snippets


def require_workshop(command: str) -> None:
    """Check that the packages which train and export are installed.

    Raises:
        MissingExtraError: where they are not.
    """
    missing = [name for name in ("tensorflow", "keras", "tf2onnx") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"{command} needs {', '.join(missing)}, not installed here; install the workshop with: "
            "pip install 'deeprnn-edge[export]'"
        )


@contextmanager
def parts_of(title: str, package: str) -> Iterator[None]:
    """Say that a library is newer than this release knows, where a part of it that is used within is gone.

    Args:
        title: the library, as its makers write it.
        package: its distribution.

    Raises:
        MissingExtraError: for a module, an attribute or a parameter that is not there.
    """
    try:
        yield
    except (ImportError, AttributeError, TypeError) as error:
        raise MissingExtraError(
            f"{title} {package_version(package)} is newer than this release knows: {error}; "
            f"install an older {title}, or a newer release of deeprnn-edge"
        ) from error


def require_score() -> None:
    """Check that the packages which score a corpus are installed.

    Raises:
        MissingExtraError: where they are not.
    """
    missing = [name for name in ("distributed", "pyarrow") if importlib.util.find_spec(name) is None]
    if missing:
        raise MissingExtraError(
            f"score needs {', '.join(missing)}, not installed here; install it with: pip install 'deeprnn-edge[score]'"
        )


def package_version(name: str) -> str | None:
    """Return the installed version of a distribution, without importing it; None where it is not installed."""
    # Imported here: it brings the parsers of mail and of addresses, a tenth of what a first answer takes.
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return None

"""Reach into a library for what it does not promise, and say so in plain words where an upgrade took it away."""

from __future__ import annotations

import importlib
from importlib.metadata import version
from typing import Any

from deeprnn_edge.errors import UnsupportedModelError


def internal(library: str, holder: Any, name: str) -> Any:
    """Return a private or unstable part of a library.

    Args:
        library: its name as its makers write it, which is that of its distribution too: ``Keras``.
        holder: an object or a class of the library, or the path of one of its modules.
        name: of the attribute.

    Raises:
        UnsupportedModelError: where the installed release does not have it.
    """
    try:
        return getattr(importlib.import_module(holder) if isinstance(holder, str) else holder, name)
    except (AttributeError, ImportError) as error:
        where = holder if isinstance(holder, str) else getattr(holder, "__name__", type(holder).__name__)
        raise UnsupportedModelError(
            f"{library} {version(library)} is newer than this release knows: {where} has no {name} any more; "
            f"install an older {library}, or a newer release of deeprnn-edge"
        ) from error

"""Put a bundle back that stepped aside for one which never came."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

from deeprnn_edge.bundle.bundle import MANIFEST
from deeprnn_edge.files.atomic_replace import aside_of, remove


def put_back(destination: Path) -> None:
    """Return the bundle that stepped aside for a program which was killed before the new one came."""
    aside = aside_of(destination)
    if not ((aside / MANIFEST).is_file() or zipfile.is_zipfile(aside)):
        return
    if os.path.lexists(destination):
        remove(aside)
    else:
        aside.replace(destination)

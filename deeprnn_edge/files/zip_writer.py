"""Write a bundle's files into one zip: the same files give the same bytes, whenever and wherever that is."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

# A zip would otherwise hold the time of day; this is the first that its format knows.
_DATE = (1980, 1, 1, 0, 0, 0)
_UNIX = 3  # else the system that wrote it: PKWARE's APPNOTE.TXT, 4.4.2
_READABLE = 0o644 << 16  # without it, unzip makes files that their owner alone may read


def zip_files(files: Mapping[str, bytes]) -> bytes:
    """Return the content of a zip that holds these files, in the names' order, deflated as far as zlib can."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, _DATE)
            entry.create_system, entry.external_attr = _UNIX, _READABLE
            archive.writestr(entry, files[name], zipfile.ZIP_DEFLATED, compresslevel=9)
    return content.getvalue()

"""Open HDF5 files of weights, once all that they hold is known to be inside of them and as large as they say.

HDF5 can take a data set from another file (external storage, external links, virtual data sets) and can state a shape
without any bytes behind it. Keras writes none of these, so a file that has one is refused by the name of the entry.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py

from deeprnn_edge.errors import InputError

# A byte of deflate becomes at most 1,032 bytes (zlib's technical details); nothing that HDF5 ships packs better.
LARGEST_RATIO = 1032
# What h5py raises on damaged bytes, of which its documentation says nothing.
_DAMAGE = (OSError, RuntimeError, LookupError, ValueError, TypeError, MemoryError, OverflowError)
_SIZES = ("units", "filters", "input_dim", "output_dim")


@contextmanager
def open_hdf5(source: Path | io.BytesIO) -> Iterator[h5py.File]:
    """Open a file for reading once it is checked.

    Args:
        source: a path, or the content in memory.

    Yields:
        The open file.

    Raises:
        InputError: for bytes that are no HDF5, for an entry that leads elsewhere, and for one that claims more bytes
            than the file can hold; the message names the entry.
    """
    size_bytes = source.stat().st_size if isinstance(source, Path) else source.getbuffer().nbytes
    try:
        with h5py.File(source, "r") as file:
            for path, dataset in _datasets(file):
                _check_dataset(path, dataset, size_bytes)
            yield file
    except _DAMAGE as error:
        raise InputError(
            f"HDF5 cannot read it ({' '.join(str(error).split())[:200]}); copy or save it again"
        ) from error


def count_elements(file: h5py.File) -> int:
    """Return the number of elements of all data sets of an open file."""
    return sum(int(dataset.size or 0) for _, dataset in _datasets(file))


def require_room(config: Any, elements: int) -> None:
    """Refuse a config whose layers are larger than the weights that come with them, before Keras allocates these.

    Args:
        config: a model's config, or a part of it.
        elements: the number of all weights that the file holds.

    Raises:
        InputError: names the layer and what it claims.
    """
    waiting = [config]
    while waiting:
        node = waiting.pop()
        if isinstance(node, dict):
            waiting += node.values()
            kind, inner = node.get("class_name"), node.get("config")
            if not isinstance(inner, dict):
                continue
            # A recurrent layer has a square matrix of its units, any other at least one weight for each.
            squared = str(kind).removesuffix("Cell") in ("SimpleRNN", "LSTM", "GRU", "CuDNNLSTM", "CuDNNGRU")
            for size in (inner.get(key) for key in _SIZES):
                if isinstance(size, int) and (size * size if squared else size) > max(elements, 1):
                    raise InputError(
                        f"the layer {inner.get('name')!r} ({kind}) has the size {str(size)[:20]}, and the file holds "
                        f"{elements:,} weights in all; it is damaged or made up: copy or save it again"
                    )
        elif isinstance(node, list):
            waiting += node


def _datasets(file: h5py.File) -> Iterator[tuple[str, h5py.Dataset]]:
    """Give every data set of a file with its path, through hard links alone."""
    seen: set[int] = set()
    waiting: list[h5py.Group] = [file]
    while waiting:
        group = waiting.pop()
        address = h5py.h5o.get_info(group.id).addr
        if address in seen:  # hard links may go in a circle
            continue
        seen.add(address)
        for name in group:
            path = f"{group.name.rstrip('/')}/{name}"
            link = group.get(name, getlink=True)
            if not isinstance(link, h5py.HardLink):
                raise _foreign(path, f"leads to another {'place' if isinstance(link, h5py.SoftLink) else 'file'}")
            entry = group[name]
            if isinstance(entry, h5py.Group):
                waiting.append(entry)
            elif isinstance(entry, h5py.Dataset):
                yield path, entry


def _check_dataset(path: str, dataset: h5py.Dataset, size_bytes: int) -> None:
    """Refuse a data set whose bytes are not all in this file."""
    created = dataset.id.get_create_plist()
    if created.get_external_count():
        raise _foreign(path, "takes its bytes from another file")
    if created.get_layout() == h5py.h5d.VIRTUAL:
        raise _foreign(path, "is put together from other files")
    claimed, stored = int(dataset.size or 0) * dataset.dtype.itemsize, dataset.id.get_storage_size()
    if stored > size_bytes or claimed > stored * (LARGEST_RATIO if created.get_nfilters() else 1):
        raise InputError(
            f"the entry {path!r} claims {claimed:,} bytes, and the file of {size_bytes:,} holds {stored:,} of them; "
            "it is damaged or made up: copy or save it again"
        )


def _foreign(path: str, what: str) -> InputError:
    return InputError(f"the entry {path!r} {what}, which Keras never writes; save the model again with model.save(...)")

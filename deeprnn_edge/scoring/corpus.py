"""Find the Parquet files of a corpus by pattern, and check what the model takes before any row is read."""

from __future__ import annotations

import glob
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from deeprnn_edge.bundle.manifest import Preprocessing
from deeprnn_edge.errors import InputError
from deeprnn_edge.scoring.partitions import Source


def find_files(patterns: Sequence[str]) -> list[Path]:
    """Find the files that the patterns match, absolute, each once, in the order of their paths.

    ``**`` matches folders of any depth.

    Raises:
        InputError: for a pattern that matches no file.
    """
    found: set[Path] = set()
    for pattern in patterns:
        if Path(pattern).is_dir():
            raise InputError(
                f"inputs={pattern!r} is a directory; give a pattern such as '{pattern.rstrip('/')}/*.parquet'"
            )
        matched = [Path(name) for name in glob.glob(pattern, recursive=True)]  # noqa: PTH207 - takes an absolute one too
        files = [path.resolve() for path in matched if path.is_file()]
        if not files:
            raise InputError(f"inputs={pattern!r} matches no file; give a path, or a pattern in quotes")
        found.update(files)
    return sorted(found)


def read_source(path: Path, column: str, rules: Preprocessing, *, answers: Sequence[str]) -> Source:
    """Read a file of the corpus by its footer alone.

    Args:
        path: of the file.
        column: what the model reads.
        rules: what the model takes.
        answers: names of the columns that come beside those of the file.

    Raises:
        InputError: where it is no Parquet file, lacks the column or has it in another type than the model takes, and
            where it has a column of an answer's name.
    """
    try:
        # Before it is opened: a change in between is then noticed when its rows are read.
        stat = path.stat()
        with pq.ParquetFile(path) as file:
            schema, rows = file.schema_arrow, file.metadata.num_rows
    except (OSError, pa.ArrowException) as error:
        raise InputError(f"cannot read {path} as a Parquet file: {error}") from error
    found = schema.get_all_field_indices(column)
    if len(found) != 1:
        names = ", ".join(schema.names)
        raise InputError(f"{path} has {len(found) or 'no'} columns {column!r}; its columns are {names}")
    kind = schema.field(found[0]).type
    if not _fits(kind, rules):
        raise InputError(f"column {column!r} of {path} holds {kind}; the model takes {_expected(rules)}")
    taken = sorted(set(answers) & set(schema.names))
    if taken:
        raise InputError(
            f"{path} has a column {taken[0]!r}, which is an answer's name; put something ahead of these with prefix="
        )
    return Source(str(path), rows, stat.st_size, stat.st_mtime_ns)


_EXPECTED = {
    "text": "text (string), or lists of integer ids",
    "tokens": "lists of integer ids",
    "sequence": "lists of feature vectors (list of list of numbers)",
}


def _expected(rules: Preprocessing) -> str:
    if not rules.raw:
        return _EXPECTED[rules.kind]
    (raw,) = rules.raw
    values = {"str": "words", "any": "numbers or words"}.get(raw.dtype, f"numbers ({raw.dtype})")
    return f"{'lists of ' * len(raw.shape)}raw {values}"


def _fits(kind: Any, rules: Preprocessing) -> bool:
    if rules.raw:
        (raw,) = rules.raw
        for _ in raw.shape:
            kind = _element(kind)
        whole = kind is not None and pa.types.is_integer(kind)
        if raw.dtype in ("str", "any"):
            return kind is not None and is_text(kind)
        return whole or (raw.dtype.startswith("float") and kind is not None and bool(pa.types.is_floating(kind)))
    if rules.kind == "sequence":
        inner = _element(_element(kind))
        return inner is not None and (pa.types.is_floating(inner) or pa.types.is_integer(inner))
    ids = _element(kind)
    return (rules.kind == "text" and is_text(kind)) or (ids is not None and pa.types.is_integer(ids))


def is_text(kind: Any) -> bool:
    """Tell whether a column of that Arrow type holds text, by itself or through a dictionary."""
    value = kind.value_type if pa.types.is_dictionary(kind) else kind
    return bool(pa.types.is_string(value) or pa.types.is_large_string(value))


def _element(kind: Any) -> Any:
    """Return the type of a list's elements; None for what is no list."""
    if kind is None:
        return None
    is_list = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return kind.value_type if is_list else None

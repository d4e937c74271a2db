"""A language's templates, filled."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from string import Template


class _At(Template):
    """``@name`` is filled in: ``$`` means something in too many languages."""

    delimiter = "@"


def fill(language: str, template: str, parts: Mapping[str, str]) -> str:
    """``templates/<language>/<template>.txt`` with its ``@`` places filled. What is filled in is not read again."""
    file = resources.files("deeprnn_edge.snippets") / "templates" / language / f"{template}.txt"
    return _At(file.read_text(encoding="utf-8")).substitute(parts)

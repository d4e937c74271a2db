"""Fill a language's templates."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import resources
from string import Template

from deeprnn_edge.snippets.example import Example


class _At(Template):
    """Fill ``@name`` in: ``$`` means something in too many languages."""

    delimiter = "@"


def fill(language: str, template: str, parts: Mapping[str, str]) -> str:
    """Fill the ``@`` places of ``templates/<language>/<template>.txt``. What is filled in is not read again."""
    file = resources.files("deeprnn_edge.snippets") / "templates" / language / f"{template}.txt"
    return _At(file.read_text(encoding="utf-8")).substitute(parts)


def fill_program(
    language: str,
    about: str,
    example: Example,
    *,
    call: Mapping[str, str] | None = None,
    has_arena: bool = True,
    **parts: str,
) -> str:
    """Fill the whole program: what every language has, the ``call`` template's places, and the rest.

    Args:
        language: the folder of its templates.
        about: the comment at the head.
        example: that the program checks itself by.
        call: what the ``call`` template is filled with.
        has_arena: whether its library has one, which a stream turns off.
        parts: what else the program's template is filled with.
    """
    streams = example.steps is not None
    common = {
        "about": about,
        "tolerance": repr(example.tolerance),
        "reference": example.reference,
        "arena": fill(language, "arena", {}) if streams and has_arena else "",
        "call": fill(language, "stream" if streams else "sequence", call or {}).rstrip(),
    }
    return fill(language, "program", common | parts)

"""Check the names that reach the C text: one prefix, and comments that nothing leaves."""

from __future__ import annotations

import json
import re
from typing import Any

from deeprnn_edge.errors import InputError

_LONGEST = 40  # C99 tells external names apart by their first 31 characters at least; the prefix stands in front
_IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_KEYWORDS = frozenset(
    {
        "auto", "bool", "break", "case", "char", "class", "const", "continue", "default", "delete", "do", "double",
        "else", "enum", "extern", "false", "float", "for", "goto", "if", "inline", "int", "long", "main", "namespace",
        "new", "operator", "private", "public", "register", "restrict", "return", "short", "signed", "sizeof", "static",
        "struct", "switch", "template", "this", "throw", "true", "try", "typedef", "union", "unsigned", "using",
        "virtual", "void", "volatile", "while",
    }
)  # fmt: skip


def check_prefix(prefix: str) -> str:
    """Return a prefix that begins C names.

    Raises:
        InputError: where it is none.
    """
    if not _IDENTIFIER.fullmatch(prefix) or len(prefix) > _LONGEST or prefix in _KEYWORDS:
        raise InputError(
            f"--c-prefix {prefix[:60]!r} begins no C name: give a letter, then letters, digits and _, "
            f"{_LONGEST} at most and no keyword, such as sentiment"
        )
    if prefix.lower().startswith("dr_") or prefix.lower() == "dr":
        raise InputError(f"--c-prefix {prefix!r}: names that begin with dr_ are the kernels'")
    return prefix


def default_prefix(name: str) -> str:
    """Turn a model's name into a prefix."""
    cleaned = re.sub(r"[^A-Za-z0-9]+", "_", name).strip("_")[:_LONGEST].lower()
    if not cleaned or not cleaned[0].isalpha() or cleaned in _KEYWORDS or cleaned.startswith("dr_") or cleaned == "dr":
        return f"model_{cleaned}"[:_LONGEST].rstrip("_")
    return cleaned


def in_comment(text: str) -> str:
    """Return text that a C comment can hold: no end of it, no trigraph, no line, nothing beyond ASCII."""
    plain = "".join(c if c.isprintable() and c.isascii() else "?" for c in text[:200])
    return re.sub(r"[/\\?]", lambda match: {"/": "|", "\\": "|", "?": "."}[match[0]], plain)


def json_in_comment(value: Any) -> str:
    """Return JSON that stands in a C comment and reads back as the same value."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"), sort_keys=True)
    return text.replace("/", "\\u002f").replace("?", "\\u003f")

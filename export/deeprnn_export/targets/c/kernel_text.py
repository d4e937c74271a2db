"""Put the kernels' headers into one text, and a second copy of a text under other names."""

from __future__ import annotations

import re
from importlib.resources import files

_INCLUDE = re.compile(r'^#include "([a-z_]+\.h)"\n', re.MULTILINE)
_COMMENT = re.compile(r"[ \t]*/\*.*?\*/\n?", re.DOTALL)


def kernel_text(headers: list[str]) -> str:
    """Return headers of this package, each once, what they include ahead of them."""
    done: set[str] = set()

    def expand(header: str) -> str:
        if header in done:
            return ""
        done.add(header)
        text = files(__package__).joinpath("kernels", header).read_text(encoding="utf-8")
        return _INCLUDE.sub(lambda match: expand(match[1]), text)

    return "\n".join(expand(header) for header in headers)


def renamed(text: str, infix: str) -> str:
    """Return a text without its comments in which every name of the kernels is another one."""
    plain = _COMMENT.sub("", text)
    return re.sub(r"\b(dr|DR)_", lambda match: f"{match[1]}_{infix.upper() if match[1] == 'DR' else infix}_", plain)

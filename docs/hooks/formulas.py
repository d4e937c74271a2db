"""Turn ``$...$`` and ``$$...$$`` into MathML while the site is built: browsers draw it without a script."""

from __future__ import annotations

import re
from typing import Any

from latex2mathml.converter import convert

# Code is passed over; a formula's dollars stand close to it, so that prices and shell variables are none.
_CODE = r"(?P<code>^```.*?^```|`[^`\n]+`)"
_BLOCK = r"\$\$(?P<block>.+?)\$\$"
_INLINE = r"\$(?P<inline>[^\s$](?:[^$\n]*[^\s$])?)\$"
_FORMULA = re.compile(f"{_CODE}|{_BLOCK}|{_INLINE}", re.MULTILINE | re.DOTALL)


def on_page_markdown(markdown: str, page: Any, **_: Any) -> str:
    """Put a mark in the place of each formula, so that Markdown does not read its underscores."""
    formulas: list[str] = []

    def mark(match: re.Match[str]) -> str:
        if match["code"]:
            return match[0]
        display = "block" if match["block"] else "inline"
        formulas.append(convert((match["block"] or match["inline"]).strip(), display=display))
        return f"FORMULA{len(formulas) - 1}."

    marked = _FORMULA.sub(mark, markdown)
    page.meta["formulas"] = formulas
    return marked


def on_page_content(html: str, page: Any, **_: Any) -> str:
    """Put the formulas in the places of their marks."""
    for at, formula in enumerate(page.meta.pop("formulas", ())):
        html = html.replace(f"FORMULA{at}.", formula)
    return html

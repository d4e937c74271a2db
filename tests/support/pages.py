"""Find what people read, README, docs and the pages beside them, and what those name."""

from __future__ import annotations

import re
from pathlib import Path

from tests.support.paths import ROOT

DOCS = ROOT / "docs"
PAGES = [*(ROOT / f"{name}.md" for name in ("README", "CONTRIBUTING", "SECURITY")), *sorted(DOCS.rglob("*.md"))]
_FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```", re.MULTILINE | re.DOTALL)


def name_of(page: Path) -> str:
    """Return the page's path in the repository."""
    return page.relative_to(ROOT).as_posix()


def python_blocks(page: Path) -> list[str]:
    """Return a page's own Python, in its order; what it shows of ``examples`` is none."""
    found = _FENCE.findall(page.read_text(encoding="utf-8"))
    return [code for language, code in found if language.split()[:1] == ["python"]]


def shell_lines(page: Path) -> list[str]:
    """Return the lines of a page's commands, with continued ones joined and comments cut."""
    blocks = (code for language, code in _FENCE.findall(page.read_text(encoding="utf-8")) if not language)
    lines = (line for code in blocks for line in code.replace("\\\n", " ").splitlines())
    return [re.sub(r"(^|\s)#.*", "", line).strip() for line in lines]

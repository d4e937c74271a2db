"""Bring the measured pictures into the site: they lie beside the results that they are drawn from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from mkdocs.structure.files import File, Files

_ROOT = Path(__file__).parents[2]
_RESULTS = "benchmarks/results"


def on_files(files: Files, config: Any, **_: Any) -> Files:
    """Add each picture under the name that pages find it by."""
    for picture in sorted((_ROOT / _RESULTS).glob("*.png")):
        files.append(File.generated(config, f"results/{picture.name}", abs_src_path=str(picture)))
    return files


def on_page_markdown(markdown: str, **_: Any) -> str:
    """Lead links to the place that the pictures have in the site; in the repository they work as they are."""
    return markdown.replace(f"../../{_RESULTS}/", "../results/")

"""Every block of Python in README and docs runs, beside a bundle and a model of the names that the pages use."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

from tests.support.pages import PAGES, name_of, python_blocks
from tests.support.paths import FIXTURES

WITH_PYTHON = {page: "\n".join(blocks) for page in PAGES if (blocks := python_blocks(page))}
# What exports, starts TensorFlow.
EACH = [pytest.param(page, marks=[pytest.mark.slow] if "export(" in code else []) for page, code in WITH_PYTHON.items()]


@pytest.mark.parametrize("page", EACH, ids=map(name_of, WITH_PYTHON))
def test_the_python_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    shutil.copytree(FIXTURES / "stream_text", "bundle")
    blocks = python_blocks(page)
    if any('"gru.keras"' in code for code in blocks):
        from tests.support.workshop import small

        small().save("gru.keras")
    names = {"tokens": np.array([[1, 5, 4, 7] * 4], dtype=np.int32)}  # what a page takes for granted
    for code in blocks:
        exec(compile(code, name_of(page), "exec"), names)

"""Run the page's JavaScript modules in Node, beside a program that asks them."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import Any

NODE = shutil.which("node")


def ask_modules(folder: Path, modules: Sequence[str], program: str, given: dict[str, Any]) -> dict[str, Any]:
    """What a program answers as JSON on stdout, which imports the modules beside it and reads JSON from stdin."""
    assets = resources.files("deeprnn_edge.web") / "assets"
    (folder / "package.json").write_text('{"type": "module"}', encoding="utf-8")
    for name in modules:
        (folder / name).write_bytes((assets / name).read_bytes())
    (folder / "program.js").write_text(program, encoding="utf-8")
    done = subprocess.run(
        [str(NODE), "program.js"], cwd=folder, input=json.dumps(given), capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout)
    return answer

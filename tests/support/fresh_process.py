"""Run code in a fresh Python, and tell what it imported."""

from __future__ import annotations

import subprocess
import sys

HEAVY = ("tensorflow", "keras", "tf2onnx", "onnx", "deeprnn_export")


def modules_after(code: str) -> set[str]:
    """Return the top-level modules that a fresh process has loaded after running some code."""
    return {name.split(".")[0] for name in all_modules_after(code)}


def all_modules_after(code: str) -> set[str]:
    """Return every module that a fresh process has loaded after running some code."""
    words = [sys.executable, "-c", f"{code}\nimport sys; print('MODULES', *sys.modules)"]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return set(done.stdout.split("MODULES ")[-1].split())


def command(*words: str) -> str:
    """Return code that runs a command of the command line."""
    return f"from deeprnn_edge.cli.main import main\nmain({list(words)!r}, standalone_mode=False)"

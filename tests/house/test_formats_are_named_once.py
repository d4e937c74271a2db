"""A format is named where it is at home: in its folders, and in the two lists. Everything else asks the records.

Names are looked for in literals, identifiers, keywords and imports of the product; docstrings and comments, which are
for people, may say what they like.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from deeprnn_edge.runtimes import RUNTIMES
from tests.support.paths import ROOT

PACKAGES = (ROOT / "deeprnn_edge", ROOT / "export" / "deeprnn_export")
# The lists, and the rooms in which each format has a folder of its own.
LISTS = ("runtimes/__init__.py", "targets/__init__.py")
HOMES = ("runtimes", "targets")
# Libraries are called so by their makers.
ALLOWED = re.compile(r"(?i:onnx[ _]?runtime|tf2onnx)")
# As a word of its own: between signs, digits and underscores, or at a change of case as in OnnxSession.
NAMES = {name for one in RUNTIMES.values() for name in (one.name, one.title)}
FORMATS = "|".join(re.escape(name) for name in NAMES if len(name) > 1)
# A name of one letter is also that of a variable: it names a format as the suffix of a file alone.
SUFFIXES = "|".join(re.escape(name) for name in NAMES if len(name) == 1)
WORD = re.compile(
    rf"(?:(?<![A-Za-z])|(?<=[a-z])(?=[A-Z]))(?i:{FORMATS})(?![a-z])|(?<=\.)(?:{SUFFIXES})(?![A-Za-z0-9_.])"
)
# Rooms where a format is still named. To be empty.
NOT_YET: frozenset[str] = frozenset()


def named(text: str) -> list[str]:
    """The formats that a piece of text names."""
    return [found.lower() for found in WORD.findall(ALLOWED.sub("-", text))]


def texts(tree: ast.Module) -> Iterator[tuple[int, str]]:
    """Each literal and each name of a module's code with its line; no docstrings."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
        and isinstance(getattr(node.body[0].value, "value", None), str)
    }
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if isinstance(node, ast.Constant) and id(node) not in docstrings:
            if isinstance(node.value, str | bytes):
                yield line, str(node.value)
            continue
        for field in ("id", "attr", "arg", "name", "asname", "module", "names", "rest", "kwd_attrs"):
            value = getattr(node, field, None)
            for one in value if isinstance(value, list) else [value]:
                if isinstance(one, str):
                    yield line, one


def places(root: Path) -> Iterator[str]:
    for path in sorted(root.rglob("*.py")):
        inside = path.relative_to(root)
        if inside.as_posix() in LISTS or f"{root.name}/{inside.parts[0]}" in NOT_YET:
            continue
        at_home = inside.parts[1] if inside.parts[0] in HOMES and len(inside.parts) > 2 else None
        for line, text in texts(ast.parse(path.read_text(encoding="utf-8"))):
            if any(found != at_home for found in named(text)) and at_home not in RUNTIMES:
                yield f"{inside}:{line}: {text.strip()[:80]!r}"


@pytest.mark.parametrize("root", PACKAGES, ids=lambda root: root.name)
def test_no_other_file_of_the_product_names_a_format(root: Path) -> None:
    assert list(places(root)) == []


@pytest.mark.parametrize(
    ("code", "count"),
    [
        ("kind = 'onnx'", 1),
        ("kind = 'tflite'", 1),
        ("PATH = 'model.onnx'", 1),
        ("f'{path} is no TFLite model'", 1),
        ("help('fits ONNX and TFLite')", 1),
        ("b'onnx'", 1),
        ("import onnx", 1),
        ("import onnx.helper as made", 1),
        ("from deeprnn_edge.runtimes.onnx import RUNTIME", 1),
        ("from deeprnn_edge.runtimes import tflite", 1),
        ("def convert_to_onnx(tflite): pass", 2),
        ("class OnnxSession: pass", 1),
        ("TFLiteSession(onnx_content=1)", 2),
        ("row.onnx", 1),
        ("call(onnx=1)", 1),
        ("match x:\n    case {'a': 1, **onnx}: pass", 1),
        ("match x:\n    case Point(tflite=1): pass", 1),
        ("def f():\n    global onnx", 1),
        ("PATH = 'model.c'", 1),
        ("c = h.cell", 0),
        ("name = 'onnxruntime-web'; import onnxruntime; ONNXRUNTIME_JS = 1", 0),
        ("import ai_edge_litert; package = 'ai-edge-litert'", 0),
        ("import tf2onnx", 0),
        ("'''Docstring about ONNX.'''\ndef f():\n    '''And TFLite.'''  # and .onnx", 0),
        ("x = 1\n'''ONNX, in a literal that documents nothing.'''", 1),
    ],
)
def test_what_counts_as_a_name(code: str, count: int) -> None:
    assert sum(bool(named(text)) for _, text in texts(ast.parse(code))) == count

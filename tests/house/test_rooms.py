"""Hold the layout: rooms that say what they are for, no circles, and tests in the rooms of what they test."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

from tests.support.paths import ROOT

DEVICE, WORKSHOP = ROOT / "deeprnn_edge", ROOT / "export" / "deeprnn_export"
MOST_ENTRIES = {DEVICE: 20, WORKSHOP: 15}
TESTS_OF = {"edge": DEVICE, "export": WORKSHOP, "benchmarks": ROOT / "benchmarks"}
OTHERS = {"house", "support", "fixtures", "__pycache__"}  # of tests/, rooms of its own
# A part of a room, in a folder for its size alone, says in one line what it is.
PARTS = {WORKSHOP / "reading" / "keras2"}


def folders_of(package: Path) -> list[Path]:
    """Return the package's folders with modules, itself apart."""
    return sorted({path.parent for path in package.rglob("*.py")} - {package})


ROOMS = [folder for package in MOST_ENTRIES for folder in folders_of(package)]


def named(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


@pytest.mark.parametrize("room", ROOMS, ids=named)
def test_a_room_says_what_enters_what_leaves_and_which_way_it_looks(room: Path) -> None:
    docstring = ast.get_docstring(ast.parse((room / "__init__.py").read_text(encoding="utf-8")))
    assert docstring, "a room's __init__ has a docstring"
    if room not in PARTS:
        for word in ("Enters: ", "Leaves: ", "Looks at: "):
            assert word in docstring


@pytest.mark.parametrize("package", MOST_ENTRIES, ids=named)
def test_few_entries_are_at_the_top(package: Path) -> None:
    entries = [path.name for path in package.iterdir() if path.name != "__pycache__"]
    assert len(entries) <= MOST_ENTRIES[package], entries


@pytest.mark.parametrize("package", MOST_ENTRIES, ids=named)
def test_no_modules_import_each_other_in_a_circle(package: Path) -> None:
    """Imports within functions and under ``TYPE_CHECKING`` count too."""
    graph = grimp.build_graph(package.name, exclude_type_checking_imports=False, cache_dir=None)
    links = {module: graph.find_modules_directly_imported_by(module) for module in graph.modules}
    assert circle_in(links) == []


def test_a_circle_is_found() -> None:
    assert circle_in({"a": {"b"}, "b": {"c"}, "c": {"a"}, "d": {"a"}})
    assert circle_in({"a": {"b", "c"}, "b": {"c"}, "c": set()}) == []


def circle_in(links: dict[str, set[str]]) -> list[str]:
    """Return the modules that are left when those that import no other one left are taken out again and again."""
    left = {module: imported & links.keys() for module, imported in links.items()}
    while outermost := [module for module, imported in left.items() if not imported & left.keys()]:
        for module in outermost:
            del left[module]
    return sorted(left)


@pytest.mark.parametrize("kind", TESTS_OF)
def test_each_folder_of_tests_is_a_room(kind: str) -> None:
    """``tests/edge/bench/streams`` tests ``deeprnn_edge/bench/streams``, and no test lies beside the rooms."""
    found = {path.parent.relative_to(ROOT / "tests" / kind) for path in files_of_tests(ROOT / "tests" / kind)}
    assert found
    for folder in found:
        assert folder != Path(), "a test lies outside of the rooms"
        assert (TESTS_OF[kind] / folder).is_dir(), f"tests/{kind}/{folder} tests no room"


def test_every_test_is_in_a_room_of_one_of_four_kinds() -> None:
    kinds = {path.relative_to(ROOT / "tests").parts[0] for path in files_of_tests(ROOT / "tests")}
    assert kinds == {*TESTS_OF, "house"}
    folders = {path.name for path in (ROOT / "tests").iterdir() if path.is_dir()}
    assert folders == {*TESTS_OF, *OTHERS} or folders == {*TESTS_OF, *OTHERS} - {"__pycache__"}


def test_what_is_shared_stands_in_support() -> None:
    """No test is imported by another module, and benchmarks share ``tests.support`` alone."""
    for path in [*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")]:
        for module in imported_by(path):
            assert not module.split(".")[-1].startswith("test_"), f"{named(path)} imports {module}"
            if path.is_relative_to(ROOT / "benchmarks"):
                assert not module.startswith("tests.") or module.startswith("tests.support"), f"{named(path)}: {module}"


def files_of_tests(folder: Path) -> Iterator[Path]:
    return folder.rglob("test_*.py")


def imported_by(path: Path) -> Iterator[str]:
    """Yield every module, and every name of a module, that a file imports anywhere."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)

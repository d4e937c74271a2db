"""What README and docs name exists, their tables are those of the results, and the site asks for nothing elsewhere."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from benchmarks.tables.fill import fill
from deeprnn_edge.cli.main import main
from tests.support.pages import DOCS, PAGES, name_of, python_blocks, shell_lines
from tests.support.paths import ROOT

README = ROOT / "README.md"
EACH_PAGE = pytest.mark.parametrize("page", PAGES, ids=name_of)
# Options of other programs that pages speak of.
OTHERS = {"--list", "--only", "--contender", "--render", "--count", "--bundle", "--no-access-log"}


def options_by_command() -> dict[str, set[str]]:
    context = click.Context(main)
    commands = {name: main.get_command(context, name) for name in main.list_commands(context)}
    return {
        name: {option for one in command.params for option in (*one.opts, *one.secondary_opts)} | {"--help"}
        for name, command in commands.items()
        if command is not None
    }


OPTIONS = options_by_command()


def test_the_readme_is_one_page_with_one_table_of_six_columns() -> None:
    lines = README.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 200
    tables = [line for above, line in zip(["", *lines], lines, strict=False) if line[:1] == "|" and above[:1] != "|"]
    assert [line.count("|") - 1 for line in tables] == [6]


@EACH_PAGE
def test_the_tables_are_those_of_the_results(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert fill(text) == text, "run: python benchmarks/tables/fill.py"


@EACH_PAGE
def test_every_command_and_option_exists(page: Path) -> None:
    for line in shell_lines(page):
        if found := re.match(r"deeprnn-edge (\w+)(.*)", line):
            assert found[1] in OPTIONS, line
            for option in re.findall(r"(?<![\w-])--?[a-z][\w-]*", re.sub(r"'[^']*'|\"[^\"]*\"", "", found[2])):
                assert option in OPTIONS[found[1]], line
    known = OTHERS.union(*OPTIONS.values())
    for option in re.findall(r"`(--[a-z][\w-]*)", page.read_text(encoding="utf-8")):
        assert option in known


def test_every_command_is_in_the_readme() -> None:
    text = README.read_text(encoding="utf-8")
    assert [name for name in OPTIONS if f"deeprnn-edge {name}" not in text and name != "demo"] == []


@EACH_PAGE
def test_every_make_target_and_program_exists(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    rules = (ROOT / "Makefile").read_text(encoding="utf-8")
    for target in re.findall(r"(?:`|^)make ([a-z]+)", text, re.MULTILINE):
        assert re.search(rf"^{target}:", rules, re.MULTILINE), f"make {target}"
    for program in re.findall(r"(?<!`)(?:`|^)python ([\w/]+\.py)", text, re.MULTILINE):
        assert (ROOT / program).is_file(), program
    for module in re.findall(r"(?:`|^)python -m ((?:tests|benchmarks)[\w.]+)", text, re.MULTILINE):
        assert (ROOT / f"{module.replace('.', '/')}.py").is_file(), module


@EACH_PAGE
def test_every_link_and_path_leads_somewhere(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    for target in re.findall(r"\]\(([^)\s#]+)(?:#[^)]*)?\)", text):
        assert "://" in target or (page.parent / target).exists(), target
    prefixes = ("benchmarks/", "deeprnn_edge/", "deeprnn_export/", "docs/", "examples/", "export/", "tests/")
    for path in re.findall(r"`([\w./-]+/[\w./-]+)`", text):
        if path.startswith(prefixes):
            assert (ROOT / path).exists() or (ROOT / "export" / path).exists(), path


def test_the_architecture_names_every_room() -> None:
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    layers = [
        layer for one in contracts if one["type"] == "layers" and one.get("exhaustive") for layer in one["layers"]
    ]
    rooms = {room.strip(" ()") for layer in layers for room in re.split(r"[|:]", layer)}
    picture = re.findall(r">([\w/, ]+)</text>", (DOCS / "images" / "rooms.svg").read_text(encoding="utf-8"))
    drawn = {word for text in picture for word in re.split(r"[/, ]+", text)}
    text = (DOCS / "development" / "architecture.md").read_text(encoding="utf-8")
    headings = {
        word for heading in re.findall(r"^### (.*)", text, re.MULTILINE) for word in re.split(r"[, ]+", heading)
    }
    assert rooms - drawn == set()
    assert rooms - headings - {"errors", "packages", "tables"} == set()


def test_blocks_of_python_are_found() -> None:
    assert {name_of(page) for page in PAGES if python_blocks(page)} >= {"README.md", "docs/quickstart.md"}


@pytest.mark.slow
def test_the_site_is_built_strictly_and_asks_for_nothing_from_elsewhere(tmp_path: Path) -> None:
    pytest.importorskip("material", reason="mkdocs-material is not installed; the extra docs brings it")
    command = [sys.executable, "-m", "mkdocs", "build", "--quiet", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    pages = sorted(tmp_path.rglob("*.html"))
    assert len(pages) > len(list(DOCS.rglob("*.md")))
    asked = re.compile(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)=[\"']?(?:https?:)?//[^>]*>|FORMULA\d")
    assert [(page.name, found) for page in pages for found in asked.findall(page.read_text(encoding="utf-8"))] == []
    styles = "".join(path.read_text(encoding="utf-8") for path in tmp_path.rglob("*.css"))
    assert "url(http" not in styles
    assert "@import" not in styles

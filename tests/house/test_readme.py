"""The README's tables are those of the results, and its commands exist."""

from __future__ import annotations

import re
import runpy

from click.testing import CliRunner

from deeprnn_edge.cli.main import main
from tests.support.paths import ROOT


def test_the_tables_are_those_of_the_results() -> None:
    fill = runpy.run_path(str(ROOT / "benchmarks" / "tables" / "fill.py"))["fill"]
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert fill(text) == text, "run: python benchmarks/tables/fill.py"


def test_every_command_and_option_in_the_readme_exists() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    lines = re.findall(r"^deeprnn-edge (\w+)([^\n#]*)", text, re.MULTILINE)
    assert {command for command, _ in lines} >= {"train", "export", "verify", "inspect", "bench", "predict"}
    for command, rest in lines:
        help_text = CliRunner().invoke(main, [command, "--help"]).stdout
        for option in re.findall(r"--[\w-]+", rest):
            assert option in help_text

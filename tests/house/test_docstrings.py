"""Hold that a docstring begins with what the thing does: a verb in the imperative, from a list that may grow."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.paths import ROOT

VERBS = set(
    """
    Accept Add Adjust Admit Allow Answer Append Apply Arrange Ask Assemble Assign Attach Await Begin Bind Bound
    Bring Build Bundle Cache Calibrate Call Carry Cast Change Check Choose Clean Clear Close Collect Combine Compare
    Compile Complete Compose Compress Compute Concatenate Connect Convert Copy Count Create Cut Damage Deal Decide
    Declare Decode Define Delete Demand Derive Describe Detect Determine Discard Discover Divide Do Download Draw
    Drop Embed Encode End Enter Escape Estimate Evaluate Exchange Expand Explain Export Express Extend Extract Fail
    Fetch Fill Filter Find Fit Flatten Fold Follow Forget Format Freeze Fuse Fuzz Gather Generate Get Give Go Group
    Guard Hammer Hand Handle Hash Have Hide Hold Identify Ignore Import Infer Inspect Install Interpolate Invert
    Invoke Iterate Join Judge Keep Kill Label Lay Lead Learn Leave Let Limit Link List Load Locate Look Lower Make
    Map Mark Mask Match Measure Mend Merge Mirror Move Multiply Name Normalise Normalize Note Number Offer Omit Open
    Order Override Pack Pad Pair Parse Pass Patch Pause Permute Pick Place Plan Plot Point Prefer Prepare Print
    Project Promise Prove Provide Publish Pull Push Put Quantise Quantize Quote Raise Rank Reach Read Rebuild
    Recognise Record Recover Reduce Refuse Register Reject Release Remember Remove Rename Render Reorder Repeat
    Replace Replay Report Represent Require Reset Reshape Resolve Restore Resume Return Reuse Reverse Rewrite Round
    Route Run Sample Save Say Scale Score Search See Select Send Separate Serve Set Settle Shape Share Shift Ship
    Shorten Show Shrink Silence Skip Slice Sort Spell Split Spread Stack Stand Start State Step Stop Store Stream
    Strip Submit Suggest Sum Summarise Supply Swap Switch Tabulate Take Tell Temporarily Test Tile Time Tokenise
    Trace Track Train Translate Transpose Trim Try Turn Undo Unpack Update Use Validate Verify Visit Wait Warm Warn
    Watch Weigh Work Wrap Write Yield
    """.split()
)
PACKAGES = {
    "deeprnn_edge": ROOT / "deeprnn_edge",
    "deeprnn_export": ROOT / "export" / "deeprnn_export",
    "benchmarks": ROOT / "benchmarks",
}
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def files_by_room() -> dict[str, list[Path]]:
    """Group the modules by package and room; those beside the rooms go by their package's name alone."""
    found: dict[str, list[Path]] = {}
    for name, package in PACKAGES.items():
        for path in sorted(package.rglob("*.py")):
            room = path.relative_to(package).parts[:-1][:1]
            found.setdefault("/".join((name, *room)), []).append(path)
    return found


ROOMS = files_by_room()


@pytest.mark.parametrize("room", ROOMS)
def test_a_docstring_begins_with_a_verb(room: str) -> None:
    wrong = [
        f"{path.relative_to(ROOT)}:{line}: {text.splitlines()[0]}"
        for path in ROOMS[room]
        for line, text in docstrings(path.read_text(encoding="utf-8"))
        if text.split()[0].rstrip(",:.") not in VERBS
    ]
    assert not wrong, f"{len(wrong)} begin otherwise:\n" + "\n".join(wrong)


def test_what_begins_otherwise_is_found() -> None:
    source = '"""Read it."""\nclass A:\n    """A thing."""\n    def f(self):\n        """The value."""\n'
    assert [text for _, text in docstrings(source)] == ["Read it.", "A thing.", "The value."]


def docstrings(source: str) -> Iterator[tuple[int, str]]:
    """Yield every docstring with the line on which what it describes begins."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, DOCUMENTED) and (text := ast.get_docstring(node)):
            yield getattr(node, "lineno", 1), text

"""Where the repository's files are."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).parents[2]
FIXTURES = ROOT / "tests" / "fixtures"
FIXED = FIXTURES / "architectures" / "fixed.json"
FOUND = FIXTURES / "architectures" / "found"  # what failed once, which every run replays

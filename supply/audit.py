"""Look for known holes in the pinned packages: ``python -m supply.audit PIP_AUDIT``, the command to run.

Exit code 0 where there is none, or where the advisories cannot be reached, which is said; 1 where there is one.
"""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

from supply.hashes import HASHES


def judge(said: str) -> tuple[list[str], str]:
    """Return the holes that a report of pip-audit names, a line each, and why nothing was looked at, if so.

    Args:
        said: its JSON; anything else where it came to no report.
    """
    try:
        packages: list[dict[str, Any]] = json.loads(said)["dependencies"]
    except (ValueError, LookupError, TypeError):
        return [], "the advisories cannot be reached from here"
    if packages and all("skip_reason" in one for one in packages):
        return [], f"the advisories cannot be reached from here: {packages[0]['skip_reason']}"
    return [
        f"{one['name']} {one['version']}: {hole['id']}, mended in {', '.join(hole['fix_versions']) or 'no release'}"
        for one in packages
        for hole in one.get("vulns", [])
    ] + [f"{one['name']}: not looked at: {one['skip_reason']}" for one in packages if "skip_reason" in one], ""


def main(command: list[str]) -> int:
    """Run the audit; return the exit code."""
    words = ["--disable-pip", "--require-hashes", "--requirement", str(HASHES), "--format", "json"]
    done = subprocess.run([*command, *words], capture_output=True, text=True, check=False)
    holes, skipped = judge(done.stdout)
    if skipped:
        sys.stderr.write(f"audit skipped: {skipped}\n")
        return 0
    sys.stdout.write("".join(f"{hole}\n" for hole in holes) or "no known hole in the pinned packages\n")
    return int(bool(holes))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

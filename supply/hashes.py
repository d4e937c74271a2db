"""Write the hashes of all pinned packages' files: ``python -m supply.hashes UV``, the command that knows the index.

The result is pip's form, without any address: ``pip install --no-deps --require-hashes --requirement hashes.txt``.
It is beside pins.txt, as pip takes no hashes in a constraint.
"""

from __future__ import annotations

import re
import subprocess
import sys

from packaging.utils import canonicalize_name

from supply.pins import PINS, ROOT, read_pins

HASHES = ROOT / "hashes.txt"
_HEAD = "# The files of the versions in pins.txt, by hash. Refresh: make hashes\n"
_HASH = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")


def read_hashes() -> dict[str, tuple[str, int]]:
    """Return of each package, by its canonical name, the version and how many hashes it has.

    Raises:
        ValueError: for a line that is neither, such as an address.
    """
    found: dict[str, tuple[str, int]] = {}
    name = ""
    for line in HASHES.read_text(encoding="utf-8").splitlines():
        if package := re.fullmatch(r"([\w.-]+)==([\w.+!-]+) \\", line):
            name = canonicalize_name(package[1])
            found[name] = package[2], 0
        elif _HASH.fullmatch(line) and name:
            found[name] = found[name][0], found[name][1] + 1
        elif line and not line.startswith("#"):
            raise ValueError(f"{HASHES.name}: {line!r} is neither a version nor a hash")
    return found


def main(command: list[str]) -> int:
    """Write the file, or with ``--check`` compare it with the pins; return the exit code."""
    if command == ["--check"]:
        found = read_hashes()
        if {name: version for name, (version, _) in found.items()} == read_pins() and all(
            count for _, count in found.values()
        ):
            return 0
        sys.stderr.write(f"{HASHES.name} has other packages than {PINS.name}: make hashes\n")
        return 1
    words = ["pip", "compile", "--quiet", "--no-deps", "--generate-hashes", "--no-header", "--no-annotate"]
    done = subprocess.run([*command, *words, str(PINS)], capture_output=True, text=True, check=True)
    lines = [
        line for line in done.stdout.splitlines() if not line.startswith("--")
    ]  # of an index, which has an address
    HASHES.write_text(_HEAD + "\n".join(lines).strip() + "\n", encoding="utf-8")
    return main(["--check"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

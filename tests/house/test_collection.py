"""Hold that a run of the device's tests never pays for the workshop's libraries."""

from __future__ import annotations

import subprocess
import sys

from tests.support.paths import ROOT

COLLECT = """
import sys, pytest
code = pytest.main(["--collect-only", "-qq", "-p", "no:cacheprovider", "tests/edge"])
print("MODULES", code.value, *sys.modules)
"""


def test_collecting_the_tests_of_the_device_imports_no_framework() -> None:
    done = subprocess.run([sys.executable, "-c", COLLECT], cwd=ROOT, capture_output=True, text=True, check=True)
    code, *modules = done.stdout.split("MODULES ")[-1].split()
    assert code == "0", done.stdout[-2000:]
    assert "tests.edge.bundle.test_bundle" in modules
    assert not {"tensorflow", "keras", "tf2onnx", "deeprnn_export"} & {name.split(".")[0] for name in modules}

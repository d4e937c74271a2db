"""What a report says of the machine, on this one and from the texts that others give."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from deeprnn_edge.bench import machine
from deeprnn_edge.bench.machine import describe_machine, parse_cpuinfo
from deeprnn_edge.packages import package_version

X86 = """\
processor	: {number}
vendor_id	: GenuineIntel
model name	: Intel(R) Core(TM) i7-8650U CPU @ 1.90GHz
physical id	: 0
core id		: {core}
flags		: fpu sse2 avx2
"""
RASPBERRY_PI_4 = """\
processor	: {number}
BogoMIPS	: 108.00
Features	: fp asimd crc32
CPU implementer	: 0x41
CPU architecture: 8
CPU variant	: 0x0
CPU part	: {part}
CPU revision	: 3
"""


def test_cpuinfo_of_x86_with_two_threads_a_core() -> None:
    text = "\n".join(X86.format(number=number, core=number % 2) for number in range(4))
    assert parse_cpuinfo(text) == {
        "model": "Intel(R) Core(TM) i7-8650U CPU @ 1.90GHz",
        "flags": ["avx2", "fpu", "sse2"],
        "physical_cores": 2,
    }


@pytest.mark.parametrize(
    ("parts", "model"),
    [
        (["0xd08", "0xd08"], "ARM Cortex-A72"),
        (["0xd05", "0xd0b"], "ARM Cortex-A55 + ARM Cortex-A76"),
        (["0x123"], "implementer 0x41 part 0x123"),
        (["odd"], "implementer 0x41 part odd"),
    ],
)
def test_cpuinfo_of_arm_has_no_model_name(parts: list[str], model: str) -> None:
    board = "\nHardware\t: BCM2835\nModel\t\t: Raspberry Pi 4 Model B Rev 1.2\n"
    text = "\n".join(RASPBERRY_PI_4.format(number=n, part=part) for n, part in enumerate(parts)) + board
    assert parse_cpuinfo(text) == {"model": model, "flags": ["asimd", "crc32", "fp"], "physical_cores": None}


def test_cpuinfo_of_an_empty_file() -> None:
    assert parse_cpuinfo("") == {"model": None, "flags": None, "physical_cores": None}


def test_this_machine_is_ready_for_json() -> None:
    found = describe_machine()
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert found["cpu"]["logical_cores"] >= found["cpu"]["usable_cores"] >= 1
    assert set(found) == {"cpu", "board", "memory_bytes", "os", "kernel", "architecture", "python", "packages"}
    assert found["packages"]["numpy"]
    assert found["os"]
    assert found["kernel"]


def test_a_machine_that_tells_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_read", lambda _: None)
    monkeypatch.setattr(machine.sys, "platform", "other")
    monkeypatch.setattr(machine.platform, "processor", lambda: "")
    found = describe_machine()
    assert (found["cpu"]["model"], found["cpu"]["flags"], found["cpu"]["governor"]) == (None, None, None)


def test_a_package_that_is_not_installed() -> None:
    assert package_version("no-such-distribution") is None


def test_versions_are_read_without_importing_the_packages() -> None:
    code = (
        "import sys; from deeprnn_edge.bench.machine import describe_machine; describe_machine(); print(*sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"tensorflow", "keras", "onnx", "tf2onnx"} & set(done.stdout.split())

"""Make the table of the systems that have wheels, and what to do on the others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.tables.parts import markdown, read

# ONNX Runtime publishes no source distribution, so piwheels has no wheel either (piwheels/packages#389).
# Measured: the x86-64 wheel of tflite-runtime 2.14.0 gives the golden answers of SimpleRNN, GRU and LSTM files
# within 2e-7; it has one for 32-bit ARM too, for Python 3.11 and glibc 2.34.
WHAT_TO_DO = {
    "Linux, x86-64": "",
    "Linux, 64-bit ARM": "Raspberry Pi 3 and newer, Zero 2 W, Jetson, with a 64-bit system",
    "Linux, 32-bit ARM": "the 64-bit system, where the CPU has 64 bits; else, on Python 3.11, `tflite-runtime` 2.14, "
    "which has a wheel and runs the `.tflite` artifact without this package",
    "Alpine, x86-64": "a glibc image, such as `python:3.12-slim`",
    "Alpine, 64-bit ARM": "a glibc image",
    "macOS, Apple silicon": "",
    "macOS, Intel": "a Linux container; ONNX Runtime 1.23.2 was the last with a wheel",
    "Windows, x86-64": "",
    "Windows, ARM": "the `.onnx` artifact, as LiteRT has no wheel",
}


def wheels(result: Mapping[str, Any]) -> str:
    """Tabulate by system, the Python versions with a wheel of each runtime."""
    runtimes = {"onnxruntime": "onnxruntime", "ai-edge-litert": "LiteRT"}
    columns = [(name, which) for name in runtimes for which in ("lowest", "newest")]
    packages = result["packages"]
    rows = [
        [
            system,
            *(_pythons(packages[name]["systems"][system][which]) for name, which in columns),
            _pythons(packages["numpy"]["systems"][system]["any"]),
            advice,
        ]
        for system, advice in WHAT_TO_DO.items()
    ]
    header = ["wheels", *(f"{runtimes[name]} {packages[name][which]}" for name, which in columns), "numpy", "there"]
    arm = result["device_on_64_bit_arm"]
    return markdown(header, rows) + (
        f"\n\nPython versions with a wheel, looked up on {result['date']}. On 64-bit ARM pip finds all that the device "
        f"half and `[tflite]` need as wheels on Python {_span(sorted(arm))}, so that nothing is compiled."
    )


def _pythons(found: Mapping[str, Any]) -> str:
    if not found["pythons"]:
        return "–"
    return _span(found["pythons"]) + (f", {found['needs']}" if found["needs"] else "")


def _span(pythons: list[str]) -> str:
    return pythons[0] if len(pythons) == 1 else f"{pythons[0]} to {pythons[-1]}"


WHEELS_TABLES: dict[str, Callable[[], str]] = {"wheels": lambda: wheels(read("wheels"))}

"""Describe the machine that a measurement was made on: what a reader needs to judge the numbers by.

Linux on x86 and ARM, macOS and Windows; what a machine does not tell is None.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from deeprnn_edge.packages import package_version

PACKAGES = ("deeprnn-edge", "numpy", "onnxruntime", "ai-edge-litert", "tensorflow", "keras")

# MIDR part numbers of ARM's own cores (implementer 0x41), where /proc/cpuinfo gives numbers alone.
# Source: Linux, arch/arm64/include/asm/cputype.h
_ARM_CORES = {
    0xD03: "Cortex-A53",
    0xD04: "Cortex-A35",
    0xD05: "Cortex-A55",
    0xD07: "Cortex-A57",
    0xD08: "Cortex-A72",
    0xD09: "Cortex-A73",
    0xD0A: "Cortex-A75",
    0xD0B: "Cortex-A76",
    0xD0C: "Neoverse-N1",
    0xD40: "Neoverse-V1",
    0xD41: "Cortex-A78",
    0xD49: "Neoverse-N2",
    0xD4F: "Neoverse-V2",
}


def describe_machine() -> dict[str, Any]:
    """Describe the machine, ready for JSON.

    ``cpu``: model, flags (sorted), logical_cores, physical_cores, usable_cores (those that this process
    may run on), governor (Linux's frequency policy). ``board``: what the device tree names, such as a
    Raspberry Pi. ``memory_bytes``, ``os``, ``kernel``, ``architecture``, ``python``, and ``packages``,
    name to version (None where it is not installed).
    """
    return {
        "cpu": _describe_cpu(),
        "board": _read("/proc/device-tree/model"),
        "memory_bytes": _memory_bytes(),
        "os": _os_name(),
        "kernel": f"{platform.system()} {platform.release()}",
        "architecture": platform.machine() or None,
        "python": f"{platform.python_implementation()} {platform.python_version()}",
        "packages": {name: package_version(name) for name in PACKAGES},
    }


def parse_cpuinfo(text: str) -> dict[str, Any]:
    """Read model, flags and physical cores out of the text of Linux's /proc/cpuinfo."""
    processors = [dict(_pairs(block)) for block in text.split("\n\n") if block.strip()]
    models = _distinct(filter(None, map(_cpu_model, processors)))
    flags = {flag for one in processors for flag in (one.get("flags") or one.get("Features") or "").split()}
    cores = {(one["physical id"], one["core id"]) for one in processors if "core id" in one and "physical id" in one}
    return {
        "model": " + ".join(models) or None,
        "flags": sorted(flags) or None,
        "physical_cores": len(cores) or None,
    }


def _describe_cpu() -> dict[str, Any]:
    cpu: dict[str, Any] = {"model": None, "flags": None, "physical_cores": None}
    if sys.platform == "linux":
        cpu |= parse_cpuinfo(_read("/proc/cpuinfo") or "")
        cpu["physical_cores"] = cpu["physical_cores"] or _cores_in_sysfs()
    elif sys.platform == "darwin":
        count = _sysctl("hw.physicalcpu") or ""
        cpu["model"] = _sysctl("machdep.cpu.brand_string")
        cpu["flags"] = sorted((_sysctl("machdep.cpu.features") or "").lower().split()) or None
        cpu["physical_cores"] = int(count) if count.isdecimal() else None
    cpu["model"] = cpu["model"] or platform.processor() or None
    cpu["logical_cores"] = os.cpu_count()
    cpu["usable_cores"] = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    cpu["governor"] = _read("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor")
    return cpu


def _cpu_model(processor: dict[str, str]) -> str | None:
    """Return the name of one processor; on ARM, where there often is none, its maker's numbers."""
    if name := processor.get("model name"):
        return name
    implementer, part = processor.get("CPU implementer", ""), processor.get("CPU part", "")
    if not implementer or not part:
        return processor.get("Processor") or processor.get("uarch") or processor.get("isa")
    try:
        core = _ARM_CORES.get(int(part, 16)) if int(implementer, 16) == 0x41 else None
    except ValueError:
        core = None
    return f"ARM {core}" if core else f"implementer {implementer} part {part}"


def _pairs(block: str) -> Iterable[tuple[str, str]]:
    for line in block.splitlines():
        key, colon, value = line.partition(":")
        if colon and value.strip():
            yield key.strip(), value.strip()


def _cores_in_sysfs() -> int | None:
    """Count physical cores where /proc/cpuinfo does not tell them apart, as on ARM."""
    cores = {
        (_read(folder / "physical_package_id"), _read(folder / "cluster_id"), _read(folder / "core_id"))
        for folder in Path("/sys/devices/system/cpu").glob("cpu[0-9]*/topology")
    }
    return len(cores) or None


def _memory_bytes() -> int | None:
    if sys.platform == "win32":
        return _windows_memory_bytes()
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (ValueError, OSError, AttributeError):
        return None


def _windows_memory_bytes() -> int | None:
    if sys.platform != "win32":
        return None
    import ctypes

    # https://learn.microsoft.com/windows/win32/api/sysinfoapi/nf-sysinfoapi-getphysicallyinstalledsystemmemory
    kilobytes = ctypes.c_ulonglong()
    found = ctypes.windll.kernel32.GetPhysicallyInstalledSystemMemory(ctypes.byref(kilobytes))
    return kilobytes.value * 1024 if found else None


def _os_name() -> str:
    """Return the distribution's own name on Linux, else the system with its version."""
    if sys.platform == "linux":
        named = re.search(r'^PRETTY_NAME="?([^"\n]+)', _read("/etc/os-release") or "", re.MULTILINE)
        if named:
            return named[1]
    if sys.platform == "darwin":
        return f"macOS {platform.mac_ver()[0]}"
    return f"{platform.system()} {platform.release()} {platform.version()}"


def _sysctl(name: str) -> str | None:
    try:
        done = subprocess.run(["/usr/sbin/sysctl", "-n", name], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    return done.stdout.strip() or None


def _read(path: str | Path) -> str | None:
    try:
        # The kernel ends the device tree's strings with a null byte.
        return Path(path).read_text(encoding="utf-8", errors="replace").strip("\0\n ") or None
    except OSError:
        return None


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))

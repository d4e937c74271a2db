"""What builds and runs the programs of ``deeprnn-edge snippet``; a test skips where a language's tools are missing."""

from __future__ import annotations

import base64
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import onnxruntime
import pytest

from deeprnn_edge.web.runtime_files import VERSION
from tests.support.shared import made_once

SUPPORT = Path(__file__).parent
# A compiler takes the system's characters for the program's, and a JVM prints in them.
_ENVIRONMENT = {**os.environ, "LC_ALL": "C.UTF-8", "ONNXRUNTIME_NODE_INSTALL": "skip"}
_HOME = os.environ.get("ONNXRUNTIME_HOME")  # an unpacked release: include and lib
_JAR = os.environ.get("ONNXRUNTIME_JAR")  # of Maven's com.microsoft.onnxruntime:onnxruntime
# ONNX Runtime 1.29 for Unity: of it the C++ headers and the Java classes, which no other package on npm or PyPI has.
_NATIVE = "com.github.asus4.onnxruntime@0.4.9"
_NATIVE_SHA512 = "BkzxduSZ9IkeDP6Q8lz2TFU2ie7hSSvS7ZIfzMooExoq0CNzJnuuGaUJ7IsojBgqO4ouD1jXah8OYyJbCN29Fg=="
_HEADERS = re.compile(r".*/ios-arm64_x86_64-simulator/.*/Headers/(\w+\.h)")


@dataclass(frozen=True)
class Run:
    """How a program ended, and what it printed."""

    code: int
    output: str
    said: str


Runner = Callable[[str, Path], Run]


def call(*command: str | Path, folder: Path | None = None, more: Mapping[str, str] | None = None) -> Run:
    done = subprocess.run(
        [*map(str, command)],
        cwd=folder,
        env={**_ENVIRONMENT, **(more or {})},
        capture_output=True,
        encoding="utf-8",
        timeout=900,
    )
    return Run(done.returncode, done.stdout, f"{done.stdout}{done.stderr}")


def needed(program: str) -> str:
    found = shutil.which(program)
    if found is None:
        pytest.skip(f"no {program} on PATH")
    return found


def open_brackets(text: str) -> str:
    """The brackets of a program, outside of comments and strings, that do not close in their order."""
    code = re.sub(r'"(\\.|[^"\\\n])*"', "", re.sub(r"^ *//.*$", "", text, flags=re.MULTILINE))
    brackets = "".join(re.findall(r"[(){}\[\]]", code))
    assert len(brackets) > 100
    while (shorter := re.sub(r"\(\)|\{\}|\[\]", "", brackets)) != brackets:
        brackets = shorter
    return brackets


class Tools:
    """The runner of each language, made when it is first asked for."""

    def __init__(self, folders: pytest.TempPathFactory) -> None:
        self._folders = folders
        self._runners: dict[str, Runner] = {}

    def __call__(self, language: str) -> Runner:
        if language not in self._runners:
            folder = self._folders.mktemp("tool")
            if language == "c++":
                self._runners[language] = _cpp(folder, system_headers() or self.native())
            else:
                if language == "swift":
                    pytest.skip("no library of LiteRT for Swift outside of Xcode")
                make = {
                    "python": _python,
                    "javascript": _javascript,
                    "java": _java,
                    "csharp": _csharp,
                    "kotlin": _kotlin,
                }
                self._runners[language] = make[language](folder)
        return self._runners[language]

    def native(self) -> Path:
        """A folder with ONNX Runtime's C++ headers and, as ``classes.jar``, its Java classes."""
        return made_once(self._folders, "native", _fetch_native)[0]


def _python(folder: Path) -> Runner:
    def run(text: str, model: Path) -> Run:
        (folder / "snippet.py").write_text(text, encoding="utf-8")
        return call(sys.executable, "-W", "error", folder / "snippet.py", model)

    return run


def _javascript(folder: Path) -> Runner:
    node, npm = needed("node"), needed("npm")
    (folder / "package.json").write_text("{}", encoding="utf-8")
    package = f"onnxruntime-node@{VERSION}"
    done = call(npm, "install", package, "--ignore-scripts", "--no-audit", "--no-fund", folder=folder)
    if done.code:
        pytest.skip(f"npm is there and gives no {package}: {' '.join(done.said.split())[-300:]}")

    def run(text: str, model: Path) -> Run:
        (folder / "snippet.mjs").write_text(text, encoding="utf-8")
        return call(node, folder / "snippet.mjs", model)

    return run


def _cpp(folder: Path, include: Path) -> Runner:
    compiler = needed("g++")
    # The wheel's own library, where no release is unpacked.
    libraries = [*Path(_HOME, "lib").glob("libonnxruntime.so.*")] if _HOME else []
    libraries += Path(onnxruntime.__file__).parent.glob("capi/libonnxruntime.so.*")
    if not libraries:
        pytest.skip("no libonnxruntime.so in ONNXRUNTIME_HOME/lib or the onnxruntime wheel")
    needs = re.search(r"#define ORT_API_VERSION (\d+)", (include / "onnxruntime_c_api.h").read_text(encoding="utf-8"))
    assert needs is not None
    if int(needs[1]) > int(libraries[0].name.split(".")[3]):
        pytest.skip(f"{libraries[0].name} is older than the headers, of 1.{needs[1]}")
    for name in ("libonnxruntime.so", "libonnxruntime.so.1"):
        (folder / name).symlink_to(libraries[0])

    def run(text: str, model: Path) -> Run:
        (folder / "snippet.cpp").write_text(text, encoding="utf-8")
        built = call(
            compiler, "-std=c++17", "-Wall", "-Wextra", "-Wconversion", "-Werror", "snippet.cpp",
            "-isystem", include, "-L", folder, "-lonnxruntime", f"-Wl,-rpath,{folder}", "-o", "snippet", folder=folder,
        )  # fmt: skip
        return call(folder / "snippet", model) if built.code == 0 else built

    return run


def system_headers() -> Path | None:
    folders = [Path("/usr/include/onnxruntime"), Path("/usr/local/include/onnxruntime"), Path("/usr/local/include")]
    if _HOME:
        folders.insert(0, Path(_HOME, "include"))
    return next((folder for folder in folders if (folder / "onnxruntime_cxx_api.h").is_file()), None)


def _fetch_native(folder: Path) -> Path:
    npm = needed("npm")
    done = call(npm, "pack", _NATIVE, "--silent", "--ignore-scripts", folder=folder)
    archives = list(folder.glob("*.tgz"))
    if done.code or len(archives) != 1:
        pytest.skip(f"npm is there and gives no {_NATIVE}: {' '.join(done.said.split())[-300:]}")
    with archives[0].open("rb") as file:
        digest = base64.b64encode(hashlib.file_digest(file, "sha512").digest()).decode("ascii")
    assert digest == _NATIVE_SHA512, f"npm gave another {_NATIVE}"
    with tarfile.open(archives[0]) as files:
        for member in files:
            header = _HEADERS.fullmatch(member.name)
            if header or member.name.endswith("/onnxruntime.aar"):
                content = files.extractfile(member)
                assert content is not None
                (folder / (header[1] if header else "onnxruntime.aar")).write_bytes(content.read())
    archives[0].unlink()
    with zipfile.ZipFile(folder / "onnxruntime.aar") as package:
        package.extract("classes.jar", folder)
    return folder


def _java(folder: Path) -> Runner:
    java = needed("java")
    if _JAR is None:
        pytest.skip("no onnxruntime for Java: set ONNXRUNTIME_JAR to the jar of com.microsoft.onnxruntime:onnxruntime")

    def run(text: str, model: Path) -> Run:
        (folder / "Snippet.java").write_text(text, encoding="utf-8")
        return call(java, "-cp", _JAR, folder / "Snippet.java", model)

    return run


def _kotlin(folder: Path) -> Runner:
    compiler, java, javac = needed("kotlinc"), needed("java"), needed("javac")
    pytest.importorskip("ai_edge_litert", reason="it stands behind the Java classes")
    sources = [*(SUPPORT / "litert_java").rglob("*.java")]
    compiled = call(javac, "-Xlint:all", "-Werror", "-d", folder, *sources)
    assert compiled.code == 0, compiled.said
    environment = {"LITERT_PYTHON": sys.executable, "LITERT_SERVER": str(SUPPORT / "litert_server.py")}

    def run(text: str, model: Path) -> Run:
        (folder / "Snippet.kt").write_text(text, encoding="utf-8")
        jar = folder / "snippet.jar"
        built = call(
            compiler, "-Werror", "-include-runtime", "-cp", folder, folder / "Snippet.kt", "-d", jar, folder=folder
        )
        return call(java, "-cp", f"{folder}:{jar}", "SnippetKt", model, more=environment) if built.code == 0 else built

    return run


def _csharp(folder: Path) -> Runner:
    dotnet = needed("dotnet")
    made = call(dotnet, "new", "console", "-o", folder / "snippet")
    added = call(dotnet, "add", folder / "snippet", "package", "Microsoft.ML.OnnxRuntime", "--version", "1.26.0")
    if made.code or added.code:
        pytest.skip(f"dotnet is there and gives no onnxruntime: {' '.join((made.said + added.said).split())[-300:]}")

    def run(text: str, model: Path) -> Run:
        (folder / "snippet" / "Program.cs").write_text(text, encoding="utf-8")
        return call(dotnet, "run", "--project", folder / "snippet", "--", model)

    return run

"""Write a program in one of the languages."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable
from dataclasses import dataclass

from deeprnn_edge.bundle.artifact import Artifact
from deeprnn_edge.bundle.bundle import Bundle
from deeprnn_edge.runtimes import RUNTIMES
from deeprnn_edge.runtimes.artifacts import choose_for
from deeprnn_edge.runtimes.runtime import Runtime
from deeprnn_edge.snippets import cpp, csharp, java, javascript, kotlin, python, swift
from deeprnn_edge.snippets.about import write_about
from deeprnn_edge.snippets.affine import is_affine
from deeprnn_edge.snippets.example import Example, RawValues, make_example
from deeprnn_edge.snippets.prepare import can_prepare


@dataclass(frozen=True)
class Language:
    """Hold how programs in a language are written.

    Attributes:
        file: what the program is called where it has no name of its own.
        mark: what begins a comment.
        commands: how to install what it needs and run it, with the places ``{file}`` and ``{model}``.
        render: the comment, the model's file name and the example to the program.
        prepares: tells whether the program runs the steps to an input; else it has what these become, and says so.
    """

    file: str
    mark: str
    commands: tuple[str, ...]
    render: Callable[[str, str, Example], str]
    prepares: Callable[[RawValues], bool] = is_affine


LANGUAGES = {
    "c++": Language(cpp.FILE, cpp.MARK, cpp.COMMANDS, cpp.render),
    "java": Language(java.FILE, java.MARK, java.COMMANDS, java.render),
    "javascript": Language(javascript.FILE, javascript.MARK, javascript.COMMANDS, javascript.render),
    "python": Language(python.FILE, python.MARK, python.COMMANDS, python.render, can_prepare),
    "csharp": Language(csharp.FILE, csharp.MARK, csharp.COMMANDS, csharp.render),
    "kotlin": Language(kotlin.FILE, kotlin.MARK, kotlin.COMMANDS, kotlin.render),
    "swift": Language(swift.FILE, swift.MARK, swift.COMMANDS, swift.render),
}


def runtime_for(language: str) -> Runtime:
    """Return the runtime whose files programs in a language run."""
    return next(runtime for runtime in RUNTIMES.values() if language in runtime.languages)


def choose_artifact(bundle: Bundle, path: str | None, language: str) -> Artifact:
    """Return the artifact of that path; by default the first for whole sequences, else the first stream.

    Args:
        bundle: that has it.
        path: inside the bundle; None for the default.
        language: a key of ``LANGUAGES``, whose runtime the artifact has to be of.

    Raises:
        BundleError: where there is no artifact of that path.
        InputError: where it is of another format than programs in that language run, or there is none of that.
    """
    said = f"snippet writes programs in {language} for"
    return choose_for(runtime_for(language), bundle, path, prefer="sequence", said=said)


def write_program(bundle: Bundle, artifact: Artifact, language: str, *, file: str | None = None) -> str:
    """Write a program that runs the artifact on one example of the golden vectors and compares the answer.

    Args:
        bundle: that has the model and the golden vectors.
        artifact: that the program runs.
        language: a key of ``LANGUAGES``.
        file: what the program will be called, for the commands in its comment.

    Raises:
        BundleError: for a bundle without golden vectors, or without a case for this artifact.
        InputError: for a tensor of a dtype that no program has.
    """
    how = LANGUAGES[language]
    example = make_example(bundle, artifact)
    # Another name could mean something to a compiler, in a comment too.
    plain = file is not None and re.fullmatch(r"[\w.+-]+", file, re.ASCII)
    names = {"file": file if plain else how.file, "model": shlex.quote(artifact.path), "asset": artifact.path}
    commands = [command.format(**names) for command in how.commands]
    about = write_about(bundle, artifact, example, mark=how.mark, commands=commands, prepares=how.prepares)
    return how.render(about, artifact.path, example)

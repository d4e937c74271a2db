"""Ask something of a process that may die, and get its answer or its error as JSON."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from collections.abc import Callable
from typing import Any, NoReturn

from deeprnn_edge import errors
from deeprnn_edge.errors import BundleError, DeepRNNEdgeError, InputError
from deeprnn_edge.files.guard.parent import MIB, died, limit_memory_bytes, run_guarded

_MOST_BYTES = 64 * MIB  # of an answer
_LONGEST_MESSAGE = 2000  # characters


def ask(module: str, request: dict[str, Any], *, where: str, file_bytes: int) -> Any:
    """Return what a module answers in a process of its own.

    Args:
        module: whose ``__main__`` part calls ``answer``.
        request: what it gets, as JSON has it.
        where: the bundle or file that is tried, for messages.
        file_bytes: of the files that it opens, by which its memory is limited.

    Raises:
        DeepRNNEdgeError: the error of its own kind that the module raised.
        BundleError: where the process died, was silent for too long, or answered nothing.
        InputError: for a limit in the environment that is no number.
    """
    with tempfile.TemporaryFile() as file:
        ended = run_guarded(
            module,
            [json.dumps(request)],
            memory_bytes=limit_memory_bytes(file_bytes),
            stdout=file,
            output_bytes=_MOST_BYTES,
            quiet=True,
        )
        if (death := died(ended, where)) is not None:
            raise death
        file.seek(0)
        content = file.read(_MOST_BYTES)
    try:
        # The last line alone: what a native library prints comes before.
        answered = json.loads(content[content.rstrip().rfind(b"\n") + 1 :])
        if "error" not in answered:
            return answered["answer"]
        kind, message = getattr(errors, answered["error"]), answered["message"]
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise BundleError(f"{where}: the process that ran it ended with code {ended.code} and no answer") from error
    known = isinstance(kind, type) and issubclass(kind, DeepRNNEdgeError) and isinstance(message, str)
    raise (kind if known else InputError)(str(message)[:_LONGEST_MESSAGE])


def answer(call: Callable[[dict[str, Any]], Any]) -> NoReturn:
    """Answer the request that this process was started with, and end it.

    Args:
        call: the request to what JSON can hold.
    """
    answered: dict[str, Any]
    try:
        answered = {"answer": call(json.loads(sys.argv[1]))}
    except DeepRNNEdgeError as error:
        answered = {"error": type(error).__name__, "message": str(error)}
    except MemoryError:
        answered = {"error": "BundleError", "message": "a file asks for more memory than it may take"}
    sys.stdout.write("\n" + json.dumps(answered) + "\n")
    sys.stdout.flush()
    os._exit(0)  # without the libraries' own end, in which a damaged session may still crash

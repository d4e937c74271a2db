"""Get the classes and functions that a model needs and Keras does not have from a Python file of the user."""

from __future__ import annotations

import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import keras

from deeprnn_edge.errors import InputError

OPTION = "custom_objects="


def read_custom_objects(path: str | Path) -> dict[str, Any]:
    """Run a Python file and return what a model may refer to, by name.

    That is every Keras layer class and every function that the file defines, by its own name, and all that it
    registers through ``keras.saving.register_keras_serializable``, by its registered name. The file may import
    modules from its own folder.

    Raises:
        InputError: for a file that is missing, fails, or defines nothing of the kind.
    """
    path = Path(path)
    if not path.is_file():
        raise InputError(f"no such file of custom objects: {path}")
    before = dict(keras.saving.get_custom_objects())
    module = _run(path)
    registered = {
        name: value for name, value in keras.saving.get_custom_objects().items() if before.get(name) is not value
    }
    found = {name: value for name, value in vars(module).items() if _defined_in(module, value)} | registered
    if not found:
        raise InputError(f"{path} defines no Keras layer and no function; expected the classes that the model uses")
    return found


def known_name(name: str | None, custom_objects: dict[str, Any]) -> str | None:
    """Return the name that a thing was given or registered under, by that name or without its package; else None."""
    known = {**keras.saving.get_custom_objects(), **custom_objects}
    candidates = () if name is None else (name, name.rsplit(">", 1)[-1], f"Custom>{name}")
    return next((candidate for candidate in candidates if candidate in known), None)


def lookup(name: str | None, custom_objects: dict[str, Any]) -> Any:
    """Look up what the user gave or registered under a name: see ``known_name``. None without it."""
    known = known_name(name, custom_objects)
    return None if known is None else {**keras.saving.get_custom_objects(), **custom_objects}[known]


def _run(path: Path) -> ModuleType:
    name = f"_custom_objects_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise InputError(f"{path} is no Python file; expected a name that ends in .py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and pickles look their module up
    folder = str(path.resolve().parent)
    sys.path.insert(0, folder)
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        reason = " ".join(str(error).split())
        raise InputError(f"{path} fails: {type(error).__name__}: {reason[:300]}") from error
    finally:
        sys.path.remove(folder)
    return module


def _defined_in(module: ModuleType, value: Any) -> bool:
    if inspect.isfunction(value):
        return value.__module__ == module.__name__
    return inspect.isclass(value) and issubclass(value, keras.layers.Layer) and value.__module__ == module.__name__

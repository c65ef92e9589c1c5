"""Names of a package that are imported when they are first asked for (PEP 562)."""

from __future__ import annotations

import importlib
import sys
import types
from collections.abc import Callable, Mapping
from typing import Any

_NOT_SHOWN = {"TYPE_CHECKING", "lazy_names"}


def lazy_names(
    package: str, module_of: Mapping[str, str]
) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """Returns the functions `__getattr__` and `__dir__` of a package.

    The completion of the interpreter evaluates every attribute but properties, and
    would import TensorFlow. So the names become properties without a getter, too, for
    which Python asks `__getattr__`.

    Args:
        package: Its name.
        module_of: Name -> the module of the package that defines it.
    """
    here = sys.modules[package]

    def get(name: str) -> Any:
        if name in vars(here):
            return vars(here)[name]
        if name not in module_of:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        return getattr(importlib.import_module(f"{package}.{module_of[name]}"), name)

    def names() -> list[str]:
        return sorted({*vars(here), *module_of} - _NOT_SHOWN)

    here.__class__ = type(
        "Package", (types.ModuleType,), {name: _settable(name) for name in module_of}
    )
    return get, names


def _settable(name: str) -> property:
    """Returns a property that can be set and deleted (by a mock), but not read."""
    return property(
        fset=lambda package, value: vars(package).update({name: value}),
        fdel=lambda package: vars(package).pop(name),
    )

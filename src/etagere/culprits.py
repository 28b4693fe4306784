"""Whose fault an exception is: the backend or layer that raised it, and where in its code."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from traceback import walk_tb
from typing import Any

from etagere.backend import Backend


def nested(backend: Backend) -> Iterator[Backend]:
    """Yield a backend and those that it is wrapped around, outermost first."""
    inside: Any = backend
    # By what is called here: a backend that somebody is still writing may lack the rest.
    while hasattr(inside, "execute") and hasattr(inside, "capabilities"):
        yield inside
        inside = getattr(inside, "inner", None)


def name_of(backend: Backend) -> str:
    """Return the class of the backend inside of all layers."""
    *_, innermost = nested(backend)
    return type(innermost).__name__


def told(backend: Backend, error: BaseException) -> str:
    """Return who failed, with what, and the innermost line of its own code that led there."""
    frames = list(walk_tb(error.__traceback__))
    at_work = {id(frame.f_locals.get("self")) for frame, _ in frames}
    *_, culprit = (backend, *(each for each in nested(backend) if id(each) in at_work))
    package = package_of(type(culprit).__module__)
    lines = [
        f" ({'/'.join(Path(frame.f_code.co_filename).parts[-2:])}:{line})"
        for frame, line in frames
        if package_of(frame.f_globals.get("__name__", "")) == package
    ]
    return f"{type(culprit).__name__} failed: {error!r}{''.join(lines[-1:])}"


def package_of(module: str) -> str:
    """Return the outermost package of a module."""
    return module.partition(".")[0]

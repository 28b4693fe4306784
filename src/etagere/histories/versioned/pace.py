"""The time and the memory that a check takes: kept within its limits, and not wasted."""

from __future__ import annotations

import gc
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from time import monotonic
from typing import Final, TypeVar

T = TypeVar("T")

STRIDE: Final = 4096
"""After so many things the time is looked at."""


class OutOfTimeError(Exception):
    """The time limit is over."""


def look_at_the_time(ends: float) -> None:
    """Raise `OutOfTimeError` if that moment is over."""
    if monotonic() > ends:
        raise OutOfTimeError


def strides(items: Sequence[T], ends: float) -> Iterator[Sequence[T]]:
    """Yield things in parts, and look at the time between two of them."""
    for start in range(0, len(items), STRIDE):
        if start:
            look_at_the_time(ends)
        yield items[start : start + STRIDE]


@contextmanager
def without_cycle_collection() -> Generator[None]:
    """Keep the garbage collector, which is the whole process's, from running meanwhile.

    What a check builds lives until its end. Looking for garbage in it, again and again, takes a
    fifth of its time.
    """
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_enabled:
            gc.enable()

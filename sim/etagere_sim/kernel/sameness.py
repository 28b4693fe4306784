"""Making asyncio and anyio do the same again in every run.

Both keep the tasks of a group in a set, and cancel them in its order: that of their addresses in
memory, so another one each time. With numbers for hashes the order is that of their making.
What a thread does has no order at all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Generator
from contextlib import contextmanager
from itertools import count
from math import inf
from typing import Any, NoReturn, TypeVar

from anyio._backends import _asyncio as backend

T = TypeVar("T")


class SequencedTask(asyncio.Task[T]):
    """A task whose hash is its number, and so is its name if it was given none."""

    def __init__(
        self,
        number: int,
        work: Coroutine[Any, Any, T] | Generator[Any, None, T],
        *,
        name: str | None = None,
        **more: Any,
    ) -> None:
        self._number = number
        # asyncio would count all the tasks of the process.
        super().__init__(work, name=name or f"task {number}", **more)

    def __hash__(self) -> int:
        return self._number


@contextmanager
def sequenced_scopes() -> Generator[None]:
    """Give anyio's cancel scopes numbers for hashes, as long as this lasts."""
    numbers = count(1)

    class SequencedScope(backend.CancelScope):
        __slots__ = ("_number",)

        def __init__(self, *, deadline: float = inf, shield: bool = False) -> None:
            self._number = next(numbers)
            super().__init__(deadline=deadline, shield=shield)

        def __hash__(self) -> int:
            return self._number

    with _instead("CancelScope", SequencedScope):
        yield


@contextmanager
def threads_refused() -> Generator[None]:
    """Let anyio start no thread, as long as this lasts: what one does takes no virtual time."""
    with _instead("WorkerThread", refuse_threads):
        yield


def refuse_threads(*_: object) -> NoReturn:
    """Raise a `RuntimeError`."""
    raise RuntimeError("there are no threads in a simulation: await what takes virtual time")


@contextmanager
def _instead(name: str, other: object) -> Generator[None]:
    plain = getattr(backend, name)
    setattr(backend, name, other)
    try:
        yield
    finally:
        setattr(backend, name, plain)

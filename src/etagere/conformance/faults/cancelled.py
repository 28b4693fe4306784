"""Making calls that are cancelled, at a moment of one's choice."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, Protocol, TypeAlias, TypeVar

import anyio
from anyio.lowlevel import checkpoint

from etagere.conformance.lab import Lab
from etagere.errors import Interrupted
from etagere.waiting import Loop

T = TypeVar("T")

TURNS: Final = 10
MOMENTS: Final = 5
AT_ONCE: Final = 3.0
"""Seconds within which a cancelled call ends, on a busy machine too."""
CANCELLED: Final = Interrupted("the call was cancelled")
"""What a caller knows who hung up."""

Moment: TypeAlias = int | float
"""So many turns of the event loop later, or so many seconds."""
Call: TypeAlias = Callable[[], Awaitable[T]]


class Cancel(Protocol):
    """A way to make a call and cancel it."""

    async def __call__(self, call: Call[T], moment: Moment, /) -> T | Interrupted:
        """Return what the call did, or `CANCELLED`."""
        ...


async def by_scope(call: Call[T], moment: Moment) -> T | Interrupted:
    """Make a call in a scope, and cancel that; return what it did, or `CANCELLED`."""
    results: list[T] = []
    ended = anyio.Event()

    async def make() -> None:
        try:
            with scope:
                results.append(await call())
        finally:
            ended.set()

    scope = anyio.CancelScope()
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(make)
        await passed(moment)
        scope.cancel()
        with anyio.move_on_after(AT_ONCE):
            await ended.wait()
        assert ended.is_set(), TOO_LONG
    return results[0] if results else CANCELLED


async def by_task(call: Call[T], moment: Moment) -> T | Interrupted:
    """Make a call in a task of asyncio, and cancel that, which knows nothing of shields."""

    async def make() -> T:
        return await call()

    task = asyncio.create_task(make())
    await passed(moment)
    task.cancel()
    done, _ = await asyncio.wait([task], timeout=AT_ONCE)
    assert done, TOO_LONG
    return CANCELLED if task.cancelled() else task.result()


def ways() -> tuple[Cancel, ...]:
    """Return every way to cancel on this event loop."""
    return (by_scope, by_task) if Loop().name == "asyncio" else (by_scope,)


async def passed(moment: Moment) -> None:
    """Wait for a moment."""
    if isinstance(moment, int):
        for _ in range(moment):
            await checkpoint()
    else:
        await anyio.sleep(moment)


async def moments(lab: Lab, call: Call[object]) -> list[Moment]:
    """Return moments within such a call: its first turns, and some from all the time it takes."""
    began = anyio.current_time()
    await call()
    seconds = anyio.current_time() - began
    later = [lab.random.uniform(0, 1.2 * seconds) for _ in range(MOMENTS)]
    return [*range(TURNS), *later]


TOO_LONG: Final = f"{AT_ONCE:g} s after it was cancelled, the call has not ended"

"""Racers: stores on the same data, for clients that set out together."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import cycle, islice

from etagere.conformance.lab import Lab
from etagere.store import Store

OTHERS = 2
"""Besides the lab's own store: calls meet in the batches of one, and stores meet in the server."""
WRITERS = 16


@asynccontextmanager
async def racers(lab: Lab, count: int = WRITERS) -> AsyncGenerator[Sequence[Store]]:
    """Open stores, and deal them out to so many clients."""
    async with AsyncExitStack() as stack:
        opening = [lab.open(name=f"racer {number + 1}") for number in range(OTHERS)]
        others = [await stack.enter_async_context(opened) for opened in opening]
        yield list(islice(cycle([lab.store, *others]), count))

"""Listing keys, and going through them in handfuls."""

from __future__ import annotations

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import TypeVar

from etagere.contract import PREFIX_SEPARATOR
from etagere.engine import Engine
from etagere.operations import Consistency

T = TypeVar("T")


async def keys_of_store(
    engine: Engine, prefix: str, after: str, limit: int | None, consistency: Consistency
) -> AsyncGenerator[str]:
    """Yield a store's own keys, at most `limit` of them.

    Keys with `||` in them are in somebody's namespace: this store could not read them.
    """
    left = limit
    while left != 0:
        asked, scanned = left, 0
        async with aclosing(engine.scan(prefix, after, asked, consistency)) as pages:
            async for page in pages:
                scanned += len(page)
                after = page[-1] if page else after
                for key in page:
                    if PREFIX_SEPARATOR not in key:
                        yield key
                        left = None if left is None else left - 1
        if asked is None or scanned < asked:
            return


async def in_chunks(source: AsyncIterator[T], size: int) -> AsyncGenerator[list[T]]:
    """Gather what an iterator yields into lists of up to `size`."""
    chunk: list[T] = []
    async for element in source:
        chunk.append(element)
        if len(chunk) == size:
            yield chunk
            chunk = []
    if chunk:
        yield chunk

"""A lock for each key that somebody holds, and for no other."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import anyio


class KeyLocks:
    """Locks by key, fair, made when needed and forgotten with their last holder."""

    def __init__(self) -> None:
        self._locks: dict[str, tuple[anyio.Lock, list[None]]] = {}

    @asynccontextmanager
    async def hold(self, key: str) -> AsyncGenerator[None]:
        """Hold the key's lock; wait for it in the order of arrival."""
        lock, holders = self._locks.setdefault(key, (anyio.Lock(fast_acquire=True), []))
        holders.append(None)
        try:
            async with lock:
                yield
        finally:
            holders.pop()
            if not holders:
                del self._locks[key]

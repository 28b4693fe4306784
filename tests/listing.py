"""Short for a loop."""

from __future__ import annotations

from typing import Any, Protocol


class Listable(Protocol):
    def keys(self, **bounds: Any) -> Any: ...


async def listed(store: Listable, **bounds: Any) -> list[str]:
    """Return the keys of a store."""
    return [key async for key in store.keys(**bounds)]

"""The stores of a server, under the names that clients know them by."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager

from msgspec import Struct

from etagere.components import Component
from etagere.errors import EtagereError
from etagere.store import Store

log = logging.getLogger("etagere.stores")


class NamedStore(Struct, frozen=True):
    """An open store."""

    name: str
    store: Store
    type: str = "state.in-memory"
    """As in a component file."""
    version: str = "v1"
    default_ttl: float | None = None
    """Seconds to live for what is written without a time to live."""


@asynccontextmanager
async def opened(
    components: Iterable[Component], timeout: float
) -> AsyncGenerator[list[NamedStore]]:
    """Open stores, and close them at the end. A database that is down does not stop this.

    Raises what a store raises that cannot work here at all, unless its component is optional.
    """
    async with AsyncExitStack() as stack:
        named: list[NamedStore] = []
        for each in components:
            try:
                store = await stack.enter_async_context(each.open(timeout=timeout))
            except EtagereError as error:
                if not each.optional:
                    raise
                log.error("store %s is left out: %s", each.name, error)
                continue
            log.info("store %s (%s) is open", each.name, each.type)
            named.append(NamedStore(each.name, store, each.type, each.version, each.default_ttl))
        yield named

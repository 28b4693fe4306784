"""Whether the server is ready, and whether its stores answer."""

from __future__ import annotations

from collections.abc import Iterable

import anyio
from msgspec import Struct

from etagere.errors import EtagereError
from etagere.serving.errors import NOT_READY, OTHER_APP, OUTBOUND_NOT_READY, ApiError
from etagere.serving.stores import NamedStore


class Health:
    """Says whether to send requests here.

    As in Dapr, the server is ready once its stores are open, and until it shuts down. A database
    that is away for a while does not change that: its calls fail with clear errors, the others
    work, and it is found again without a restart. `health_of` asks the databases themselves.
    """

    def __init__(self) -> None:
        self.stopping = False
        """Whether the server is shutting down."""

    def check(self, asked_for: str | None, app_id: str) -> None:
        """Return if the server is ready; raise `ApiError` if not, or if it serves another app."""
        if self.stopping:
            raise ApiError(NOT_READY, why="[shutting down]")
        if asked_for is not None and asked_for != app_id:
            raise ApiError(OTHER_APP)

    def check_outbound(self) -> None:
        """Return if requests can be made; raise `ApiError` if not."""
        if self.stopping:
            raise ApiError(OUTBOUND_NOT_READY)


class StoreHealth(Struct, frozen=True, omit_defaults=True):
    """Whether one store answers."""

    name: str
    ready: bool
    error: str = ""


async def health_of(stores: Iterable[NamedStore], timeout: float) -> list[StoreHealth]:
    """Ask every store whether it answers, all at once."""
    found: dict[str, StoreHealth] = {}

    async def ask(named: NamedStore) -> None:
        try:
            await named.store.ping(timeout=timeout)
        except EtagereError as error:
            found[named.name] = StoreHealth(named.name, False, str(error))
        else:
            found[named.name] = StoreHealth(named.name, True)

    names: list[str] = []
    async with anyio.create_task_group() as tasks:
        for named in stores:
            names.append(named.name)
            tasks.start_soon(ask, named)
    return [found[name] for name in names]

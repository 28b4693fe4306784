"""The backend: what `Store` holds of a store behind a server."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from typing import ClassVar, Final, Self, cast

import anyio

from etagere.backend import Batching
from etagere.errors import Interrupted, Unavailable
from etagere.operations import Consistency, Mutation, Operation, Outcome, Read
from etagere_http.connection import Connection
from etagere_http.discovery import OFFERED, discovered
from etagere_http.exact import ExactServer
from etagere_http.server import Server, written
from etagere_http.settings import Settings

BATCHING: Final = Batching(reads=2, max_operations=256, max_bytes=2 * 2**20)
LOOK_SECONDS: Final = 30.0


class HttpBackend:
    """Records in a store of a server that speaks Dapr's state API."""

    default_ports: ClassVar[Mapping[str, int]] = {"http": 80}
    capabilities = OFFERED
    batching: Batching | None = BATCHING

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._connection = Connection(settings)
        self._server: Server | None = None
        self._discovering = anyio.Lock()

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Make a backend for `http://host:3500/v1.0/state/statestore`."""
        return cls(Settings.from_url(url))

    @property
    def server_version(self) -> str:
        """Which server it is; empty as long as it was not asked."""
        return "" if self._server is None else self._server.version

    async def open(self) -> None:
        """Ask the server what it is and what the store can do.

        Raises `Unavailable` when it does not answer, `ConfigurationError` when it has no such store
        or wants another API token.
        """
        await self._look()

    async def close(self) -> None:
        """Hang up."""
        await self._connection.close()

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        """Do a batch, in as few requests as the server's API has.

        Cancelled, a request that is under way may or may not be done.
        """
        server = await self._known()
        if isinstance(operations[0], Read):
            return await server.read(cast("Sequence[Read]", operations), consistency)
        return await written(server, cast("Sequence[Mutation]", operations), consistency)

    async def scan(
        self, prefix: str, after: str, limit: int | None, consistency: Consistency
    ) -> AsyncGenerator[Sequence[str]]:
        """Yield pages of keys, each as of the moment it is fetched."""
        server = await self._known()
        async with aclosing(server.scan(prefix, after, limit, consistency)) as pages:
            async for page in pages:
                yield page

    async def ping(self) -> None:
        """Return if the server answers, and the database behind it where the server tells."""
        try:
            await (await self._known()).ping()
        except Interrupted as error:
            raise Unavailable(str(error)) from error

    async def maintain(self) -> float | None:
        """Ask again what the store can do, which a server of ours says as it is now."""
        if self._server is not None and not isinstance(self._server, ExactServer):
            return None
        await self._look()
        return LOOK_SECONDS

    async def _known(self) -> Server:
        async with self._discovering:
            return self._server or await self._look()

    async def _look(self) -> Server:
        server = await discovered(self._connection, self._settings)
        self._server, self.capabilities = server, server.capabilities
        return server

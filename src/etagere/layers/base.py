"""`Layer`: a backend around a backend."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from etagere.backend import Backend, Batching, Capabilities
from etagere.operations import Consistency, Operation, Outcome


class Layer:
    """Passes everything on to the backend inside; subclasses change what they are for.

    A layer must take away from `capabilities` what it breaks.
    """

    def __init__(self, inner: Backend) -> None:
        self.inner = inner
        """The backend that this one is wrapped around."""

    @property
    def capabilities(self) -> Capabilities:
        """What the backend inside can do."""
        return self.inner.capabilities

    @property
    def batching(self) -> Batching | None:
        """How calls are gathered for the backend inside."""
        return self.inner.batching

    async def open(self) -> None:
        """Open the backend inside."""
        await self.inner.open()

    async def close(self) -> None:
        """Close the backend inside."""
        await self.inner.close()

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        """Let the backend inside do a batch."""
        return await self.inner.execute(operations, consistency)

    def scan(
        self, prefix: str, after: str, limit: int | None, consistency: Consistency
    ) -> AsyncIterator[Sequence[str]]:
        """List the keys of the backend inside."""
        return self.inner.scan(prefix, after, limit, consistency)

    async def ping(self) -> None:
        """Ask whether the backend inside answers."""
        await self.inner.ping()

    async def maintain(self) -> float | None:
        """Let the backend inside do its housekeeping."""
        return await self.inner.maintain()

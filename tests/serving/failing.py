"""Stores that fail on purpose: the memory backend, with one outcome or capability changed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

from msgspec.structs import replace

from etagere.backend import Capabilities, Reach, TransactionScope
from etagere.components import Component
from etagere.errors import Interrupted, NotReplicated, StoreFailed, Unavailable
from etagere.memory import MemoryBackend
from etagere.operations import Consistency, Operation, Outcome, Read
from etagere.store import Store


class Unreachable(MemoryBackend):
    """Cannot be reached."""

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        raise Unavailable("nobody listens at 192.0.2.1")

    async def scan(self, *_: Any) -> AsyncIterator[Sequence[str]]:
        raise Unavailable("nobody listens at 192.0.2.1")
        yield

    async def ping(self) -> None:
        raise Unavailable("nobody listens at 192.0.2.1")


class Unanswered(MemoryBackend):
    """Takes reads, and never answers a write."""

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        if isinstance(operations[0], Read):
            return await super().execute(operations, consistency)
        raise Interrupted("the connection was lost")


class Full(MemoryBackend):
    """Refuses writes, and reads of the key `bad`."""

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        if not isinstance(operations[0], Read):
            raise StoreFailed("the disk is full")
        outcomes = await super().execute(operations, consistency)
        return [
            StoreFailed("bad sector") if getattr(operation, "key", "") == "bad" else outcome
            for operation, outcome in zip(operations, outcomes, strict=True)
        ]


class Lagging(MemoryBackend):
    """Applies writes, but no replica confirms one."""

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        outcomes = await super().execute(operations, consistency)
        if isinstance(operations[0], Read):
            return outcomes
        return [
            NotReplicated(
                getattr(operation, "key", ""),
                getattr(operation, "etag", None),
                "no replica confirmed it within 1 s",
            )
            for operation in operations
        ]


class Limited(MemoryBackend):
    """Offers neither strong nor transactions."""

    capabilities: Capabilities = replace(
        MemoryBackend.capabilities,
        reach=Reach.NONE,
        why_not_strong="it has no replicas",
        transactions=TransactionScope.NONE,
        listing=False,
    )


class Small(MemoryBackend):
    """Takes small values and short transactions only."""

    capabilities: Capabilities = replace(
        MemoryBackend.capabilities, max_transaction=3, max_value_bytes=10, max_key_bytes=20
    )


class Faulty(MemoryBackend):
    """Has a bug that nobody expects."""

    async def execute(self, *_: Any) -> Sequence[Outcome]:
        return [object()]  # type: ignore[list-item]

    async def scan(self, *_: Any) -> AsyncIterator[Sequence[str]]:
        yield [str(1 / 0)]


BACKENDS = (Unreachable, Unanswered, Full, Lagging, Limited, Small, Faulty)


class Given(Component):
    """A component that is a backend already."""

    def open(self, *, timeout: float = 1.0) -> Store:
        backend = next(each for each in BACKENDS if each.__name__ == self.url)
        return Store(backend(), timeout=timeout)


def failing_components() -> list[Component]:
    return [
        Given(name=backend.__name__.lower(), url=backend.__name__, type="state.failing")
        for backend in BACKENDS
    ]

"""The store on a simulated cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from functools import partial
from typing import Any, Final, Self, TypeVar, cast

from msgspec.structs import replace

from etagere.backend import (
    Batching,
    Capabilities,
    Clock,
    Reach,
    TransactionScope,
    distinct_rounds,
)
from etagere.errors import Closed, EtagereError, NotSupported, Unavailable
from etagere.operations import Consistency, Operation, Outcome, Read
from etagere_sim.cluster import Cluster
from etagere_sim.driving import Passenger
from etagere_sim.protocols.protocol import Coordinator, Listing, Replication
from etagere_sim.settings import Settings
from etagere_sim.sharing import Seat, seat_at
from etagere_sim.world.hosts import Host
from etagere_sim.world.tasks import Task

T = TypeVar("T")

UPKEEP_SECONDS: Final = 1.0
NOBODYS: Final = "\0ping"
REFUSED_AFTER: Final = 1.0
"""Milliseconds."""
"""A key that no user can have."""


class SimBackend:
    """A client's host of a simulated cluster, with the protocol's coordinator on it."""

    capabilities = Capabilities(
        reach=Reach.ALWAYS,
        transactions=TransactionScope.FULL,
        clock=Clock.SERVER,
        listing=True,
        durable=False,
    )
    batching: Batching | None = Batching(reads=8)

    def __init__(
        self, replication: Replication, enter: Callable[[], Seat], *, idle: float = 0.0
    ) -> None:
        # Its disks are as simulated as all the rest.
        self.capabilities = replace(replication.capabilities, durable=False)
        self._enter = enter
        self._idle = idle
        self._taken: Seat | None = None

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Make a backend for `sim://?protocol=...`; its cluster is there once it is opened."""
        settings = Settings.from_url(url)
        return cls(settings.cluster.replication, partial(seat_at, settings), idle=settings.idle)

    @classmethod
    def on(cls, cluster: Cluster, host: Host) -> Self:
        """Make a backend for a host of a cluster whose agenda the simulated event loop runs."""
        made = cls(cluster.replication, lambda: Seat(cluster, host, Passenger(), lambda: None))
        made.batching = Batching()  # each flight is a task that every run has to start
        return made

    async def open(self) -> None:
        """Start the cluster, unless it is a shared one that runs, and a host on it."""
        self._taken = self._enter()

    async def close(self) -> None:
        """Leave the cluster; it ends with the last store that uses it."""
        seat, self._taken = self._taken, None
        if seat is not None:
            seat.leave()

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        """Do the operations of a batch at the same time, but those on one key in their order.

        Cancelled, what was sent goes its way, and the rest is not sent.
        """
        outcomes: list[Outcome] = [None] * len(operations)
        for positions in distinct_rounds(operations):
            found = await self._all([operations[each] for each in positions], consistency)
            for position, outcome in zip(positions, found, strict=True):
                outcomes[position] = outcome
        return outcomes

    async def scan(
        self, prefix: str, after: str, limit: int | None, consistency: Consistency
    ) -> AsyncIterator[Sequence[str]]:
        """Yield the keys that are there when the coordinator asks, in one page."""
        if not self.capabilities.listing:
            raise NotSupported("this protocol cannot list keys")

        def scan(coordinator: Coordinator) -> Coroutine[Any, Any, Sequence[str] | EtagereError]:
            return cast("Listing", coordinator).scan(prefix, after, limit, consistency)

        (found,) = await self._seat.driver.perform([partial(self._begin, scan)])
        if isinstance(found, BaseException):
            raise found
        if found:
            yield found

    async def ping(self) -> None:
        """Return if a read is answered."""
        (outcome,) = await self._all([Read(NOBODYS)], Consistency.EVENTUAL)
        if isinstance(outcome, EtagereError):
            raise Unavailable(f"the simulated cluster did not answer: {outcome}") from outcome

    async def maintain(self) -> float | None:
        """Let the cluster be as late as it is here, so that no call has to wait for that."""
        return UPKEEP_SECONDS if self._seat.driver.catch_up() else None

    @property
    def _seat(self) -> Seat:
        if self._taken is None:
            raise Closed("the simulated client is closed")
        return self._taken

    async def _all(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        deeds = [partial(self._begin, partial(_perform, each, consistency)) for each in operations]
        return await self._seat.driver.perform(deeds)

    def _begin(
        self, what: Callable[[Coordinator], Coroutine[Any, Any, T]]
    ) -> Task[T | Unavailable]:
        return self._seat.host.spawn(self._carry_out(what))

    async def _carry_out(
        self, what: Callable[[Coordinator], Coroutine[Any, Any, T]]
    ) -> T | Unavailable:
        host = self._seat.host
        if not host.up:
            # It takes a moment: where only calls let time pass, the host must come back some time.
            await host.sleep(REFUSED_AFTER)
            return Unavailable(f"the client's host {host.name} is down; nothing was sent")
        if self._idle:
            await host.sleep(self._idle)
        return await what(self._seat.cluster.coordinators[host.name])


def _perform(
    operation: Operation, consistency: Consistency, coordinator: Coordinator
) -> Coroutine[Any, Any, Outcome]:
    return coordinator.perform(operation, consistency)

"""What a replication protocol is to the rest of the simulator."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Protocol, Self

from etagere.backend import Capabilities
from etagere.errors import EtagereError
from etagere.operations import Consistency, Operation, Outcome, Record
from etagere.urls import Options
from etagere_sim.world.hosts import Host


class Coordinator(Protocol):
    """What runs on a client's host: carries one operation after another to the replicas."""

    async def perform(self, operation: Operation, consistency: Consistency) -> Outcome:
        """Carry out an operation, within a bounded time.

        The outcome is an `Interrupted` where nobody can tell whether it took effect, and an
        `Unavailable` where it did not. Run it as a task of the host, so that it dies with it.
        """
        ...


class Listing(Coordinator, Protocol):
    """A coordinator that can list keys, as its replication's capabilities say."""

    async def scan(
        self, prefix: str, after: str, limit: int | None, consistency: Consistency
    ) -> Sequence[str] | EtagereError:
        """Return the keys that start with `prefix` and sort after `after`, `limit` at most.

        In UTF-8 byte order, expired records left out. An `Unavailable` where too few answered.
        """
        ...


class Replica(Protocol):
    """What runs on a host that keeps data."""

    def records(self) -> Mapping[str, Record | None]:
        """Return what this replica holds under each key; None where a key is absent.

        When all is quiet and time enough has passed, all replicas of a key hold the same.
        """
        ...


class Replication(ABC):
    """A protocol with its settings: what runs on which host of a cluster.

    A replica is started again after its host died, with what the disk holds; a coordinator too,
    with nothing. Messages are immutable `Message`s, never closures: one that is late must mean
    what it meant when it was sent.
    """

    replicas: tuple[str, ...]
    """The names of the hosts that keep data."""
    reads_repair: bool = False
    """Whether replicas come to hold the same only when somebody reads."""
    branches: frozenset[str] = frozenset()
    """The marks that it makes, with these settings, in a campaign of some thousand runs: one that
    never does has not tried what it is about."""

    @property
    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What a store over this protocol claims."""

    @classmethod
    @abstractmethod
    def from_options(cls, options: Options, round_trip: float = 0.0) -> Self:
        """Take the settings out of a `sim://` URL; times that are left out fit the round trip."""

    def replicas_of(self, key: str) -> tuple[str, ...]:
        """Return the hosts that keep a key: all of them, unless the protocol says otherwise."""
        return self.replicas

    @abstractmethod
    def start_replica(self, host: Host) -> Replica:
        """Start what runs on a host that keeps data, and let it hear messages."""

    @abstractmethod
    def start_coordinator(self, host: Host) -> Coordinator:
        """Start what runs on a client's host."""

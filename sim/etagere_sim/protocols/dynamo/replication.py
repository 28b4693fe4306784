"""Dynamo as a replication."""

from __future__ import annotations

from typing import Self

from etagere.backend import Capabilities, Clock, Reach
from etagere.urls import Options
from etagere_sim.protocols.dynamo.branches import branches_of
from etagere_sim.protocols.dynamo.coordinator import DynamoCoordinator
from etagere_sim.protocols.dynamo.knobs import Knobs
from etagere_sim.protocols.dynamo.replica import DynamoReplica
from etagere_sim.protocols.protocol import Replication
from etagere_sim.world.hosts import Host


class Dynamo(Replication):
    """Coordinators on the clients' hosts, replicas on a ring of others."""

    def __init__(self, knobs: Knobs) -> None:
        self.knobs = knobs
        self.replicas = knobs.ring.hosts
        self.reads_repair = knobs.repair != "none"
        self.branches = frozenset(branches_of(knobs))

    @property
    def capabilities(self) -> Capabilities:
        """What a store over this protocol claims."""
        return Capabilities(
            reach=Reach.FAILOVER if self.knobs.unsafe else Reach.NONE,
            why_not_strong="no quorum makes it linearizable; unsafe=1 offers majorities as strong",
            clock=Clock.CLIENT,
            conditional=self.knobs.unsafe,
            touching=self.knobs.unsafe,
            deletes_tell=False,
        )

    @classmethod
    def from_options(cls, options: Options, round_trip: float = 0.0) -> Self:
        """Take the settings out of a `sim://` URL."""
        return cls(Knobs.from_options(options, round_trip))

    def replicas_of(self, key: str) -> tuple[str, ...]:
        """Return the hosts that keep a key."""
        return self.knobs.ring.replicas_of(key)

    def start_replica(self, host: Host) -> DynamoReplica:
        """Start a replica."""
        return DynamoReplica(host, self.knobs)

    def start_coordinator(self, host: Host) -> DynamoCoordinator:
        """Start a coordinator."""
        return DynamoCoordinator(host, self.knobs)

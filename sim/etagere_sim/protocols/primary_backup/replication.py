"""A primary and its backups as a replication."""

from __future__ import annotations

from typing import Self

from etagere.backend import Capabilities, Clock, Reach, TransactionScope
from etagere.urls import Options
from etagere_sim.protocols.primary_backup.coordinator import Coordinator
from etagere_sim.protocols.primary_backup.knobs import Knobs
from etagere_sim.protocols.primary_backup.replica import Replica
from etagere_sim.protocols.protocol import Replication
from etagere_sim.world.hosts import Host


def branches(knobs: Knobs) -> frozenset[str]:
    """Return the marks that campaigns reach with these settings."""
    alone = len(knobs.replicas) == 1
    fails_over = knobs.failover != "none" and not alone
    reached = {
        "a client asks around for the primary": True,
        "a call is found in the log": True,
        "a replica becomes primary": True,
        "a backup has a gap to fill": not alone,
        "a client is sent to the primary": fails_over,
        "a divergent tail is cut off": fails_over,
        "a primary learns that it is deposed": fails_over,
        "an old primary's stream is refused": fails_over,
        "a vote is refused for an older log": fails_over and knobs.failover == "offset",
        "an election is lost": fails_over and (knobs.fencing or knobs.failover == "offset"),
        "a primary without a majority stops": fails_over and knobs.fencing,
        "a read is confirmed": knobs.fencing,
        "a read under a lease": bool(knobs.lease) and not alone,
        "a vote is refused for the sake of a lease": bool(knobs.lease) and fails_over,
        "a write is not replicated in time": knobs.acks > 0 and not knobs.fencing,
    }
    return frozenset(mark for mark, is_reached in reached.items() if is_reached)


class PrimaryBackup(Replication):
    """Coordinators on the clients' hosts, a primary and backups on the others."""

    def __init__(self, knobs: Knobs) -> None:
        self.knobs = knobs
        self.replicas = knobs.replicas
        self.branches = branches(knobs)

    @property
    def capabilities(self) -> Capabilities:
        """What a store over this protocol claims."""
        return Capabilities(
            reach=Reach.ALWAYS if self.knobs.is_safe else Reach.PRIMARY,
            transactions=TransactionScope.FULL,
            clock=Clock.SERVER,
            listing=True,
            durable=self.knobs.fsync,
        )

    @classmethod
    def from_options(cls, options: Options, round_trip: float = 0.0) -> Self:
        """Take the settings out of a `sim://` URL."""
        return cls(Knobs.from_options(options, round_trip))

    def start_replica(self, host: Host) -> Replica:
        """Start a replica."""
        return Replica(host, self.knobs)

    def start_coordinator(self, host: Host) -> Coordinator:
        """Start a coordinator."""
        return Coordinator(host, self.knobs)

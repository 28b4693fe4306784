"""One copy as a replication."""

from __future__ import annotations

from typing import Self

from etagere.backend import Capabilities, Clock, Reach, TransactionScope
from etagere.urls import Options
from etagere_sim.protocols.protocol import Replication
from etagere_sim.protocols.single.client import Client
from etagere_sim.protocols.single.knobs import Knobs
from etagere_sim.protocols.single.server import Server
from etagere_sim.world.hosts import Host

USUAL = Knobs()
BRANCHES = ("asked again", "request seen before", "request came too late")


class Single(Replication):
    """Clients, and one server with a disk."""

    def __init__(self, knobs: Knobs = USUAL) -> None:
        self.knobs = knobs
        self.replicas = ("r1",)
        self.branches = frozenset() if knobs.naive else frozenset(BRANCHES)

    @property
    def capabilities(self) -> Capabilities:
        """What a store over this protocol claims."""
        return Capabilities(
            reach=Reach.ALWAYS if self.knobs.fsync else Reach.PRIMARY,
            transactions=TransactionScope.FULL,
            clock=Clock.SERVER,
            listing=True,
            durable=self.knobs.fsync,
        )

    @classmethod
    def from_options(cls, options: Options, round_trip: float = 0.0) -> Self:
        """Take the settings out of a `sim://` URL."""
        return cls(Knobs.from_options(options, round_trip))

    def start_replica(self, host: Host) -> Server:
        """Start the server."""
        return Server(host, fsync=self.knobs.fsync)

    def start_coordinator(self, host: Host) -> Client:
        """Start a client."""
        return Client(host, self.replicas[0], self.knobs)

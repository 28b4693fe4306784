"""One copy as a replication."""

from __future__ import annotations

from typing import Self

from etagere.backend import Capabilities, Clock, Reach, TransactionScope
from etagere.urls import Options
from etagere_sim.protocols.protocol import Replication
from etagere_sim.protocols.single.client import Client
from etagere_sim.protocols.single.server import Server
from etagere_sim.world.hosts import Host

BRANCHES = ("asked again", "request seen before", "request came too late")


class Single(Replication):
    """Clients, and one server with a disk."""

    def __init__(self, *, fsync: bool = True, naive: bool = False) -> None:
        self.fsync = fsync
        self.naive = naive
        self.replicas = ("r1",)
        self.branches = frozenset() if naive else frozenset(BRANCHES)

    @property
    def capabilities(self) -> Capabilities:
        """What a store over this protocol claims."""
        return Capabilities(
            reach=Reach.ALWAYS if self.fsync else Reach.PRIMARY,
            transactions=TransactionScope.FULL,
            clock=Clock.SERVER,
            listing=True,
            durable=self.fsync,
        )

    @classmethod
    def from_options(cls, options: Options) -> Self:
        """Take the settings out of a `sim://` URL: `fsync`, and `retries=naive`."""
        return cls(
            fsync=options.flag("fsync", default=True),
            naive=options.choice("retries", "settled", "naive") == "naive",
        )

    def start_replica(self, host: Host) -> Server:
        """Start the server."""
        return Server(host, fsync=self.fsync)

    def start_coordinator(self, host: Host) -> Client:
        """Start a client."""
        return Client(host, self.replicas[0], naive=self.naive)

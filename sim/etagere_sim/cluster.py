"""A cluster: a protocol at work on the hosts of a world."""

from __future__ import annotations

from etagere_sim.protocols.protocol import Coordinator, Replica, Replication
from etagere_sim.world.hosts import Host
from etagere_sim.world.world import World


class Cluster:
    """The replicas of one protocol, and as many clients' hosts as are asked for."""

    def __init__(self, world: World, replication: Replication) -> None:
        self.world = world
        self.replication = replication
        self.replicas: dict[str, Replica] = {}
        """By host; of one that died and started again, the new one."""
        self.coordinators: dict[str, Coordinator] = {}
        self.capabilities = replication.capabilities
        for name in replication.replicas:
            self.add_replica(name)

    def add_replica(self, name: str) -> Host:
        """Add a host that keeps data."""
        return self.world.add(name, self._start_replica)

    def client(self, name: str) -> Host:
        """Add a client's host, with a coordinator on it."""
        return self.world.add(name, self._start_coordinator)

    def end(self) -> None:
        """Let go of everything: see `World.end`."""
        self.world.end()
        self.replicas.clear()
        self.coordinators.clear()

    def _start_replica(self, host: Host) -> None:
        self.replicas[host.name] = self.replication.start_replica(host)

    def _start_coordinator(self, host: Host) -> None:
        self.coordinators[host.name] = self.replication.start_coordinator(host)

"""Mutants of the one server."""

from __future__ import annotations

from typing import Any, Final

from etagere_sim.campaigns.workloads import Workload
from etagere_sim.mutants.mutant import Mutant, campaign, subclass
from etagere_sim.protocols.single import replication, server
from etagere_sim.protocols.single.client import Client
from etagere_sim.protocols.single.messages import Change, Done
from etagere_sim.protocols.single.server import Server
from etagere_sim.world.hosts import Host


class Forgetful(Server):
    """Keeps no outcomes, and so does again what comes again."""

    def change(self, source: str, asked: Change) -> Done | None:
        """Do what is asked, even if it was done before."""
        self._disk.remove(server.LEDGER + asked.client)
        return super().change(source, asked)


class Unsynced(Server):
    """Answers before the disk has it."""

    def __init__(self, host: Host, **_: Any) -> None:
        super().__init__(host, fsync=False)


class Nameless(Client):
    """Numbers the requests of each of its lives from 1, under one name."""

    def __init__(self, host: Host, *settings: Any, **more: Any) -> None:
        super().__init__(host, *settings, **more)
        self._name = host.name


MUTANTS: Final = (
    Mutant(
        name="retry applies twice",
        protocol="single",
        what="the server keeps no outcomes, so a request that is sent again is done again",
        seen="JAVA-819, CASSANDRA-9086; Kafka's producers before they were idempotent",
        places=subclass(Forgetful, replication),
        campaign=campaign("single", "messages"),
    ),
    Mutant(
        name="acknowledged before the sync",
        protocol="single",
        what="the server answers before the disk has it",
        seen="etcd #14370; Redis with appendfsync everysec",
        places=subclass(Unsynced, replication),
        campaign=campaign("single", "crashes,messages"),
    ),
    Mutant(
        name="request numbers reused",
        protocol="single",
        what="a client that starts again numbers its requests from 1, and gets old outcomes",
        seen="RIFL, SOSP 2015, on why a client's lease has an id of its own",
        places=subclass(Nameless, replication),
        campaign=campaign("single", "coordinators,messages", Workload(operations=8)),
    ),
)

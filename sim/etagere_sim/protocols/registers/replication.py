"""Registers as a replication."""

from __future__ import annotations

from collections.abc import Iterator

from etagere.backend import Capabilities, Clock, Reach
from etagere_sim.protocols.protocol import Replication
from etagere_sim.protocols.registers.accessor import Accessor
from etagere_sim.protocols.registers.keeper import Keeper
from etagere_sim.protocols.registers.knobs import Knobs
from etagere_sim.world.hosts import Host


class Registers(Replication):
    """Accessors on the clients' hosts, keepers on the others."""

    def __init__(self, knobs: Knobs) -> None:
        self.knobs = knobs
        self.replicas = knobs.keepers
        self.branches = frozenset(_branches(knobs))

    @property
    def capabilities(self) -> Capabilities:
        """What a store over this protocol claims."""
        # A register that is only read and written cannot compare and set (Herlihy, 1991).
        unsafe = self.knobs.conditional != "refused"
        weakest = Reach.FAILOVER if unsafe else Reach.NONE
        return Capabilities(
            reach=Reach.ALWAYS if self.knobs.write_back else weakest,
            why_not_strong="reads are not atomic without write-back; take protocol=abd, or unsafe=1"
            " to see it go wrong",
            clock=Clock.CLIENT,
            conditional=unsafe,
            touching=unsafe,
            # Nor can it know at the moment of the delete what was there.
            deletes_tell=False,
        )

    def start_replica(self, host: Host) -> Keeper:
        """Start a keeper."""
        return Keeper(host, self.knobs)

    def start_coordinator(self, host: Host) -> Accessor:
        """Start an accessor."""
        return Accessor(host, self.knobs)


def _branches(knobs: Knobs) -> Iterator[str]:
    yield "asked again"
    if len(knobs.keepers) > 2:
        yield from ("answers were too old", "register restored from others")
    if knobs.write_back:
        yield from ("read was unanimous", "read was written back")
    if knobs.conditional == "replica":
        yield "refused by a replica"

"""Trouble that comes again and again, for as long as a store is open."""

from __future__ import annotations

from typing import Final

from msgspec.structs import replace

from etagere_sim.campaigns.troubles import kinds_of, trouble_of
from etagere_sim.cluster import Cluster
from etagere_sim.settings import Chaos
from etagere_sim.world.faults import BitFlipped, Fault, SentTwice

CALM: Final = 500.0
"""Milliseconds between two spells of trouble, in which a cluster can recover."""
SPELLS: Final = 1_000_000
"""The most there can be in the life of a cluster, so that another seed has other ones."""
LEFT_OUT: Final = (BitFlipped, SentTwice)
"""Faults that do not come again and again: one bit at a time, in the end all data would be lost;
and who sends requests again is the store."""


class Spells:
    """Spells of trouble, each drawn from the seed and its number as that of a run is."""

    def __init__(self, cluster: Cluster, chaos: Chaos) -> None:
        self._cluster = cluster
        self._kinds = kinds_of(chaos)
        self._number = 0
        self._over = False

    def stop(self) -> None:
        """Let no more of it happen."""
        self._over = self._cluster.world.quiet = True

    def begin(self, _: object = None) -> None:
        """Have a spell begin, and after it and a pause the next one."""
        if self._over:
            return
        cluster, world = self._cluster, self._cluster.world
        self._number += 1
        trouble = trouble_of(
            world.seed * SPELLS + self._number,
            self._kinds,
            cluster.replication.replicas,
            list(cluster.coordinators),
            operations=1,
        )
        world.quiet = False
        world.weather = trouble.weather
        for fault in trouble.faults:
            if not isinstance(fault, LEFT_OUT):
                _later(fault, world.agenda.now).schedule(world)
        world.agenda.after(trouble.until, "", self._end)

    def _end(self, _: object) -> None:
        if self._over:
            return
        world = self._cluster.world
        world.calm()
        # Nobody replays this: what befell it would only grow.
        world.faults.clear()
        world.agenda.after(CALM, "", self.begin)


def _later(fault: Fault, by: float) -> Fault:
    """Return a fault that comes so many milliseconds later."""
    changes = {name: getattr(fault, name) + by for name in ("at", "until") if hasattr(fault, name)}
    return replace(fault, **changes)

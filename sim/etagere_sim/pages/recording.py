"""A run that is looked at: everything that happened in it, and what each replica held when."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from etagere.operations import Record
from etagere_sim.campaigns.plans import Plan, replay
from etagere_sim.campaigns.runs import Run
from etagere_sim.cluster import Cluster
from etagere_sim.kernel.agenda import Agenda
from etagere_sim.world.disks import Corrupt
from etagere_sim.world.trace import Trace

Held: TypeAlias = Mapping[str, Record | None]
"""What a replica holds, by key."""
CORRUPT: Final = None
"""Instead of what a replica holds: its disk is broken, and not to be read without mending it."""


class Snapshot(Struct, frozen=True):
    """What a replica holds from a moment on."""

    at: float
    """Milliseconds."""
    held: Held | None
    disk: Mapping[str, object]
    """All that is on its disk, by name: what it holds, and what the protocol keeps beside it."""


class Recording(Struct, frozen=True):
    """A run with all that can be seen of it."""

    plan: Plan
    run: Run
    trace: Trace
    snapshots: Mapping[str, list[Snapshot]]
    """By replica, from the beginning on, one for each change."""
    end: float
    """Milliseconds."""


class WatchedAgenda(Agenda):
    """An agenda that calls somebody after each step, and else does what any other does."""

    def __init__(self) -> None:
        super().__init__()
        self.watch: Callable[[float], object] = _look_away

    def step(self) -> bool:
        """Do what is next, and have it looked at."""
        went_on = super().step()
        self.watch(self.now)
        return went_on

    def _play_in_order(self, until: float, most: int) -> None:
        for _ in range(most):
            if self._after(until):
                return
            self.step()
            if not self._going:
                return
        self._no_end(most)


class Watcher:
    """Takes down what replicas hold whenever that changes."""

    def __init__(self, agenda: WatchedAgenda) -> None:
        self.snapshots: dict[str, list[Snapshot]] = {}
        self._agenda = agenda

    def begin(self, cluster: Cluster) -> None:
        """Watch a cluster from now on."""
        self._cluster = cluster
        self.look(self._agenda.now)
        self._agenda.watch = self.look

    def look(self, now: float) -> None:
        """Take down what has changed."""
        for name, held, disk in self._seen():
            taken = self.snapshots.setdefault(name, [])
            if not taken or taken[-1].held != held or taken[-1].disk != disk:
                taken.append(Snapshot(now, held, disk))

    def _seen(self) -> Iterator[tuple[str, Held | None, Mapping[str, object]]]:
        hosts = self._cluster.world.hosts
        for name, replica in self._cluster.replicas.items():
            disk = hosts[name].disk
            try:
                # A replica may begin to mend what it finds broken: looking must change nothing.
                held = CORRUPT if disk.is_corrupt else dict(replica.records())
            except Corrupt:
                held = CORRUPT
            yield name, held, disk.contents()


def record(plan: Plan) -> Recording:
    """Run a plan, and take down all that can be seen. The run is the same as one unseen."""
    agenda, trace = WatchedAgenda(), Trace()
    watcher = Watcher(agenda)
    run = replay(plan, agenda=agenda, setup=watcher.begin, trace=trace)
    return Recording(plan, run, trace, watcher.snapshots, agenda.now)


def _look_away(_: float) -> None:
    """Watch nothing."""

"""Clusters that are open, each with the stores that use it."""

from __future__ import annotations

import time
from asyncio import AbstractEventLoop, get_running_loop
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final
from weakref import WeakKeyDictionary

from msgspec import Struct

from etagere.errors import ConfigurationError
from etagere_sim.cluster import Cluster
from etagere_sim.driving import Driver, FastPump, Passenger, RealPump
from etagere_sim.kernel.loop import SimulatedLoop
from etagere_sim.settings import Settings
from etagere_sim.world.clocks import EPOCH
from etagere_sim.world.hosts import Host
from etagere_sim.world.world import World

if TYPE_CHECKING:
    from etagere_sim.chaos import Spells

MILLION: Final = 1_000_000


class Seat(Struct, frozen=True):
    """One store's part of a cluster."""

    cluster: Cluster
    host: Host
    """The client's host, which is this store's alone."""
    driver: Driver
    leave: Callable[[], object]
    """To be called when the store closes."""


class Place:
    """A cluster in an event loop. It ends with the last store that uses it."""

    def __init__(self, settings: Settings, loop: AbstractEventLoop) -> None:
        self.settings = settings
        self.users = 0
        wanted = settings.cluster
        agenda = loop.agenda if isinstance(loop, SimulatedLoop) else None
        world = World(wanted.seed, wanted.latency, agenda=agenda)
        self.cluster = Cluster(world, wanted.replication)
        self._spells: Spells | None = None
        self._late = 0
        self.driver: Driver
        if agenda is not None:
            self.driver = Passenger()
        elif settings.pace == "fast":
            self.driver = FastPump(loop, world.agenda)
        else:
            self.driver = RealPump(loop, world.agenda)
            # On the clocks of a cluster whose time is real it is as late as it is here.
            self._late = time.time_ns() // MILLION - EPOCH
        for host in world.hosts.values():
            host.clock.step(self._late)

    def enter(self) -> Seat:
        """Add a client's host."""
        self.users += 1
        host = self.cluster.client(f"c{len(self.cluster.coordinators) + 1}")
        host.clock.step(self._late)
        if self.settings.chaos != "off" and self._spells is None:
            from etagere_sim.chaos import Spells  # takes its time, and few URLs ask for it

            self._spells = Spells(self.cluster, self.settings.chaos)
            self._spells.begin()
        return Seat(self.cluster, host, self.driver, partial(self._leave, host))

    def _leave(self, host: Host) -> None:
        """End a client's host, and everything with the last one."""
        self.users -= 1
        host.die()
        if not self.users:
            self.driver.stop()
            if self._spells is not None:
                self._spells.stop()
            for each in self.cluster.world.hosts.values():
                each.die()


_shared: WeakKeyDictionary[AbstractEventLoop, dict[str, Place]] = WeakKeyDictionary()


def seat_at(settings: Settings) -> Seat:
    """Enter the cluster of a URL, in the event loop that runs: one that is shared, or a new one.

    Raises `ConfigurationError` where the name is that of a cluster with other settings.
    """
    loop = get_running_loop()
    if not settings.name:
        return Place(settings, loop).enter()
    places = _shared.setdefault(loop, {})
    place = places.get(settings.name)
    if place is None or not place.users:
        place = places[settings.name] = Place(settings, loop)
    if place.settings.url != settings.url:
        raise ConfigurationError(
            f"the cluster {settings.name!r} is open already, as {place.settings.url};"
            f" {settings.url} says something else: use the same URL, or another name"
        )
    return place.enter()

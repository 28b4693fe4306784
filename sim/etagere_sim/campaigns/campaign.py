"""A campaign: what is run under which seeds, with which trouble."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal, TypeAlias, get_args

from msgspec import Struct

from etagere_sim.campaigns.addresses import simulated
from etagere_sim.campaigns.coverage import expected
from etagere_sim.campaigns.players import Player, play_bare
from etagere_sim.campaigns.runs import Run, run
from etagere_sim.campaigns.troubles import trouble_of
from etagere_sim.campaigns.workloads import Workload
from etagere_sim.kernel.agenda import Chooser
from etagere_sim.kernel.choosers import AtRandom, ByPriority, Recorded
from etagere_sim.kernel.streams import stream

Scheduler: TypeAlias = Literal["fifo", "random", "pct"]
SCHEDULERS: Final[tuple[Scheduler, ...]] = get_args(Scheduler)
Clients: TypeAlias = Literal["bare", "store"]
CLIENTS: Final[tuple[Clients, ...]] = get_args(Clients)
STEPS: Final = 300
"""Of a run, about: where the changes of priority fall."""
CHANGES: Final = 3


class Campaign(Struct, frozen=True, kw_only=True):
    """One cluster under one kind of load and trouble, to be run under many seeds."""

    url: str
    workload: Workload = Workload()
    faults: tuple[str, ...] = ()
    """The kinds of faults, as `troubles.kinds_of` returns them."""
    scheduler: Scheduler = "fifo"
    clients: Clients = "bare"
    """Whether they talk to the protocol's coordinators, or hold a `Store`."""

    @property
    def level(self) -> str:
        """At which level calls are made, in words."""
        share = self.workload.eventual
        return "eventual" if share == 1 else "strong" if share == 0 else f"{share:.0%} eventual"

    def run(self, seed: int) -> Run:
        """Run it under one seed."""
        return self.recorded(seed)[0]

    def recorded(self, seed: int) -> tuple[Run, Mapping[int, int]]:
        """Run it under one seed; return also where the scheduler did not take what came first."""
        world, workload = simulated(self.url), self.workload
        trouble = trouble_of(
            seed, self.faults, world.replication.replicas, workload.names(), workload.operations
        )
        chooser = chooser_of(self.scheduler, seed)
        done = run(
            world.replication,
            world.latency,
            workload,
            seed,
            trouble,
            chooser=chooser,
            play=player_of(self.clients),
        )
        return done, {} if chooser is None else chooser.deviations

    def wanted(self) -> list[str]:
        """Return the faults and the branches of the protocol that it must reach."""
        replication = simulated(self.url).replication
        faults = expected(self.faults, replication.replicas, self.workload.clients)
        return [*faults, *sorted(replication.branches)]


def at_its_level(url: str, workload: Workload) -> Workload:
    """Return the workload at the level that a protocol claims: at eventual, if not strong."""
    if simulated(url).level == "strong":
        return workload
    return workload.at_eventual()


def player_of(clients: Clients) -> Player:
    """Return who plays the clients."""
    if clients == "bare":
        return play_bare
    from etagere_sim.campaigns.stores import play_stores  # needs an event loop and all of a store

    return play_stores


def chooser_of(scheduler: Scheduler, seed: int) -> Recorded | None:
    """Return who chooses among what can happen at one moment; None: first come, first served."""
    if scheduler == "fifo":
        return None
    random = stream(seed, "scheduler")
    inner: Chooser = (
        AtRandom(random)
        if scheduler == "random"
        else ByPriority(random, steps=STEPS, changes=CHANGES)
    )
    return Recorded(inner)

"""Runs to draw."""

from __future__ import annotations

from functools import cache

from etagere_sim.campaigns.campaign import Campaign, at_its_level
from etagere_sim.campaigns.plans import Plan, plan_of
from etagere_sim.campaigns.troubles import kinds_of
from etagere_sim.campaigns.workloads import Workload
from etagere_sim.pages import Recording, record
from etagere_sim.world.faults import ClockStepped, Cut, Died, Held, MessageFault, Paused

STRONG = "sim://?protocol=caspaxos"
WEAK = "sim://?protocol=dynamo&r=1&w=1"
FIRST = 200
"""Seeds that are looked through for a run of some kind."""


@cache
def recorded(url: str, *kinds: str, violating: bool = False, clients: int = 3) -> Recording:
    """Return the first run in which all these kinds of faults came about."""
    workload = at_its_level(url, Workload(clients=clients))
    campaign = Campaign(url=url, workload=workload, faults=kinds_of("all"))
    for seed in range(FIRST):
        run = campaign.run(seed)
        happened = {type(fault).__name__ for fault in run.faults}
        if happened.issuperset(kinds) and bool(run.findings) == violating:
            return record(plan_of(campaign, seed))
    raise AssertionError(f"no run of {url} in {FIRST} has {kinds}")


@cache
def faulted() -> Recording:
    """Return a right run with crashes, a cut, and messages in trouble.

    While the most of the replicas do nothing, a client dies that waits for them.
    """
    faults = (
        Died(15, 45, host="r2"),
        Paused(15, 45, host="r3"),
        Died(35, 40, host="c2"),
        Cut(50, 70, sources=("r1",), targets=("c1", "c2", "c3")),
        Held(20, 60, sources=("c3",), targets=("r1",)),
        ClockStepped("r1", 30, by=40.0),
        MessageFault("lost", "c1", "r1", "Prepare", 1),
        MessageFault("late", "c2", "r2", "Prepare", 1, 20.0),
        MessageFault("twice", "c3", "r3", "Prepare", 1, 5.0),
    )
    return record(Plan(url=f"{STRONG}&latency=constant:1", seed=1, faults=faults, until=90.0))


def violating() -> Recording:
    """Return a run that is not linearizable."""
    return recorded(WEAK, violating=True)

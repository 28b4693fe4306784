"""Deletes in CASPaxos."""

from __future__ import annotations

from typing import Final

from etagere_sim.scenarios.scenario import Scenario
from etagere_sim.scenarios.steps import deletes, gets, plan, sets
from etagere_sim.world.faults import Cut

NAIVE_REMOVAL: Final = Scenario(
    name="caspaxos_naive_removal",
    story=(
        "A delete is accepted by r2 and r3, and the slot is removed there at once. c3 asks r1,"
        " which missed it, and r2, which has forgotten it: 42 is the newest that anybody knows,"
        " and so it is returned again."
    ),
    source="Rystsov, CASPaxos, 2018, section 3.1: the paper's own example",
    weak=plan(
        "caspaxos&collect=naive&unsafe=1",
        {"c1": [sets(0)], "c2": [deletes(20)], "c3": [gets(60)]},
        Cut(at=15, until=50, sources=("c2",), targets=("r1",)),
        Cut(at=55, until=150, sources=("c3",), targets=("r3",)),
        expected=["resurrection"],
        until=150,
    ),
    strong=("caspaxos", "caspaxos&rest=0.01", "abd"),
)

SCENARIOS: Final = (NAIVE_REMOVAL,)

"""Why quorums that overlap are not enough: registers that are read and written by majorities."""

from __future__ import annotations

from typing import Final

from etagere_sim.scenarios.scenario import Scenario
from etagere_sim.scenarios.steps import gets, plan, sets, swaps
from etagere_sim.world.faults import Cut, Died, Held

REGULAR: Final = "quorum_regular"
READ_CHECK_WRITE: Final = f"{REGULAR}&unsafe=1"
EACH_FOR_ITSELF: Final = f"{REGULAR}&unsafe=1&cas=replica"

NEW_OLD_INVERSION: Final = Scenario(
    name="quorum_new_old_inversion",
    story=(
        "A write has reached r1 only. c2 reads of r1 and r2 and gets the new value; after it c3"
        " reads of r2 and r3 and gets the old one. Each of them saw a majority, and a register"
        " without write-back promises no more."
    ),
    source="Lamport, On interprocess communication, 1986: regular, not atomic",
    weak=plan(
        REGULAR,
        {"c1": [sets(0), sets(16)], "c2": [gets(30)], "c3": [gets(40)]},
        Held(at=21.5, until=60, sources=("c1",), targets=("r2", "r3")),
        Cut(at=35, until=60, sources=("c3",), targets=("r1",)),
        expected=["stale_read"],
        until=150,
    ),
    strong=("abd", "caspaxos"),
)

UNKNOWN_THEN_RESURRECTED: Final = Scenario(
    name="unknown_then_resurrected",
    story=(
        "A write reaches r1 only, and its client dies: nobody was told anything. c2 does not see"
        " the write, or it does, as its quorum has r1 in it or not; so what c2 saw, c3 finds gone."
    ),
    source="folklore of quorums; Attiya, Bar-Noy and Dolev, JACM 1995, on why reads write back",
    weak=plan(
        REGULAR,
        {"c1": [sets(0), sets(16)], "c2": [gets(40), gets(18)], "c3": [gets(50)]},
        Cut(at=21.5, until=100, sources=("c1",), targets=("r2", "r3"), both=False),
        Died(at=30, until=100, host="c1"),
        Cut(at=35, until=100, sources=("c2",), targets=("r1",)),
        expected=["stale_read"],
        until=150,
    ),
    strong=("abd", "caspaxos"),
)

CAS_LOST_UPDATE: Final = Scenario(
    name="quorum_cas_lost_update",
    story=(
        "c1 and c2 read the same version from majorities that overlap, and both write on it. Both"
        " are told that it worked: the check and the write are two operations, and nothing orders"
        " those of one client against those of the other."
    ),
    source="Herlihy, Wait-free synchronization, 1991: registers cannot compare and set",
    weak=plan(
        READ_CHECK_WRITE,
        {"c1": [sets(0), gets(6), swaps(0)], "c2": [gets(10), swaps(0), gets(50)]},
        expected=["lost_update"],
        until=150,
    ),
    lost=1,
    strong=("caspaxos", "primary_backup"),
)

CAS_ABORTED_READ: Final = Scenario(
    name="replica_cas_aborted_read",
    story=(
        "Each replica checks for itself. c1 wins r1 and r2, and so its swap; c2 wins only r3 and is"
        " told of a conflict. But r3 keeps what it took, and c3, who cannot reach r1, reads it:"
        " a value that was refused. Its tag is the higher one, so it spreads over what c1 wrote."
    ),
    source="own, found by the simulator: a test-and-set at the replicas does not repair it",
    weak=plan(
        EACH_FOR_ITSELF,
        {
            "c1": [sets(0), gets(5.5), swaps(0)],
            "c2": [gets(10), swaps(0)],
            "c3": [gets(30), gets(300)],
        },
        Held(at=12.6, until=100, sources=("c1",), targets=("r3",)),
        Cut(at=20, until=100, sources=("c3",), targets=("r1",)),
        expected=["aborted_read"],
        until=150,
    ),
    lost=1,
    strong=("caspaxos", "primary_backup"),
)

WEDGED_KEY: Final = Scenario(
    name="wedged_key",
    story=(
        "Three clients swap the same version at once, and each wins one replica. Nobody has a"
        " majority, so all are refused, now and again whenever they try: the key is wedged until"
        " the replicas happen to compare what they have."
    ),
    source="own, found by the simulator; in one round Paxos would begin another ballot here",
    weak=plan(
        EACH_FOR_ITSELF,
        {
            "c1": [sets(0), gets(6), swaps(0), gets(100), swaps(0)],
            "c2": [gets(10), swaps(0), gets(102), swaps(0)],
            "c3": [gets(10), swaps(0), gets(102), swaps(0)],
        },
        Held(at=13, until=30, sources=("c1",), targets=("r2", "r3")),
        Held(at=13, until=30, sources=("c2",), targets=("r1", "r3")),
        Held(at=13, until=30, sources=("c3",), targets=("r1", "r2")),
        expected=["aborted_read"],
        until=150,
    ),
    strong=("caspaxos", "primary_backup"),
)

SCENARIOS: Final = (
    NEW_OLD_INVERSION,
    UNKNOWN_THEN_RESURRECTED,
    CAS_LOST_UPDATE,
    CAS_ABORTED_READ,
    WEDGED_KEY,
)

"""What last writer wins, sloppy quorums, hints, read repair and tombstones cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from etagere_sim.campaigns.plans import Plan
from etagere_sim.campaigns.workloads import Intent
from etagere_sim.scenarios.losses import own_writes_unread
from etagere_sim.scenarios.scenario import Scenario
from etagere_sim.scenarios.steps import deletes, eventually, gets, plan, sets
from etagere_sim.world.faults import ClockStepped, Cut, Fault

FIRST, SECOND, THIRD = "r2", "r1", "r3"
"""Who keeps k0 on a ring of five, in its order."""


def dynamo(
    settings: str,
    programs: Mapping[str, Sequence[Intent]],
    *faults: Fault,
    expected: Sequence[str] = (),
) -> Plan:
    """Return a plan on a cluster in the manner of Dynamo, which is only ever asked eventually."""
    played = eventually(programs)
    settings = f"dynamo&{settings}"
    return plan(settings, played, *faults, expected=expected, as_strong=True)


LWW_CLOCK_SKEW: Final = Scenario(
    name="lww_clock_skew",
    story=(
        "c1's clock is a second ahead. c2 writes after c1, to all replicas, and is told so by all;"
        " but its stamp is the smaller one, and so every replica dropped what it acknowledged."
        " c2 does not even read its own write."
    ),
    source="Kingsbury, Riak and Cassandra, 2013: LWW dropped 30-70 % of writes even at R=W=ALL",
    weak=dynamo(
        "r=3&w=3",
        {"c1": [sets(10, "k0")], "c2": [sets(20, "k0"), gets(10, "k0")]},
        ClockStepped(host="c1", at=0.0, by=1000.0),
        expected=["stale_read"],
    ),
    also=("own write not read",),
    finds=own_writes_unread,
    lost=1,
    strong=("abd", "caspaxos", "primary_backup"),
)

SLOPPY_QUORUM_STALE: Final = Scenario(
    name="sloppy_quorum_stale",
    story=(
        "c1 reaches one of the three that keep the key, and a stand-in takes the second copy: W=2"
        " is counted. c2 reads of the other two: R=2 is counted. R+W>N says that the two meet,"
        " and they do not."
    ),
    source="DeCandia et al., Dynamo, SOSP 2007, section 4.6",
    weak=dynamo(
        "hosts=5&r=2&w=2&sloppy=on&hints=on",
        {"c1": [sets(10, "k0"), sets(50, "k0")], "c2": [gets(150, "k0")]},
        Cut(50.0, 400.0, sources=("c1",), targets=(SECOND, THIRD)),
        Cut(50.0, 400.0, sources=("c2",), targets=(FIRST,)),
        expected=["stale_read"],
    ),
    lost=1,
    strong=("abd&n=5", "caspaxos&n=5"),
)

HINT_REPLAYS: Final = Scenario(
    name="hint_replays_old_value",
    story=(
        "r1 holds a hint of a write for r3 and cannot deliver it. Meanwhile the key is deleted"
        " everywhere and its tombstone collected; then the hint arrives, and what was deleted is"
        " there again."
    ),
    source="folklore of hinted handoff; Cassandra's gc_grace_seconds is why hints expire",
    weak=dynamo(
        "r=2&w=2&hints=on&grace=0",
        {
            "c1": [sets(10, "k0"), deletes(190, "k0")],
            "c2": [gets(210, "k0"), gets(80, "k0")],
        },
        Cut(0.0, 100.0, sources=("c1",), targets=("r3",)),
        Cut(60.0, 260.0, sources=("r1",), targets=("r3",)),
        Cut(0.0, 400.0, sources=("c2",), targets=("r1",)),
        expected=["resurrection"],
    ),
    strong=("abd&n=5", "caspaxos&n=5"),
)

REPAIR_SPREADS: Final = Scenario(
    name="read_repair_spreads_minority_write",
    story=(
        "A write reaches r1 only, and its client is told that nobody knows. A read of r2 and r3"
        " does not find it, the next one meets r1 and does, and the one after it does not: the"
        " write comes and goes. Read repair would spread it on the way, from a minority to all."
    ),
    source="folklore of Dynamo-style stores: a failed write is not undone",
    weak=dynamo(
        "r=2&w=2&timeout=0.1",
        {
            "c1": [sets(10, "k0"), sets(45, "k0")],
            "c2": [gets(200, "k0"), gets(98, "k0"), gets(98, "k0")],
        },
        Cut(50.0, 180.0, sources=("c1",), targets=("r2", "r3")),
        Cut(190.0, 290.0, sources=("c2",), targets=("r1",)),
        Cut(390.0, 500.0, sources=("c2",), targets=("r1",)),
        expected=["stale_read"],
    ),
    strong=("abd", "caspaxos"),
)

DELETE_RESURRECTION: Final = Scenario(
    name="delete_resurrection",
    story=(
        "r3 misses a delete. Its tombstone is collected on r1 and r2 before r3 has heard of it, so"
        " when the replicas compare what they have, r3 is the one that has something to tell."
    ),
    source="Cassandra's gc_grace_seconds; CASPaxos, 2018, section 3.1, on deletes",
    weak=dynamo(
        "r=2&w=2&grace=0&sync=0.2",
        {
            "c1": [sets(10, "k0"), deletes(98, "k0")],
            "c2": [gets(120, "k0"), gets(180, "k0")],
        },
        Cut(100.0, 150.0, sources=("c1",), targets=("r3",)),
        expected=["resurrection"],
    ),
    strong=("abd", "caspaxos&rest=0.05"),
)

SCENARIOS: Final = (
    LWW_CLOCK_SKEW,
    SLOPPY_QUORUM_STALE,
    HINT_REPLAYS,
    REPAIR_SPREADS,
    DELETE_RESURRECTION,
)

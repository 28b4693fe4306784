"""Failing over from a primary that is not dead: Redis, MongoDB, Raft without its read rule."""

from __future__ import annotations

from typing import Final

from etagere_sim.scenarios.losses import dirty_reads
from etagere_sim.scenarios.scenario import Scenario
from etagere_sim.scenarios.steps import gets, plan, sets, swaps
from etagere_sim.world.faults import ClockStepped, Cut, Died

SAFE: Final = "primary_backup"
SENTINEL: Final = f"{SAFE}&acks=0&visible=before&fencing=off&failover=timer"
WAIT_1: Final = f"{SAFE}&acks=1&visible=before&fencing=off&failover=timer"
UNFENCED: Final = f"{SAFE}&acks=majority&visible=before&fencing=off"
ANY_1: Final = f"{SAFE}&acks=1&visible=after&fencing=off"
BY_TIMER: Final = f"{SAFE}&failover=timer"


def apart(*clients: str) -> Cut:
    """Leave the primary and c1 on one side, a majority and these on the other."""
    return Cut(at=12, until=200, sources=("r1", "c1"), targets=("r2", "r3", *clients))


SENTINEL_SPLIT_BRAIN: Final = Scenario(
    name="redis_sentinel_split_brain",
    story=(
        "The primary is cut off together with c1 and goes on acknowledging writes that reach no"
        " backup; the backups elect another primary, and c2 writes there. When the cut is mended"
        " the old primary becomes a backup and is overwritten, with all that c1 was told is safe."
    ),
    source="Kingsbury, Call me maybe: Redis, 2013: 56 % of acknowledged writes lost",
    weak=plan(
        SENTINEL,
        {
            "c1": [sets(0), swaps(50), sets(30), sets(30)],
            "c2": [gets(5), swaps(80), gets(250)],
        },
        apart("c2"),
        expected=["lost_update"],
        until=200,
    ),
    lost=3,
    strong=(SAFE, "caspaxos"),
)

WAIT_IS_NOT_CP: Final = Scenario(
    name="redis_wait_not_cp",
    story=(
        "WAIT 1 counts r3, which has the write, and c1 is told that it is done. The primary dies,"
        " and r2 follows it, whose timer is the shortest and which never got the write."
    ),
    source="redis.io, WAIT: best effort, not a strongly consistent store; Kingsbury, Redis redux",
    weak=plan(
        WAIT_1,
        {"c1": [sets(0), sets(10)], "c2": [gets(150)]},
        Cut(at=5, until=60, sources=("r1",), targets=("r2",)),
        Died(at=25, until=250, host="r1"),
        expected=["stale_read"],
        until=250,
    ),
    lost=1,
    strong=(SAFE, "caspaxos"),
)

WAIT_DIRTY_READ: Final = Scenario(
    name="redis_wait_dirty_read",
    story=(
        "c1's write reaches no backup, and WAIT says so; but it stays on the primary, and is read"
        " there. Then the other side's primary takes over, and what was read has never been."
    ),
    source="redis.io, WAIT: a write that too few confirmed is not undone; Kingsbury, Redis redux",
    weak=plan(
        WAIT_1,
        {"c1": [sets(0), sets(20), gets(0)], "c2": [gets(130)]},
        apart("c2"),
        expected=["stale_read"],
        until=200,
    ),
    also=("dirty_read",),
    finds=dirty_reads,
    strong=(SAFE, "caspaxos"),
)

RAFT_STALE_AND_SPLIT: Final = Scenario(
    name="redis_raft_stale_and_split",
    story=(
        "A deposed leader that does not know it answers c1 with what was there before, takes c1's"
        " swap of a version that c2 has swapped elsewhere, and shows what will be lost. A majority"
        " must confirm a leader before it answers, and must have a write before it is shown."
    ),
    source="Jepsen, Redis-Raft 1b3fbf6, 2020: stale reads, aborted reads, split brain",
    weak=plan(
        UNFENCED,
        {
            "c1": [sets(0), sets(2, "l"), gets(120), sets(0), gets(0), swaps(0, "l"), gets(0, "l")],
            "c2": [gets(9, "l"), sets(80), swaps(0, "l"), gets(160, "l")],
            "c3": [gets(160)],
        },
        apart("c2", "c3"),
        expected=["stale_read", "lost_update"],
        until=200,
    ),
    also=("dirty_read",),
    finds=dirty_reads,
    strong=(SAFE, "caspaxos"),
)

STALE_PRIMARY_READ: Final = Scenario(
    name="stale_primary_read",
    story=(
        "A primary is cut off, another one is elected, and c2 writes there. The old one does not"
        " know that it is deposed and answers c1's read with what was there before."
    ),
    source=(
        "Kingsbury, etcd and Consul, 2014 (reads of a leader that asked nobody);"
        " MongoDB 2.6.7, 2015"
    ),
    weak=plan(
        ANY_1,
        {"c1": [sets(0), gets(150)], "c2": [sets(60), gets(120)]},
        apart("c2"),
        expected=["stale_read"],
        until=200,
    ),
    strong=(SAFE, f"{SAFE}&lease=0.03", "caspaxos"),
)

ROLLBACK_MAJORITY: Final = Scenario(
    name="mongo_rollback_majority",
    story=(
        "r1 and r2 have a write, a majority, and c1 is told so. r3 has not; it stands for"
        " election, and is elected although r2's log is longer. The write is rolled back."
    ),
    source="Jepsen, MongoDB 3.4.0-rc3, 2017: the election protocol v0",
    weak=plan(
        BY_TIMER,
        {"c1": [sets(0), sets(12)], "c2": [gets(85)]},
        Cut(at=8, until=200, sources=("r1",), targets=("r3",)),
        expected=["stale_read"],
        until=200,
    ),
    lost=1,
    strong=(SAFE, "caspaxos"),
)

TWO_STREAMS: Final = Scenario(
    name="two_streams",
    story=(
        "Two primaries do not hear one another, and a backup hears both and follows whichever"
        " spoke last. So both count on its acknowledgement, and both find themselves a majority."
    ),
    source="own: what terms in messages are for (Oki and Liskov, 1988; Raft, 2014)",
    weak=plan(
        UNFENCED,
        {"c1": [sets(0), gets(150)], "c2": [sets(90), gets(120)]},
        Cut(at=12, until=200, sources=("r1",), targets=("r2", "c2")),
        expected=["stale_read"],
        until=200,
    ),
    strong=(SAFE, "caspaxos"),
)

LEASE_CLOCK_STEP: Final = Scenario(
    name="lease_clock_step",
    story=(
        "The primary holds a lease and so asks nobody before it answers a read. Its clock jumps"
        " back while it is cut off, the lease does not end, and it answers with what is old."
    ),
    source="Consul's note on leader leases; Gray and Cheriton, Leases, 1989, on clocks",
    weak=plan(
        f"{SAFE}&lease=0.03",
        {"c1": [sets(0), gets(150)], "c2": [sets(60), gets(120)]},
        apart("c2"),
        ClockStepped("r1", 13, by=-1000.0),
        expected=["stale_read"],
        until=200,
    ),
    strong=(SAFE, "caspaxos"),
)

SCENARIOS: Final = (
    SENTINEL_SPLIT_BRAIN,
    WAIT_IS_NOT_CP,
    WAIT_DIRTY_READ,
    RAFT_STALE_AND_SPLIT,
    STALE_PRIMARY_READ,
    ROLLBACK_MAJORITY,
    TWO_STREAMS,
    LEASE_CLOCK_STEP,
)

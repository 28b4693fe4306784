"""PostgreSQL's standbys, Cassandra's serial writes, etcd's control, and a lock on top of it."""

from __future__ import annotations

from typing import Final

from etagere_sim.scenarios.failover import ANY_1, BY_TIMER, SAFE, apart
from etagere_sim.scenarios.losses import dirty_reads, long_fork, under_a_lock
from etagere_sim.scenarios.scenario import Scenario
from etagere_sim.scenarios.steps import EVENTUAL, gets, plan, sets, swaps
from etagere_sim.world.faults import ClockStepped, Cut, Died, Held, Paused

STANDBY: Final = f"{SAFE}&n=2&acks=1&fencing=off&failover=none&reads=backup"

CANCELLED_WAIT: Final = Scenario(
    name="pg_sync_cancelled_wait",
    story=(
        "A commit waits for a standby that is cut off. The wait is given up; the commit is in"
        " place and is seen on the primary. Then a standby takes over that never had it."
    ),
    source=(
        "Pachot, Invisible commit and read split brain with Patroni strict sync, 2022;"
        " kmoppel, 2024"
    ),
    weak=plan(
        ANY_1,
        {"c1": [sets(0), sets(20), gets(0)], "c2": [gets(130)]},
        apart("c2"),
        expected=["stale_read"],
        until=200,
    ),
    also=("dirty_read",),
    finds=dirty_reads,
    strong=(SAFE, "caspaxos"),
)

LONG_FORK: Final = Scenario(
    name="pg_long_fork",
    story=(
        "x is first in the log and waits for the standby; y waits for nobody and is seen first on"
        " the primary, while the standby shows x first. Two readers see the two writes in opposite"
        " orders. Each key by itself is only read late; the two together fit into no order at all."
    ),
    source="Jepsen, Amazon RDS for PostgreSQL 17.4, 2025",
    weak=plan(
        STANDBY,
        {
            "c1": [sets(10, "x")],
            "c2": [sets(13, "y", EVENTUAL)],
            "c3": [gets(14.5, "y"), gets(0, "x")],
            "c4": [gets(11.2, "x", EVENTUAL), gets(0, "y", EVENTUAL)],
        },
        Held(at=11.5, until=40, sources=("r2",), targets=("r1",)),
        expected=["stale_read"],
        until=150,
    ),
    also=("long_fork",),
    finds=long_fork,
    strong=(SAFE, "caspaxos"),
)

SERIAL_GAP: Final = Scenario(
    name="lwt_serial_gap",
    story=(
        "c1's swaps are linearizable among themselves. c2 reads at a weaker level, of a replica"
        " that has not heard of the last one, and so after it was acknowledged gets what it"
        " replaced: a guarantee of writes is none of reads beside them."
    ),
    source="CASSANDRA-12126; CEP-14 on serial writes read at other levels",
    weak=plan(
        f"{SAFE}&reads=backup",
        {"c1": [sets(0), swaps(12), gets(60)], "c2": [gets(20.5, level=EVENTUAL)]},
        expected=["stale_read"],
        until=150,
        as_strong=True,
    ),
    strong=(f"{SAFE}&reads=backup", "caspaxos"),
)

ETCD: Final = Scenario(
    name="etcd_ok",
    story=(
        "Pauses, a crash, clocks that jump and partitions, one after the other: the control. With"
        " terms that bind and votes that compare logs nothing goes wrong. The same plan, where"
        " whose timer runs out first is elected, shows that it is one in which something could."
    ),
    source="Jepsen, etcd 3.4.3, 2020: strict serializable",
    weak=plan(
        BY_TIMER,
        {
            "c1": [sets(0), swaps(20), gets(30), swaps(40), gets(60)],
            "c2": [gets(8), swaps(25), swaps(45), gets(50), sets(40)],
            "c3": [sets(15), gets(35), gets(30), swaps(60)],
        },
        Paused(at=15, until=80, host="r1"),
        Died(at=90, until=130, host="r2"),
        ClockStepped("r3", 30, by=5000.0),
        ClockStepped("r1", 60, by=-5000.0),
        Cut(at=140, until=220, sources=("r3",), targets=("r1", "r2")),
        Cut(at=150, until=190, sources=("r1",), targets=("c1",), both=False),
        expected=["stale_read"],
        until=250,
    ),
    strong=(SAFE, f"{SAFE}&visible=before", f"{SAFE}&n=5", "caspaxos"),
)

UNFENCED_LOCK: Final = Scenario(
    name="etcd_lock_unfenced",
    story=(
        "c1 holds a lock with a lease, reads a counter and writes it; but the write is held up on"
        " its way. The lease runs out, and c2, who has the lock now, reads and writes the counter."
        " Then c1's write arrives: what c2 did is gone, and the store did nothing wrong. A write on"
        " the version that was read fences it off."
    ),
    source="Jepsen, etcd 3.4.3, 2020, on locks; Kleppmann, How to do distributed locking, 2016",
    weak=plan(
        SAFE,
        {
            "c1": [sets(0, "counter"), gets(5, "counter"), sets(2, "counter")],
            "c2": [gets(60, "counter"), sets(2, "counter"), gets(100, "counter")],
        },
        Held(at=14, until=100, sources=("c1",), targets=("r1", "r2", "r3")),
        until=200,
    ),
    also=("lost_update under the lock",),
    finds=under_a_lock,
    strong=(SAFE, "caspaxos"),
    mended={
        "c1": (sets(0, "counter"), gets(5, "counter"), swaps(2, "counter")),
        "c2": (gets(60, "counter"), swaps(2, "counter"), gets(100, "counter")),
    },
)

SCENARIOS: Final = (CANCELLED_WAIT, LONG_FORK, SERIAL_GAP, ETCD, UNFENCED_LOCK)

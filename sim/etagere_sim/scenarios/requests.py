"""What one server, its disk and its clients can do wrong by themselves."""

from __future__ import annotations

from typing import Final

from etagere_sim.scenarios.scenario import Scenario
from etagere_sim.scenarios.steps import deletes, gets, plan, sets, swaps
from etagere_sim.world.faults import Died, MessageFault

CRASH_UNFSYNCED: Final = Scenario(
    name="crash_unfsynced",
    story=(
        "A write is acknowledged while it is in memory only. The power goes; when the server is"
        " back it shows what was there before, under an ETag that was overwritten."
    ),
    source="etcd #14370; #13766 and #17780: the revision goes backwards",
    weak=plan(
        "single&fsync=off",
        {"c1": [sets(0)], "c2": [gets(30)]},
        Died(at=10, until=20, host="r1"),
        expected=["stale_read"],
        until=150,
    ),
    lost=1,
    strong=("single", "primary_backup&n=1&failover=none", "primary_backup", "caspaxos"),
)

CAS_RETRY_LIES: Final = Scenario(
    name="cas_retry_lies",
    story=(
        "The answer to c1's swap is lost. c2 swaps upon it, and then c1's driver sends it again as"
        " if it was new: c1 is told of a conflict with its own success. A request must keep its"
        " name when it is sent again, or its outcome be called unknown."
    ),
    source="JAVA-819; CASSANDRA-9086",
    weak=plan(
        "single&retries=naive",
        {"c1": [sets(0), gets(5), swaps(0)], "c2": [gets(20), swaps(0), gets(100)]},
        MessageFault("lost", "r1", "c1", "Done", 2),
        expected=["aborted_read"],
        until=150,
    ),
    strong=("single", "caspaxos"),
)

ETAG_REUSE: Final = Scenario(
    name="etag_reuse_after_recreate",
    story=(
        "Versions are counted, and a key that is made anew counts from 1 again. c2 has read"
        " version 1; c1 deletes the key and makes it anew; c2 swaps version 1, which is another"
        " one, and is told that it worked. An ETag must never stand for two values."
    ),
    source="folklore of compare-and-set: ABA; CASPaxos, 2018, section 3.1, on deletes",
    weak=plan(
        "single",
        {
            "c1": [sets(0, etag="1"), deletes(20), sets(0, etag="1"), gets(5)],
            "c2": [gets(10), swaps(40), gets(20)],
        },
        expected=["etag_reuse"],
        until=150,
    ),
    strong=("single", "caspaxos", "primary_backup"),
    mended={
        "c1": (sets(0), deletes(20), sets(0), gets(5)),
        "c2": (gets(10), swaps(40), gets(20)),
    },
)

SCENARIOS: Final = (CRASH_UNFSYNCED, CAS_RETRY_LIES, ETAG_REUSE)

"""Clusters that the tests of campaigns run."""

from __future__ import annotations

from etagere_sim.campaigns.campaign import Campaign, at_its_level
from etagere_sim.campaigns.troubles import kinds_of
from etagere_sim.campaigns.workloads import Workload

ABD = "sim://?protocol=abd"
WEAK = "sim://?protocol=dynamo&r=1&w=1"
REGULAR = "sim://?protocol=quorum_regular&latency=constant:1"
"""With every message as fast as the others only faults can show that it is not atomic."""
UNSAFE = f"{REGULAR}&unsafe=1"
"""The same claims to be strong, and to write on a condition."""
BAD_SEED = 686
"""Of `REGULAR` under all faults."""


def campaign(url: str, faults: str = "all", **more: object) -> Campaign:
    """Return a campaign at the level that the protocol claims."""
    workload = at_its_level(url, Workload())
    return Campaign(**({"url": url, "workload": workload, "faults": kinds_of(faults)} | more))

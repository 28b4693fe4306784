"""Named scenarios: what is documented of real systems, each as a plan of a few faults.

Every message takes 1 ms and nothing is random. Each goes wrong under the settings of the system
that it was seen in, as its `expected` says, and comes to no harm under strong ones. Left out is
what needs transactions that are serializable and not more (`pg_g2_item`): a key by itself cannot
show it.
"""

from __future__ import annotations

from typing import Final

from etagere_sim.scenarios import dynamo, failover, registers, requests, standbys, tombstones
from etagere_sim.scenarios.scenario import Outcome, Played, Scenario

FAMILIES: Final = (registers, failover, standbys, requests, dynamo, tombstones)
SCENARIOS: Final[dict[str, Scenario]] = {
    scenario.name: scenario for family in FAMILIES for scenario in family.SCENARIOS
}
"""By name."""

__all__ = ["SCENARIOS", "Outcome", "Played", "Scenario"]

"""Every named scenario goes wrong under its weak settings as told, and under no strong ones."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from etagere_sim.campaigns.addresses import simulated
from etagere_sim.campaigns.judging import problems_of
from etagere_sim.campaigns.plans import as_json, plan_in, replay
from etagere_sim.campaigns.shrinking import shrink
from etagere_sim.scenarios import SCENARIOS, Scenario
from etagere_sim.world.distributions import Constant
from etagere_sim.world.latency import Everywhere

DOCUMENTED = (
    "redis_sentinel_split_brain",
    "redis_wait_not_cp",
    "redis_raft_stale_and_split",
    "stale_primary_read",
    "mongo_rollback_majority",
    "lww_clock_skew",
    "cas_retry_lies",
    "lwt_serial_gap",
    "pg_sync_cancelled_wait",
    "pg_long_fork",
    "etcd_ok",
    "crash_unfsynced",
    "quorum_new_old_inversion",
    "quorum_cas_lost_update",
    "replica_cas_aborted_read",
    "wedged_key",
    "delete_resurrection",
    "etag_reuse_after_recreate",
    "sloppy_quorum_stale",
    "hint_replays_old_value",
    "read_repair_spreads_minority_write",
)

each = pytest.mark.parametrize("scenario", SCENARIOS.values(), ids=SCENARIOS)


def test_all_that_is_documented_is_there() -> None:
    assert set(DOCUMENTED) <= set(SCENARIOS)


@each
def test_it_comes_out_as_expected(scenario: Scenario) -> None:
    came = scenario.play()
    assert came.weak.problems == scenario.expected
    assert len(came.weak.lost) == scenario.lost
    for strong in came.strong:
        assert (strong.problems, strong.lost) == ((), ()), strong.plan.url
    assert came.is_as_expected


@each
def test_it_is_a_plan_of_few_faults_without_luck(scenario: Scenario) -> None:
    assert scenario.expected
    assert len(scenario.weak.faults) < 10
    assert scenario.strong
    for plan in (scenario.weak, *scenario.strong_plans()):
        assert simulated(plan.url).latency == Everywhere(Constant(1.0))
        assert simulated(plan.url).replication.replicas
        assert plan.programs is not None
        assert plan_in(as_json(plan)) == plan


@each
def test_its_strong_settings_claim_to_be_strong(scenario: Scenario) -> None:
    for plan in scenario.strong_plans():
        assert simulated(plan.url).level == "strong", plan.url


@each
def test_it_does_not_hang_on_the_seed(scenario: Scenario) -> None:
    for seed in (1, 2):
        again = replace(scenario.weak, seed=seed)
        assert tuple(problems_of(replay(again))) == scenario.weak.expected


def test_a_scenario_can_be_shrunk() -> None:
    weak = SCENARIOS["unknown_then_resurrected"].weak
    shrunk = shrink(weak)
    assert shrunk.target == "stale_read"
    assert len(shrunk.plan.faults) <= len(weak.faults)


@each
def test_it_is_its_faults_that_do_it(scenario: Scenario) -> None:
    if scenario.weak.faults:
        calm = scenario.played(replace(scenario.weak, faults=()))
        assert (calm.problems, len(calm.lost)) != (scenario.expected, scenario.lost)

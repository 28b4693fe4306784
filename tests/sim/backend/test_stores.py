"""Clients that hold a `Store`, in runs with faults."""

from __future__ import annotations

from collections import Counter

from etagere_sim.campaigns.campaign import Campaign, at_its_level
from etagere_sim.campaigns.coverage import faults_by_name
from etagere_sim.campaigns.runs import Run
from etagere_sim.campaigns.troubles import kinds_of
from etagere_sim.campaigns.workloads import Workload

ALL = kinds_of("all")
STRONG = Campaign(url="sim://?protocol=caspaxos", faults=ALL, clients="store")


def told(run: Run) -> object:
    return run.calls, run.times, run.steps


def test_a_strong_store_stays_strong_whatever_goes_wrong() -> None:
    befell: Counter[str] = Counter()
    for seed in range(80):
        run = STRONG.run(seed)
        assert run.is_right, seed
        befell += faults_by_name(run.faults, ("r1", "r2", "r3"))
    assert befell["request sent twice"]
    assert befell["coordinator death"]


def test_a_weak_one_is_caught() -> None:
    url = "sim://?protocol=dynamo&r=1&w=1"
    weak = Campaign(url=url, workload=at_its_level(url, Workload()), clients="store")
    assert any(run.findings for run in map(weak.run, range(20)))


def test_a_seed_gives_the_same_run_again() -> None:
    for seed in range(10):
        assert told(STRONG.run(seed)) == told(STRONG.run(seed)), seed

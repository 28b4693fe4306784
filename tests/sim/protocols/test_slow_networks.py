"""Where messages take their time, protocols wait for longer, unless a URL says how long."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from etagere.histories.verdicts import Answer
from etagere_sim.campaigns.addresses import simulated
from etagere_sim.campaigns.campaign import at_its_level
from etagere_sim.campaigns.comparing import is_answered
from etagere_sim.campaigns.runs import run
from etagere_sim.campaigns.workloads import Workload
from etagere_sim.protocols import PROTOCOLS
from etagere_sim.world.latency import latency_of

SLOW = ("wan", "constant:40", "exp:0.01,0.05")
FAST = ("lnkd-ssd", "lnkd-disk", "ymmr", "constant:1")
SEEDS = range(8)


@pytest.mark.parametrize("latency", SLOW)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_all_is_answered(protocol: str, latency: str) -> None:
    url = f"sim://?protocol={protocol}&latency={latency}"
    world, workload = simulated(url), Workload()
    if not world.replication.capabilities.conditional:
        workload = replace(workload, conditional=0.0)
    calls = 0
    for seed in SEEDS:
        done = run(world.replication, world.latency, at_its_level(url, workload), seed)
        assert done.progressed, seed
        assert done.converged, seed
        # Proposers that meet over one key may get into each other's way for as long as they try.
        calls += sum(is_answered(call) for call in done.calls)
        if protocol in ("single", "abd", "caspaxos", "primary_backup"):
            assert done.answer is Answer.YES, seed
    assert calls >= 0.98 * len(SEEDS) * workload.clients * (workload.operations + 1)


@pytest.mark.parametrize("latency", FAST)
@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_fast_networks_change_nothing(protocol: str, latency: str) -> None:
    usual = simulated(f"sim://?protocol={protocol}&latency=constant:0").replication
    here = simulated(f"sim://?protocol={protocol}&latency={latency}").replication
    assert vars(here)["knobs"] == vars(usual)["knobs"]


@pytest.mark.parametrize(
    ("settings", "name", "milliseconds"),
    [
        ("single&patience=0.2&timeout=3", "patience", 200.0),
        ("single&patience=0.2&timeout=3", "deadline", 3000.0),
        ("abd&patience=0.2", "patience", 200.0),
        ("quorum_regular&timeout=3", "deadline", 3000.0),
        ("caspaxos&patience=0.2", "patience", 200.0),
        ("primary_backup&timeout=0.2", "timeout", 200.0),
        ("dynamo&patience=0.2", "patience", 200.0),
    ],
)
def test_what_a_url_says_counts(settings: str, name: str, milliseconds: float) -> None:
    replication = simulated(f"sim://?protocol={settings}&latency=wan").replication
    assert getattr(vars(replication)["knobs"], name) == milliseconds


def test_round_trips() -> None:
    assert latency_of("constant:40").round_trip == 80.0
    assert 2.0 < latency_of("lnkd-disk").round_trip < 4.0
    assert latency_of("wan").round_trip == 150.0 + latency_of("lnkd-disk").round_trip
    assert latency_of("wan", 5) != latency_of("wan")
    assert latency_of("wan", 5).round_trip == latency_of("wan").round_trip

"""Plans: what happened under a seed, written down, happens again."""

from __future__ import annotations

from pathlib import Path

import pytest

from etagere.errors import ConfigurationError, InvalidArgument
from etagere_sim.campaigns.addresses import simulated, url_of
from etagere_sim.campaigns.judging import problems_of
from etagere_sim.campaigns.plans import Plan, as_json, load_plan, plan_in, plan_of, replay
from etagere_sim.campaigns.runs import Run
from tests.sim.campaigns.settings import ABD, BAD_SEED, REGULAR, WEAK, campaign

TIED = f"{WEAK}&latency=constant:2"
"""All messages take the same time, so the scheduler has much to choose from."""


def what_happened(run: Run) -> tuple[object, ...]:
    return run.calls, run.times, run.faults, run.answer, run.progressed, run.converged


@pytest.mark.parametrize("scheduler", ["fifo", "random", "pct"])
@pytest.mark.parametrize("url", [ABD, WEAK, TIED])
def test_a_plan_makes_it_happen_again(url: str, scheduler: str) -> None:
    settings = campaign(url, scheduler=scheduler)
    for seed in range(30):
        plan = plan_of(settings, seed)
        again = replay(plan_in(as_json(plan)))
        assert what_happened(again) == what_happened(settings.run(seed))
        assert plan.expected == tuple(problems_of(again))


def test_deviations_are_written_down() -> None:
    deviations = [plan_of(campaign(TIED, scheduler="random"), seed).deviations for seed in range(9)]
    assert all(deviations)
    assert not plan_of(campaign(TIED), 0).deviations


def test_through_stores_too() -> None:
    settings = campaign(WEAK, clients="store")
    for seed in range(8):
        plan = plan_of(settings, seed)
        assert plan.clients == "store"
        assert what_happened(replay(plan)) == what_happened(settings.run(seed))


def test_a_file(tmp_path: Path) -> None:
    plan = plan_of(campaign(REGULAR), BAD_SEED)
    path = tmp_path / "plan.json"
    path.write_text(as_json(plan))
    assert load_plan(path) == plan
    assert plan.faults
    assert plan.expected == ("stale_read",)


def test_what_is_usual_is_left_out() -> None:
    plan = Plan(url=ABD, programs={"c1": ()})
    assert plan_in(as_json(plan)) == plan
    assert "workload" not in as_json(plan)
    assert "deviations" not in as_json(plan)


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("", "the plan is not a plan: Input data was truncated"),
        ("[]", "the plan is not a plan: Expected `object`"),
        ('{"url": "sim://", "surprise": 1}', "unknown field `surprise`"),
        ('{"url": "sim://", "faults": [{"type": "war"}]}', "Invalid value 'war'"),
        (
            '{"format": "etagere-plan", "version": 2, "url": ""}',
            "is etagere-plan 2; this one reads",
        ),
        ('{"format": "score", "url": ""}', "is score 1; this one reads etagere-plan 1"),
    ],
)
def test_what_is_no_plan(text: str, problem: str) -> None:
    with pytest.raises(InvalidArgument, match=problem):
        plan_in(text)


def test_urls() -> None:
    url = url_of("dynamo", {"n": 5, "r": None, "latency": "exp:0.1,0.5"})
    assert url == "sim://?protocol=dynamo&n=5&latency=exp:0.1,0.5"
    assert len(simulated(url).replication.replicas) == 5
    assert simulated(ABD).level == "strong"
    assert simulated(WEAK).level == "eventual"
    assert simulated(f"{ABD}&seed=7").seed == 7
    with pytest.raises(ConfigurationError, match="is not simulated"):
        simulated("memory://")
    with pytest.raises(ConfigurationError, match="unknown settings: 'q'"):
        simulated(f"{ABD}&q=1")

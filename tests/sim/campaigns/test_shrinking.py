"""Plans are made as small as they can be, by delta debugging and by Hypothesis."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import count

import pytest
from hypothesis import find, given, settings
from msgspec.structs import replace

from etagere_sim.campaigns.judging import problems_of
from etagere_sim.campaigns.plans import Plan, plan_of, replay
from etagere_sim.campaigns.regressions import as_test
from etagere_sim.campaigns.shrinking import ddmin, elsewhere, shrink
from etagere_sim.campaigns.strategies import PHASES, plans
from etagere_sim.campaigns.workloads import Workload
from etagere_sim.world.faults import Cut, Died, MessageFault, SentTwice
from tests.sim.campaigns.settings import ABD, BAD_SEED, REGULAR, UNSAFE, WEAK, campaign

SMALL = Workload(clients=3, operations=3, conditional=0.0)


@pytest.mark.parametrize("needed", [set(), {7}, {0, 99}, {3, 50, 51, 98}, set(range(100))])
def test_ddmin_finds_what_is_needed(needed: set[int]) -> None:
    assert set(ddmin(range(100), lambda rest: needed <= set(rest))) == needed


def test_ddmin_leaves_nothing_out_that_is_needed_alone() -> None:
    def at_least_three(rest: Sequence[int]) -> bool:
        return len(rest) >= 3

    assert len(ddmin(range(20), at_least_three)) == 3


def test_a_fault_without_a_host() -> None:
    cut = Cut(1.0, 2.0, sources=("r1",), targets=("c1", "c2"))
    faults = [
        cut,
        Cut(1.0, 2.0, sources=("c1",), targets=("r1",)),
        Died(1.0, 2.0, host="c1"),
        MessageFault("lost", "r1", "c1", "Put", 1),
        SentTwice(client="c1", number=1, after=1.0),
        Died(1.0, 2.0, host="c2"),
    ]
    assert list(elsewhere(faults, "c1")) == [replace(cut, targets=("c2",)), faults[-1]]


def test_few_faults_are_left() -> None:
    shrunk = shrink(plan_of(campaign(REGULAR), BAD_SEED))
    assert shrunk.is_least
    assert shrunk.target == "stale_read"
    assert 1 <= len(shrunk.plan.faults) <= 4 < len(shrunk.before.faults)
    assert sum(map(len, shrunk.plan.programs_played().values())) < 15
    assert problems_of(replay(shrunk.plan)) == list(shrunk.plan.expected) == ["stale_read"]
    for position in range(len(shrunk.plan.faults)):
        fewer = [fault for at, fault in enumerate(shrunk.plan.faults) if at != position]
        assert "stale_read" not in problems_of(replay(replace(shrunk.plan, faults=tuple(fewer))))


def test_deviations_that_are_not_needed_go() -> None:
    tied = campaign(f"{WEAK}&latency=constant:2", scheduler="random")
    plan = next(plan for seed in count() if (plan := plan_of(tied, seed)).expected)
    shrunk = shrink(plan)
    assert len(shrunk.plan.deviations) <= 2 < len(plan.deviations)


def test_time_is_bounded() -> None:
    shrunk = shrink(plan_of(campaign(REGULAR), BAD_SEED), seconds=0.0)
    assert not shrunk.is_least
    assert shrunk.plan == shrunk.before


@pytest.mark.parametrize(("url", "seed", "fails"), [(UNSAFE, 0, True), (WEAK, 1, False)])
def test_the_printed_test_runs(url: str, seed: int, fails: bool) -> None:
    text = as_test(shrink(plan_of(campaign(url), seed)).plan)
    names: dict[str, object] = {}
    exec(text, names)
    (test,) = [what for name, what in names.items() if name.startswith("test_")]
    assert callable(test)
    if fails:  # of a protocol that claims to be strong, until it is mended
        with pytest.raises(AssertionError):
            test()
    else:
        test()


def test_hypothesis_finds_and_shrinks() -> None:
    strategy = plans(WEAK, workload=SMALL, messages=["Put", "Get"])
    quick = settings(
        max_examples=500, phases=PHASES, database=None, derandomize=True, deadline=None
    )
    plan = find(strategy, lambda plan: "stale_read" in problems_of(replay(plan)), settings=quick)
    assert plan.faults == ()
    assert plan.deviations == {}
    assert sum(map(len, plan.programs_played().values())) == 2


@given(plans(ABD, workload=SMALL))
@settings(max_examples=60, phases=PHASES, database=None, derandomize=True, deadline=None)
def test_a_right_protocol_stays_right(plan: Plan) -> None:
    assert problems_of(replay(plan)) == []

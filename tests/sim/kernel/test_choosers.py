"""Who goes first at one moment."""

from __future__ import annotations

import pytest

from etagere_sim.kernel.agenda import Agenda
from etagere_sim.kernel.choosers import AsPlanned, AtRandom, ByPriority, Recorded
from etagere_sim.kernel.streams import stream


def order(chooser):
    """Return the order in which two steps of each of four owners happen, all at one moment."""
    agenda, seen = Agenda(chooser), []
    for number in range(2):
        for owner in "abcd":
            agenda.at(1.0, owner, seen.append, f"{owner}{number}")
    agenda.at(2.0, "a", seen.append, "later")
    agenda.play(until=2.0)
    return seen


def test_without_one_it_is_the_order_of_their_making():
    assert order(None) == ["a0", "b0", "c0", "d0", "a1", "b1", "c1", "d1", "later"]


def test_at_random_each_order_comes_from_its_seed():
    orders = {tuple(order(AtRandom(stream(seed, "order")))) for seed in range(50)}
    assert len(orders) > 40
    assert order(AtRandom(stream(3, "order"))) == order(AtRandom(stream(3, "order")))
    assert all(each[-1] == "later" for each in orders)


@pytest.mark.parametrize("seed", range(20))
def test_by_priority_an_owner_goes_on_as_long_as_it_can(seed):
    seen = order(ByPriority(stream(seed, "order"), steps=8, changes=0))
    assert [step[0] for step in seen[:8:2]] == [step[0] for step in seen[1:8:2]]
    assert all(seen.index(f"{owner}0") < seen.index(f"{owner}1") for owner in "abcd")


def test_by_priority_a_change_lets_the_one_that_goes_fall_behind():
    interrupted = 0
    for seed in range(50):
        seen = order(ByPriority(stream(seed, "order"), steps=8, changes=1))
        assert all(seen.index(f"{owner}0") < seen.index(f"{owner}1") for owner in "abcd")
        interrupted += any(seen.index(f"{o}1") - seen.index(f"{o}0") > 1 for o in "abcd")
    assert interrupted > 10


def test_a_plan_deviates_at_its_steps_only():
    assert order(AsPlanned({}))[:4] == ["a0", "b0", "c0", "d0"]
    assert order(AsPlanned({1: 2}))[:4] == ["a0", "d0", "b0", "c0"]


def test_what_was_recorded_happens_again_as_planned():
    recorded = Recorded(AtRandom(stream(11, "order")))
    first = order(recorded)
    assert recorded.deviations
    assert order(AsPlanned(recorded.deviations)) == first

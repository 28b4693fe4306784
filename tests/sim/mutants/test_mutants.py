"""The simulator's teeth: planted faults are caught, and made small."""

from __future__ import annotations

import pytest

from etagere_sim.campaigns.judging import problems_of
from etagere_sim.campaigns.plans import as_json, plan_in, replay
from etagere_sim.mutants import MUTANTS, Mutant, hunt

EARLY = {
    ("caspaxos", "promise not kept"),
    ("caspaxos", "accept without promise check"),
    ("caspaxos", "lost slot is fresh"),
    ("caspaxos", "cache kept after refusal"),
    ("caspaxos", "retry applies twice"),
    ("caspaxos", "promise dropped with the tombstone"),
    ("abd", "read skips write-back"),
    ("abd", "write quorum off by one"),
    ("single", "retry applies twice"),
    ("single", "acknowledged before the sync"),
    ("primary_backup", "acks off by one"),
    ("primary_backup", "reads unconfirmed"),
    ("primary_backup", "command applied twice"),
    ("dynamo", "trees compare lengths only"),
    ("dynamo", "hint overwrites newer"),
}
"""Those that are caught within a second or so; `make teeth` catches the others, too."""
SEEDS = 400


def test_there_are_enough_of_them_and_of_each_protocol() -> None:
    assert len(MUTANTS) >= 20
    assert {mutant.protocol for mutant in MUTANTS} == {
        "caspaxos",
        "abd",
        "single",
        "primary_backup",
        "dynamo",
    }
    names = [(mutant.protocol, mutant.name) for mutant in MUTANTS]
    assert len(set(names)) == len(names)
    assert set(names) >= EARLY


@pytest.mark.parametrize(
    "mutant",
    [mutant for mutant in MUTANTS if (mutant.protocol, mutant.name) in EARLY],
    ids=lambda mutant: f"{mutant.protocol}: {mutant.name}",
)
def test_it_is_caught_and_made_small(mutant: Mutant) -> None:
    caught = hunt(mutant, SEEDS)
    assert caught is not None
    assert caught.is_small
    assert caught.is_its_fault
    plan = plan_in(as_json(caught.plan))
    with mutant.planted():
        assert caught.sign in problems_of(replay(plan))
    assert caught.sign not in problems_of(replay(plan))


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: f"{mutant.protocol}: {mutant.name}")
def test_without_it_its_campaign_finds_nothing(mutant: Mutant) -> None:
    for seed in range(8):
        assert mutant.sign_in(problems_of(mutant.campaign.run(seed))) is None, seed


def test_it_is_gone_when_its_time_is_over() -> None:
    for mutant in MUTANTS:
        before = [getattr(place.owner, place.name) for place in mutant.places]
        with mutant.planted():
            planted = [getattr(place.owner, place.name) for place in mutant.places]
            assert planted == [place.instead for place in mutant.places]
        assert [getattr(place.owner, place.name) for place in mutant.places] == before


def test_one_that_is_not_caught_is_said_to_be_so() -> None:
    (idle,) = [mutant for mutant in MUTANTS if mutant.name == "tag without unique id"]
    assert hunt(idle, 1) is None

"""The fault generator: everything that it promises, and nothing else."""

from __future__ import annotations

import pytest

from etagere.errors import InvalidArgument
from etagere_sim.campaigns.coverage import EXPECTED, expected, faults_by_name
from etagere_sim.campaigns.runs import Trouble
from etagere_sim.campaigns.troubles import LIGHT, MESSAGES, kinds_of, trouble_of
from etagere_sim.world.faults import BitFlipped, Cut, Died, Held, MessageFault

CLIENTS = ["c1", "c2", "c3"]
FIVE = [f"r{number}" for number in range(1, 6)]
THREE = FIVE[:3]
SEEDS = range(400)


def troubles(words: str, replicas: list[str] = THREE) -> list[Trouble]:
    return [trouble_of(seed, kinds_of(words), replicas, CLIENTS, 5) for seed in SEEDS]


def test_the_seed_decides() -> None:
    assert troubles("all") == troubles("all")
    assert len({str(trouble) for trouble in troubles("all")}) == len(SEEDS)


@pytest.mark.parametrize("kind", [kind for kind in EXPECTED if kind != MESSAGES])
def test_a_kind_brings_all_of_its_faults_and_no_others(kind: str) -> None:
    seen = [faults_by_name(trouble.faults, THREE) for trouble in troubles(kind)]
    assert {name for names in seen for name in names} == set(EXPECTED[kind])
    assert not any(trouble.weather for trouble in troubles(kind))


def test_messages_are_weather() -> None:
    assert not any(trouble.faults for trouble in troubles("messages"))
    assert any(trouble.weather for trouble in troubles("messages"))
    assert not all(trouble.weather for trouble in troubles("messages"))


def test_all_is_over_in_time() -> None:
    for trouble in troubles("all"):
        for fault in trouble.faults:
            assert getattr(fault, "at", 0.0) <= getattr(fault, "until", trouble.until)
            assert getattr(fault, "until", 0.0) <= trouble.until


@pytest.mark.parametrize(("replicas", "most"), [(THREE, 1), (FIVE, 2), (THREE[:1], 0)])
def test_more_than_half_of_the_disks_stay_readable(replicas: list[str], most: int) -> None:
    broken = [
        {fault.host for fault in trouble.faults if isinstance(fault, BitFlipped)}
        for trouble in troubles("bits", replicas)
    ]
    assert max(map(len, broken)) == most
    assert set().union(*broken) == (set(replicas) if most else set())


def test_a_swizzle_is_let_go_in_another_order() -> None:
    held = [
        [fault for fault in trouble.faults if isinstance(fault, Held) and len(fault.sources) > 1]
        for trouble in troubles("holds")
    ]
    assert any(
        sorted(some, key=lambda fault: fault.at) != sorted(some, key=lambda fault: fault.until)
        for some in held
    )


def test_splits_leave_clients_on_both_sides_and_now_and_then_one_replica_alone_with_some() -> None:
    splits = [
        fault
        for trouble in troubles("cuts")
        for fault in trouble.faults
        if isinstance(fault, Cut) and {name[0] for name in fault.sources} == {"r", "c"}
        if any(name in CLIENTS for name in fault.targets)
    ]
    assert 0.5 * len(SEEDS) < len(splits) < 0.75 * len(SEEDS)
    assert all(set(fault.sources) | set(fault.targets) == {*THREE, *CLIENTS} for fault in splits)
    alone = [fault for fault in splits if not {"r2", "r3"} & set(fault.sources)]
    assert 0.4 * len(splits) < len(alone) < 0.8 * len(splits)
    assert not all(fault.both for fault in splits)
    assert troubles("cuts", THREE[:1]), "there can be a single replica"


def test_crashes_can_take_all_replicas_at_once() -> None:
    crashed = [
        {fault.host for fault in trouble.faults if isinstance(fault, Died)}
        for trouble in troubles("crashes")
    ]
    assert set(THREE) in crashed


def test_kinds() -> None:
    assert kinds_of("none") == ()
    assert kinds_of("light") == LIGHT
    assert set(kinds_of("all")) == set(EXPECTED)
    assert kinds_of("cuts, crashes,cuts") == ("cuts", "crashes")
    assert trouble_of(1, (), THREE, CLIENTS, 5) == Trouble()
    with pytest.raises(InvalidArgument, match="there are no faults 'cut'; give none, light, all"):
        kinds_of("cuts,cut")


def test_what_cannot_be_is_not_expected() -> None:
    assert "minority cut off" in expected(["cuts"], THREE)
    assert "minority cut off" not in expected(["cuts"], THREE[:2])
    assert expected(["bits"], THREE[:1]) == []
    assert "clients cut apart" in expected(["cuts"], THREE)
    assert "clients cut apart" not in expected(["cuts"], THREE, clients=1)


def test_single_messages_are_counted_by_what_befell_them() -> None:
    lost = MessageFault("lost", "c1", "r1", "Put", 1)
    assert faults_by_name([lost, lost], THREE) == {"message lost": 2}

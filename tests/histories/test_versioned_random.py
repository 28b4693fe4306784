"""`check_versioned` against a search that tries every order, on random histories."""

from __future__ import annotations

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etagere.histories.history import History
from etagere.histories.synthetic import FAULTS, Workload, generate, plant
from etagere.histories.verdicts import Anomaly, Answer
from etagere.histories.versioned import calls_by_key, check_versioned, verify
from tests.histories.brute_force import is_linearizable

HISTORIES = 3000
SEED = 20


def random_history(random: Random) -> History:
    """A small history of up to five clients, with up to two faults."""
    workload = Workload(
        operations=random.randint(4, 14),
        clients=random.randint(2, 5),
        keys=random.choice([1, 1, 1, 2]),
        reads=random.choice([0.2, 0.4, 0.6]),
        conditional=random.choice([0, 0.2, 0.5, 0.8, 1]),
        deletes=random.choice([0, 0, 0.1, 0.3, 0.5]),
        touches=random.choice([0, 0, 0, 0.2]),
        transactions=random.choice([0, 0, 0, 0.3]),
        expiring=random.choice([0, 0, 0, 0.3]),
        eventual=random.choice([0, 0, 0, 0.3]),
        unknown=random.choice([0, 0, 0.1, 0.3]),
        telling=random.choice([0, 0.5, 1]),
        silent=random.choice([0, 0, 0.3]),
        initial=random.random() < 0.2,
        seed=random.randrange(1 << 30),
    )
    history = generate(workload)
    for _ in range(random.choice([0, 1, 1, 2])):
        history = plant(history, random.choice(list(FAULTS)), random.randrange(1 << 30))
    return history


def check_against_brute_force(history: History) -> list[tuple[Answer, str]]:
    """Compare the verdicts of all keys; return them with how they were found."""
    verdicts = check_versioned(history).keys
    for key, calls in calls_by_key(history).items():
        verdict = verdicts[key]
        expected = Answer.YES if is_linearizable(calls, history.initial) else Answer.NO
        assert verdict.answer is expected, (key, calls, verdict.findings)
        if verdict.answer is Answer.YES:
            assert verdict.order is not None
            assert verify(calls, verdict.order, history.initial) is None
        else:
            assert verdict.findings
            witnesses = [each for finding in verdict.findings for each in finding.witnesses]
            assert all(witness in calls for witness in witnesses)
    return [(verdict.answer, verdict.method) for verdict in verdicts.values()]


def test_it_agrees_with_a_search_through_every_order() -> None:
    random = Random(SEED)
    found: list[tuple[Answer, str]] = []
    for _ in range(HISTORIES):
        found += check_against_brute_force(random_history(random))
    # The histories are worth something only if all the ways to an answer are among them.
    for answer, methods in (
        (Answer.YES, {"certificate", "windows", "search"}),
        (Answer.NO, {"names", "zones", "search"}),
    ):
        assert {method for each, method in found if each is answer} == methods
        assert sum(each is answer for each, _ in found) > len(found) / 5


@settings(max_examples=150, deadline=None)
@given(st.randoms(use_true_random=False))
def test_it_agrees_on_what_hypothesis_makes_up(random: Random) -> None:
    check_against_brute_force(random_history(random))


@pytest.mark.parametrize(
    "workload",
    [
        Workload(clients=10, conditional=1, deletes=0, unknown=0),
        Workload(clients=10, conditional=0, deletes=0.3, unknown=0),
        Workload(clients=10, deletes=0.3, telling=0, touches=0.2, unknown=0, keys=3),
        Workload(clients=10, transactions=0.3, keys=4, telling=1, unknown=0.1),
        Workload(clients=10, expiring=0.2, touches=0.2, telling=1, unknown=0.05),
        Workload(clients=10, eventual=0.5, deletes=0.2, telling=1, unknown=0.05, initial=True),
    ],
    ids=["conditional", "deletes", "silent", "transactions", "expiring", "eventual"],
)
def test_what_took_place_is_linearizable(workload: Workload) -> None:
    verdict = check_versioned(generate(workload))
    assert verdict.answer is Answer.YES, verdict.findings


def test_the_names_of_anomalies_are_those_of_the_faults() -> None:
    history = generate(Workload(operations=300, deletes=0, unknown=0, telling=1, seed=3))
    named = {
        "phantom_read": {Anomaly.PHANTOM_READ},
        "absent_read": {Anomaly.STALE_READ},
        "stale_read": {
            Anomaly.STALE_READ,
            Anomaly.FUTURE_READ,
            Anomaly.ABORTED_READ,
            Anomaly.ZONE_OVERLAP,
        },
        "false_mismatch": {Anomaly.ZONE_NESTED, Anomaly.NO_ORDER},
    }
    for fault, anomalies in named.items():
        verdicts = [check_versioned(plant(history, fault, seed)) for seed in range(30)]
        bad = [verdict for verdict in verdicts if verdict.answer is Answer.NO]
        assert len(bad) > 5, fault
        assert {verdict.findings[0].anomaly for verdict in bad} <= anomalies, fault


def test_a_history_is_made_of_its_seed_alone() -> None:
    workload = Workload(operations=200, keys=3, transactions=0.2, expiring=0.2, touches=0.2)
    assert generate(workload) == generate(workload)
    assert plant(generate(workload), "stale_read", 7) == plant(generate(workload), "stale_read", 7)

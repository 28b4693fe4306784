"""What is said of runs, and what they come to."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from etagere.histories.history import Call, Kind, Status
from etagere.operations import Consistency
from etagere_sim.campaigns.judging import as_strong, problems_of, wilson
from etagere_sim.campaigns.pieces import Piece, left_of
from etagere_sim.campaigns.sweeps import sweep_piece
from etagere_sim.campaigns.tallies import Tally, percentiles
from tests.sim.campaigns.settings import ABD, BAD_SEED, REGULAR, WEAK, campaign


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [
        (0, 10, 0.0, 0.2775),
        (5, 10, 0.2366, 0.7634),
        (10, 10, 0.7225, 1.0),
        (1, 1000, 0.0002, 0.0056),
    ],
)
def test_confidence(count: int, total: int, low: float, high: float) -> None:
    assert wilson(count, total) == pytest.approx((low, high), abs=5e-5)


def test_of_nothing_nothing_is_known() -> None:
    assert wilson(0, 0) == (0.0, 1.0)


def test_eventual_calls_judged_as_strong() -> None:
    weak = Call(kind=Kind.GET, start=1, consistency=Consistency.EVENTUAL, status=Status.OK)
    strong = Call(kind=Kind.GET, start=2, consistency=Consistency.STRONG)
    assert [call.consistency for call in as_strong([weak, strong])] == [Consistency.STRONG] * 2
    assert as_strong([strong])[0] is strong


def test_problems_have_names() -> None:
    assert problems_of(campaign(REGULAR).run(BAD_SEED)) == ["stale_read"]
    assert problems_of(campaign(REGULAR, "none").run(BAD_SEED)) == []


def test_a_weak_protocol_is_not_linearizable_and_converges() -> None:
    tally = sweep_piece(campaign(WEAK, "none"), Piece(0, 100))
    assert tally.verdicts["not linearizable"] > 20
    assert "not converged" not in tally.verdicts
    assert "no progress" not in tally.verdicts
    assert tally.staleness is not None
    stale = sum(tally.staleness.behind.values()) - tally.staleness.behind[0]
    assert stale == sum(tally.staleness.age.values())
    assert stale >= tally.verdicts["stale_read"]


def test_a_strong_one_is_right_and_reaches_all() -> None:
    settings = campaign(ABD)
    tally = sweep_piece(settings, Piece(0, 300))
    assert tally.verdicts == {"linearizable": 300}
    assert tally.never_reached(settings) == []
    assert tally.staleness is None


def test_a_campaign_says_what_it_never_reached() -> None:
    settings = campaign(ABD)
    assert set(Tally().never_reached(settings)) == set(settings.wanted())
    few = sweep_piece(settings, Piece(0, 3))
    missing = few.never_reached(settings)
    assert "bit flip" in settings.wanted()
    assert set(missing) < set(settings.wanted())
    assert all(not few.faults.get(what) and not few.marks.get(what) for what in missing)


def test_branches_of_the_protocol_are_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    from etagere_sim.campaigns.addresses import simulated

    settings = campaign(ABD, "none")
    replication = simulated(ABD).replication
    branches = frozenset({"a branch that nobody goes"})
    monkeypatch.setattr(replication, "branches", branches, raising=False)
    assert sweep_piece(settings, Piece(0, 3)).never_reached(settings) == list(branches)


def test_pieces_add_up_in_any_order() -> None:
    settings = campaign(WEAK)
    whole = sweep_piece(settings, Piece(0, 60))
    parts = [sweep_piece(settings, Piece(first, 20)) for first in (40, 0, 20)]
    total = Tally()
    for part in parts:
        total.add(part)
    assert total.seconds == sum(part.seconds for part in parts)
    total.seconds = whole.seconds
    assert total == whole


@pytest.mark.parametrize(
    ("done", "left"),
    [
        ([], [(0, 200), (200, 200), (400, 100)]),
        ([Piece(200, 200)], [(0, 200), (400, 100)]),
        ([Piece(450, 50), Piece(0, 30)], [(30, 200), (230, 200), (430, 20)]),
        ([Piece(0, 500)], []),
    ],
)
def test_what_is_left(done: list[Piece], left: list[tuple[int, int]]) -> None:
    assert [(piece.first, piece.number) for piece in left_of(Piece(0, 500), done)] == left


@pytest.mark.parametrize(
    ("histogram", "found"),
    [
        ({}, {}),
        ({3: 1}, {50: 3, 90: 3}),
        ({0: 9, 5: 1}, {50: 0, 90: 0}),
        ({0: 8, 7: 2}, {50: 0, 90: 7}),
    ],
)
def test_percentiles(histogram: Mapping[int, int], found: Mapping[float, int]) -> None:
    assert percentiles(histogram, (50, 90)) == found

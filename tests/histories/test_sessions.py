"""The session guarantees: what breaks each, what keeps it, and what cannot be told."""

from __future__ import annotations

from random import Random

import pytest

from etagere.histories.history import Call, History
from etagere.histories.sessions import Guarantee, SessionReport, check_sessions
from etagere.histories.synthetic import Workload, generate
from etagere.histories.verdicts import Answer, KeyVerdict, Verdict
from etagere.histories.versioned import check_versioned
from tests.histories.calls import call, deleted, history, saw, unknown, wrote

RYW, MR, MW, WFR = Guarantee


def broken(*calls: Call, initial: str | None = None) -> list[Guarantee]:
    return [
        breach.guarantee for breach in check_sessions(history(*calls, initial=initial)).breaches
    ]


def certified(*order: Call) -> Verdict:
    judged = KeyVerdict("k", Answer.YES, order=order)
    return Verdict(Answer.YES, {"k": judged}, len(order), 0.0)


# --- breaches -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("calls", "guarantees"),
    [
        pytest.param(
            [
                wrote(1, 2, "e1", client="w"),
                wrote(3, 4, "e2", client="c"),
                saw(5, 6, "e1", client="c"),
            ],
            [RYW],
            id="an own write is missed",
        ),
        pytest.param(
            [wrote(1, 2, "e1", client="c"), saw(3, 4, None, client="c")],
            [RYW],
            id="an own write is missed, nothing is there",
        ),
        pytest.param(
            [
                wrote(1, 2, "e1"),
                wrote(3, 4, "e2"),
                saw(5, 6, "e2", client="c"),
                saw(7, 8, "e1", client="c"),
            ],
            [MR],
            id="time runs backwards",
        ),
        pytest.param(
            [wrote(1, 2, "e1"), saw(5, 6, "e1", client="c"), saw(7, 8, None, client="c")],
            [MR],
            id="back to before anything was there",
        ),
        pytest.param(
            [
                wrote(1, 9, "e2", "e1", client="c"),
                saw(2, 3, "e2", client="c"),
                saw(4, 5, "e1", client="c"),
            ],
            [MR],
            id="a chain tells the order although the writes overlap",
        ),
        pytest.param(
            [wrote(1, 2, "e1", client="c"), wrote(3, 4, "e2", "e1"), saw(5, 6, "e2", client="c")],
            [],
            id="a later version of others",
        ),
        pytest.param(
            [
                wrote(1, 2, "e1"),
                deleted(3, 4),
                saw(5, 6, None, client="c"),
                saw(7, 8, "e1", client="c"),
            ],
            [],
            id="which absence was seen cannot be told",
        ),
        pytest.param(
            [wrote(1, 2, "e1"), deleted(3, 4, client="c"), saw(7, 8, "e1", client="c")],
            [RYW],
            id="an own delete is missed",
        ),
        pytest.param(
            [
                wrote(1, 2, "e1"),
                wrote(3, 4, "e2"),
                saw(5, 6, "e2", client="c"),
                call("set", 7, 8, "mismatch", expected="x", actual="e1", client="c"),
            ],
            [MR],
            id="a mismatch sees something older",
        ),
    ],
)
def test_what_breaks_a_guarantee(calls: list[Call], guarantees: list[Guarantee]) -> None:
    assert broken(*calls) == guarantees


def test_a_write_that_takes_its_place_before_what_was_read() -> None:
    # The chain says that e1 was there before e2.
    later = wrote(1, 2, "e2", "e1", client="a")
    read, write = saw(3, 4, "e2", client="c"), wrote(5, 6, "e1", client="c")
    (breach,) = check_sessions(history(later, read, write)).breaches
    assert breach.guarantee is WFR
    assert breach.witnesses == (read, write)
    assert "wrote ETag 'e1' of key 'k' (call 5)" in breach.message


def test_a_write_that_takes_its_place_before_an_own_one() -> None:
    first, second = wrote(1, 2, "e2", "e1", client="c"), wrote(3, 4, "e1", client="c")
    assert broken(first, second) == [MW]


def test_a_breach_names_both_calls() -> None:
    first, second = saw(5, 6, "e2", client="c"), saw(7, 8, "e1", client="c~2")
    report = check_sessions(history(wrote(1, 2, "e1"), wrote(3, 4, "e2"), first, second))
    (breach,) = report.breaches
    assert breach.witnesses == (first, second)
    assert (breach.session, breach.key) == ("c", "k")
    assert "saw ETag 'e1' of key 'k' (call 7)" in breach.message
    assert not report.kept


# --- what keeps them ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "calls",
    [
        pytest.param(
            [
                wrote(1, 2, "e1"),
                wrote(3, 4, "e2"),
                saw(5, 6, "e2", client="c"),
                saw(7, 8, "e1", client="d"),
            ],
            id="other sessions do not count",
        ),
        pytest.param(
            [wrote(1, 2, "e1", client="c"), saw(3, 4, None, key="other", client="c")],
            id="other keys do not count",
        ),
        pytest.param(
            [
                wrote(1, 2, "e1"),
                wrote(3, 4, "e2"),
                saw(5, 8, "e2", client="c"),
                saw(7, 9, "e1", client="c"),
            ],
            id="calls at the same time do not count",
        ),
        pytest.param(
            [
                wrote(1, 2, "e1"),
                unknown(wrote(3, 4, "e2", client="c")),
                saw(5, 6, "e1", client="c~2"),
            ],
            id="an unknown write may come later",
        ),
        pytest.param(
            [wrote(1, 2, "e1", client="c", ttl=5), saw(3, 4, None, client="c")],
            id="it may have expired",
        ),
        pytest.param(
            [
                wrote(1, 2, "e1", client="c"),
                call("set", 3, 4, "fail", etag="e2", client="c"),
                saw(5, 6, "e1", client="c"),
            ],
            id="a failed write is none",
        ),
    ],
)
def test_what_breaks_none(calls: list[Call]) -> None:
    report = check_sessions(history(*calls))
    assert report.breaches == []
    assert set(report.undecided.values()) == {0}


def test_an_initial_value() -> None:
    before = saw(1, 2, None, client="c")
    old = call("get", 5, 6, value="v0", found=True, client="c")
    assert broken(wrote(3, 4, "e1", client="c"), old, initial="v0") == [RYW]
    assert broken(before, wrote(3, 4, "e1", client="c")) == []


# --- what cannot be told ------------------------------------------------------------------------


def blind() -> list[Call]:
    """Two writes at the same time, and a session that sees one and then the other."""
    return [
        wrote(1, 9, "e1", client="a"),
        wrote(2, 8, "e2", client="b"),
        saw(10, 11, "e2", client="c"),
        saw(12, 13, "e1", client="c"),
    ]


def test_blind_writes_at_the_same_time_have_no_order() -> None:
    report = check_sessions(history(*blind()))
    assert report.breaches == []
    assert report.undecided[MR] == 1


def test_the_order_of_a_certificate_settles_it() -> None:
    one, other, first, second = blind()
    kept = check_sessions(history(*blind()), certified(other, first, one, second))
    assert kept.undecided[MR] == 0
    # That one order breaks it says nothing: another may keep it.
    open_ = check_sessions(history(*blind()), certified(one, second, other, first))
    assert (open_.breaches, open_.undecided[MR]) == ([], 1)


def test_a_session_that_sees_both_ways_is_never_broken_by_guessing() -> None:
    calls = [*blind(), saw(14, 15, "e2", client="c"), saw(16, 17, "e1", client="c")]
    assert broken(*calls) == []


# --- against a definition -----------------------------------------------------------------------


def replicated(seed: int, *, guarantee: bool) -> History:
    """Reads from replicas that lag; with `guarantee`, sessions never go back."""
    random = Random(seed)
    calls: list[Call] = []
    versions: list[str] = []
    floor: dict[str, int] = {}
    clock = 0
    for _ in range(60):
        client = random.choice("abc")
        if not versions or random.random() < 0.3:
            versions.append(f"e{len(versions)}")
            calls.append(wrote(clock + 1, clock + 2, versions[-1], client=client))
            floor[client] = len(versions) - 1
        else:
            lowest = floor.get(client, 0) if guarantee else 0
            place = random.randrange(lowest, len(versions))
            calls.append(saw(clock + 1, clock + 2, versions[place], client=client))
            floor[client] = max(floor.get(client, 0), place)
        clock += 2
    return History(calls)


def by_definition(run: History) -> SessionReport:
    report = SessionReport([], dict.fromkeys(Guarantee, 0), dict.fromkeys(Guarantee, 0))
    for at, later in enumerate(run.calls):
        for guarantee, kind in ((RYW, "set"), (MR, "get")):
            own = [c for c in run.calls[:at] if c.client == later.client and c.kind == kind]
            if later.kind == "get" and own:
                report.checked[guarantee] += 1
                newest = max(int((c.etag or "")[1:]) for c in own)
                report.undecided[guarantee] += int((later.etag or "")[1:]) < newest
    return report


@pytest.mark.parametrize("seed", range(50))
def test_random_histories(seed: int) -> None:
    run = replicated(seed, guarantee=False)
    report, expected = check_sessions(run), by_definition(run)
    for guarantee in (RYW, MR):
        found = sum(breach.guarantee is guarantee for breach in report.breaches)
        assert found == expected.undecided[guarantee]
        assert report.checked[guarantee] == expected.checked[guarantee]
        assert report.undecided[guarantee] == 0
    assert check_sessions(replicated(seed, guarantee=True)).kept


@pytest.mark.parametrize("unknown", [0.0, 0.2])
@pytest.mark.parametrize("seed", range(40))
def test_a_linearizable_history_keeps_them(seed: int, unknown: float) -> None:
    run = generate(Workload(operations=60, unknown=unknown, deletes=0.4, seed=seed))
    report = check_sessions(run)
    assert report.kept
    assert report.checked[MR] + report.checked[RYW] > 0
    if not unknown:  # the order of the checker's tells what the answers leave open
        settled = check_sessions(run, check_versioned(run))
        assert set(settled.undecided.values()) == {0}

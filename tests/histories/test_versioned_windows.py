"""Trouble in a long history: decided by a window around it."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from etagere.histories.history import Call, History, Kind, Status
from etagere.histories.limits import Limits
from etagere.histories.synthetic import Workload, generate
from etagere.histories.verdicts import Answer
from etagere.histories.versioned import check_key, check_versioned
from etagere.histories.versioned.chains import link
from etagere.histories.versioned.clusters import Clusters
from etagere.histories.versioned.gathering import gather
from etagere.histories.versioned.surroundings import Surroundings
from tests.histories.calls import call, deleted, wrote

LENGTH = 2000
STEP = 100


def long_history(trouble: list[Call], shift: int) -> list[Call]:
    """Writes one after the other, and in the middle, in place of one of them, some trouble."""
    calls = [wrote(number * STEP, number * STEP + 1, f"e{number}") for number in range(LENGTH)]
    moved = [_later(each, shift * STEP) for each in trouble]
    return [*calls[:shift], *moved, *calls[shift + 1 :]]


def _later(each: Call, shift: int) -> Call:
    return call(
        each.kind,
        each.start + shift,
        each.finish + shift,
        each.status,
        **{
            name: getattr(each, name)
            for name in ("expected", "value", "etag", "found", "actual", "client")
        },
    )


# Four creations and three deletes at once: which one follows which is left open.
TURNS = [
    *(wrote(1 + number, 40 + number, f"t{number}", "") for number in range(1, 5)),
    *(deleted(5 + number, 50 + number) for number in range(1, 4)),
]
BEFORE = deleted(0, 1)


def test_a_window_finds_the_order() -> None:
    refused = [
        call("set", 60, 61, "mismatch", expected=""),
        call("get", 62, 63, value="T2", etag="t2", found=True),
    ]
    verdict = check_key("k", long_history([BEFORE, *TURNS, *refused], LENGTH // 2))
    assert verdict.answer is Answer.YES
    assert verdict.method in ("certificate", "windows")


@pytest.mark.timeout(30)  # A search of the whole key would take minutes.
def test_a_window_proves_that_there_is_none() -> None:
    fifth = wrote(10, 45, "t5", "")
    calls = long_history([BEFORE, *TURNS, fifth], LENGTH // 2)
    verdict = check_key("k", calls)
    assert verdict.answer is Answer.NO
    assert verdict.findings[0].witnesses
    assert all(witness in calls for witness in verdict.findings[0].witnesses)


@pytest.mark.parametrize("clients", [4, 12])
def test_deletes_hardly_ever_need_more_than_a_window(clients: int) -> None:
    history = generate(
        Workload(operations=6000, clients=clients, deletes=0.3, unknown=0, telling=1, seed=clients)
    )
    verdict = check_versioned(history).keys["k0"]
    assert verdict.answer is Answer.YES
    assert verdict.method in ("certificate", "windows")


def test_many_unanswered_writes_do_not_lead_to_a_search_of_everything() -> None:
    history = generate(
        Workload(operations=6000, clients=8, deletes=0.1, unknown=0.2, telling=1, seed=2)
    )
    verdict = check_versioned(history).keys["k0"]
    assert verdict.answer is Answer.YES
    assert verdict.method in ("certificate", "windows")


@pytest.mark.parametrize("seed", range(4))
def test_windows_raise_no_false_alarms(seed: int) -> None:
    """A relaxed window must have every unanswered write that may belong there."""
    history = generate(
        Workload(operations=8000, clients=8, unknown=0.01, eventual=0.8, deletes=0.3, seed=seed)
    )
    assert check_versioned(history).answer is Answer.YES


def test_etags_of_unanswered_writes_find_their_writers() -> None:
    """Mismatches tell etags that no write is known to have made: any unanswered one may have."""
    history = generate(
        Workload(operations=6000, clients=8, deletes=0.1, unknown=0.1, telling=1, seed=4)
    )
    calls = [
        replace(each, etag=None) if each.status is Status.INFO else each for each in history.calls
    ]
    told = {each.etag for each in calls if each.kind in (Kind.SET, Kind.GET)}
    assert any(each.actual and each.actual not in told for each in calls)
    verdict = check_versioned(History(calls)).keys["k0"]
    assert verdict.answer is Answer.YES
    assert verdict.method in ("certificate", "windows")


def test_a_refusal_for_no_reason_is_found_among_many_calls() -> None:
    history = generate(
        Workload(operations=6000, clients=6, deletes=0.0, unknown=0, telling=1, seed=9)
    )
    calls = list(history.calls)
    reads = [each for each in calls[2000:] if each.kind == "get" and each.found]
    middle = next(each for each in reads if _is_surrounded(each, reads))
    false = call("delete", *middle.span, "mismatch", key="k0", expected=middle.etag)
    index = calls.index(middle)
    verdict = check_versioned(History([*calls[:index], false, *calls[index + 1 :]]))
    assert verdict.answer is Answer.NO
    assert any(false in finding.witnesses for finding in verdict.findings)


def _is_surrounded(each: Call, reads: list[Call]) -> bool:
    same = [read for read in reads if read.etag == each.etag]
    before = any(read.finish < each.start for read in same)
    return before and any(each.finish < read.start for read in same)


def test_writes_change_places_to_make_room_for_the_writer_of_an_etag() -> None:
    """The order may have used up the only write that can have made an etag that was seen."""
    history = generate(Workload(operations=100_000, clients=8, unknown=0.01, seed=0))
    assert check_versioned(history, Limits(seconds=20)).answer is Answer.YES


def test_a_window_looks_at_all_that_is_near_and_at_little_else() -> None:
    history = generate(Workload(operations=5000, clients=6, unknown=0.02, seed=3))
    clusters = Clusters(None)
    gather(clusters, history.calls, ends=float("inf"))
    clusters.heads, in_order = link(clusters.versions)
    assert in_order
    near = Surroundings(clusters)
    for after in range(-1, 10_000, 61):
        end = after + 40
        found = near.versions(after, end)
        wanted = [
            version
            for version in clusters.versions
            if version.start <= end and max(version.deadline, version.last) >= after
        ]
        assert {id(version) for version in wanted} <= {id(version) for version in found}
        assert len(found) <= 100 < len(clusters.versions) / 10

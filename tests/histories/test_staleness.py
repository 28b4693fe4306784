"""How stale reads were: by hand, and against the definition."""

from __future__ import annotations

from random import Random

import pytest

from etagere.histories.history import NEVER, Call, Kind
from etagere.histories.staleness import at_percentiles, measure_staleness
from etagere.histories.synthetic import Workload, generate
from tests.histories.calls import call, deleted, history, saw, unknown, wrote


def stale(*calls: Call) -> list[tuple[int, int, int]]:
    """Each read by its start: how many versions behind, and for how long."""
    reads = measure_staleness(history(*calls)).reads
    return [(read.call.start, read.behind, read.age) for read in reads]


@pytest.mark.parametrize(
    ("calls", "expected"),
    [
        pytest.param([wrote(1, 2, "a"), saw(3, 4, "a")], [(3, 0, 0)], id="the newest"),
        pytest.param(
            [wrote(1, 2, "a"), wrote(3, 4, "b"), saw(9, 10, "a")], [(9, 1, 5)], id="one behind"
        ),
        pytest.param(
            [wrote(1, 2, "a"), wrote(3, 4, "b"), wrote(5, 6, "c"), saw(9, 10, "a")],
            [(9, 2, 5)],
            id="two behind, since the first of them",
        ),
        pytest.param(
            [wrote(1, 2, "a"), wrote(3, 20, "b"), saw(9, 10, "a")],
            [(9, 0, 0)],
            id="not observed yet",
        ),
        pytest.param(
            [wrote(1, 2, "a"), unknown(wrote(3, 4, "b")), saw(5, 6, "b"), saw(9, 10, "a")],
            [(5, 0, 0), (9, 1, 3)],
            id="observed by another read only",
        ),
        pytest.param(
            [wrote(1, 9, "b", "a"), saw(2, 3, "b"), saw(4, 5, "a")],
            [(2, 0, 0), (4, 1, 1)],
            id="a chain tells although nothing else does",
        ),
        pytest.param(
            [wrote(1, 9, "a"), wrote(2, 8, "b"), saw(10, 11, "a"), saw(12, 13, "b")],
            [(10, 0, 0), (12, 0, 0)],
            id="blind writes at the same time",
        ),
        pytest.param(
            [wrote(1, 2, "a"), saw(5, 6, None)], [(5, 1, 3)], id="nothing, though it was written"
        ),
        pytest.param(
            [wrote(1, 2, "a"), deleted(3, 4), saw(5, 6, None), saw(9, 10, "a")],
            [(5, 0, 0), (9, 1, 5)],
            id="a delete is a version",
        ),
        pytest.param([saw(1, 2, None)], [(1, 0, 0)], id="nothing at all"),
    ],
)
def test_by_hand(calls: list[Call], expected: list[tuple[int, int, int]]) -> None:
    assert stale(*calls) == expected


def test_what_cannot_be_told() -> None:
    unnamed = call("get", 3, 4, found=True)
    report = measure_staleness(history(wrote(1, 2, "a", ttl=9), saw(5, 6, None), unnamed))
    assert (report.reads, report.untold) == ([], 2)


def test_each_key_alone() -> None:
    assert stale(wrote(1, 2, "a"), wrote(3, 4, "b", key="l"), saw(5, 6, "a")) == [(5, 0, 0)]


def test_the_distribution() -> None:
    old = [saw(100 + 2 * n, 101 + 2 * n, "a") for n in range(10)]
    new = [saw(200 + 2 * n, 201 + 2 * n, "b") for n in range(90)]
    report = measure_staleness(history(wrote(1, 2, "a"), wrote(3, 4, "b"), *old, *new))
    assert len(report.stale) == 10
    assert report.behind((50, 90, 91, 100)) == {50: 0, 90: 0, 91: 1, 100: 1}
    assert report.age((90, 91, 100)) == {90: 0, 91: 96, 100: 114}
    assert at_percentiles([], (50,)) == {}


def random_run(seed: int) -> list[Call]:
    """Conditional and blind writes, some at the same time, and reads of any of them."""
    random = Random(seed)
    calls: list[Call] = []
    etags: list[str] = []
    for number in range(40):
        start = number * 3 + random.randrange(3)
        finish = start + random.randrange(1, 12)
        if not etags or random.random() < 0.4:
            expected = random.choice([None, etags[-1]]) if etags else None
            etags.append(f"e{number}")
            written = wrote(start, finish, etags[-1], expected)
            calls.append(written if random.random() < 0.8 else unknown(written))
        else:
            calls.append(saw(start, finish, random.choice(etags)))
    return calls


@pytest.mark.parametrize("seed", range(60))
def test_a_linearizable_history_has_no_stale_reads(seed: int) -> None:
    run = generate(Workload(operations=60, clients=4, unknown=0.2, deletes=0.4, seed=seed))
    assert measure_staleness(run).stale == []


def by_definition(calls: list[Call]) -> list[tuple[int, int, int]]:
    writes = {c.etag: c for c in calls if c.kind is Kind.SET}
    above: dict[str | None, set[str | None]] = {etag: {etag} for etag in writes}
    for _ in writes:
        for etag, written in writes.items():
            if written.expected:
                above[written.expected] |= above[etag]
    known = {
        etag: min((c.finish for c in calls if c.etag in above[etag]), default=NEVER)
        for etag in writes
    }
    begun = {
        etag: max(writes[below].start for below in writes if etag in above[below])
        for etag in writes
    }
    told: list[tuple[int, int, int]] = []
    for read in calls:
        if read.kind is Kind.GET:
            newer = [
                etag
                for etag in writes
                if etag != read.etag
                and (known[read.etag] < begun[etag] or etag in above[read.etag])
                and known[etag] < read.start
            ]
            since = min((known[etag] for etag in newer), default=read.start)
            told.append((read.start, len(newer), read.start - since))
    return told


@pytest.mark.parametrize("seed", range(100))
def test_random_histories(seed: int) -> None:
    calls = random_run(seed)
    assert sorted(stale(*calls)) == sorted(by_definition(calls))

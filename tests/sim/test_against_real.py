"""What the benchmark of stale reads makes of delays, and that real servers behave alike."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt

import pytest

from benchmarks.staleness.delays import Legs, legs_of
from benchmarks.staleness.postgres import replicated_postgres
from benchmarks.staleness.prediction import by_formula, by_messages
from benchmarks.staleness.results import Row, report_of
from benchmarks.staleness.trials import Bench, Copy, Found, Mode, Observed, Sizes, Subject
from benchmarks.staleness.valkey import replicated_valkey

ANY_1 = Mode("ANY 1", acks=1)
WRITTEN = 1000.0
"""When writes returned, and were let go of just before."""
REPLY = 0.5


def found(mode: Mode, *delays: tuple[float, float], ack: float = 1.0) -> Found:
    """Return what is found where replies take half a millisecond, and writes to be kept and to be
    shown on each replica take this long."""
    let_go = WRITTEN - REPLY
    copies = [Copy(let_go + kept, let_go + shown) for kept, shown in delays]
    told = [Observed(copy.kept + ack + REPLY, copies) for copy in copies]
    seen = Found(mode, streams=[Observed(WRITTEN, copies)])
    seen.acks = [[each] for each in told] if mode.acks else seen.acks
    seen.ways.primary.append(REPLY)
    for place in range(2):
        seen.ways.requests[place].append(0.25)
        seen.ways.replies[place].append(0.25)
    return seen


def legs(mode: Mode, *delays: tuple[float, float]) -> Legs:
    return legs_of(found(mode, *delays))


@pytest.mark.parametrize(
    ("pause", "stale"), [(0.0, 1.0), (2.0, 1.0), (2.5, 0.5), (8.0, 0.5), (8.5, 0.0)]
)
def test_a_read_is_stale_until_the_replica_shows_the_write(pause: float, stale: float) -> None:
    # They show it 3 and 9 ms after it was let go; a read comes 0.75 ms and its pause after that.
    mode = Mode("local")
    delays = legs(mode, (3.0, 3.0), (9.0, 9.0))
    assert by_messages(mode, delays, [pause], 10) == pytest.approx(stale)
    assert by_formula(mode, delays, [pause]) == pytest.approx(stale, abs=0.01)


@pytest.mark.parametrize(("pause", "stale"), [(0.0, 0.5), (4.0, 0.5), (4.5, 0.0)])
def test_who_waits_for_any_one_reads_stale_from_the_other(pause: float, stale: float) -> None:
    # The caller is told 4.5 ms after the write was let go, and the slower one shows it after 9 ms.
    delays = legs(ANY_1, (3.0, 3.0), (9.0, 9.0))
    assert by_messages(ANY_1, delays, [pause], 10) == pytest.approx(stale)
    assert by_formula(ANY_1, delays, [pause]) == pytest.approx(stale, abs=0.01)


@pytest.mark.parametrize(("pause", "stale"), [(0.0, 1.0), (2.5, 0.5), (5.0, 0.0)])
def test_who_acknowledges_what_is_kept_shows_it_later(pause: float, stale: float) -> None:
    # The caller is told after 4.5 ms, and the replicas show it after 7 and 9 ms.
    mode = Mode("on", acks=1, kept=True)
    delays = legs(mode, (3.0, 7.0), (9.0, 9.0))
    assert by_formula(mode, delays, [pause]) == pytest.approx(stale, abs=0.01)


def test_replicas_that_are_slow_together_give_fewer_stale_reads() -> None:
    quick, slow = found(ANY_1, (1.0, 1.0), (1.0, 1.0)), found(ANY_1, (9.0, 9.0), (9.0, 9.0))
    quick.streams += slow.streams
    delays = legs_of(quick)
    assert by_formula(ANY_1, delays, [0.0], together=True) == pytest.approx(0.0)
    # Half of the time one is slow and the other is not.
    assert by_formula(ANY_1, delays, [0.0]) == pytest.approx(0.25, abs=0.01)
    assert by_messages(ANY_1, delays, [0.0], 2000) == pytest.approx(0.25, abs=0.05)


async def rows_of(subject: Subject, mode: Mode, trials: int) -> Sequence[Row]:
    """Return a small measurement in a mode, with its predictions."""
    seen = Found(mode)
    await Bench(subject, Sizes(trials, delays=trials), lambda: None).play(seen)
    return report_of(subject.name, seen, 1000).rows


@pytest.mark.anyio
async def test_valkey_behind_slow_links_is_as_stale_as_predicted() -> None:
    firsts: list[float] = []
    async with replicated_valkey() as subject:
        for mode in subject.modes:
            at_once, soon, late = await rows_of(
                subject, Mode(mode.name, mode.acks, times=(0.0, 5.0, 60.0)), 40
            )
            # Five standard errors, of the trials and of as many delays.
            for row in (at_once, soon, late):
                assert row.predicted == pytest.approx(row.stale, abs=5 * sqrt(0.5 / 40))
            assert late.stale < 0.2
            firsts.append(at_once.stale)
    # No link is quicker than 2 ms. Who waits for one replica reads from it half of the time.
    eventual, waited = firsts
    assert eventual > 0.8
    assert waited < 0.8


@pytest.mark.anyio
async def test_postgres_shows_late_what_nobody_waits_to_be_flushed() -> None:
    async with replicated_postgres() as subject:
        mode = Mode("off", times=(0.0, 500.0), gap=50.0)
        at_once, late = await rows_of(subject, mode, 8)
    assert at_once.stale > 0.5
    assert at_once.predicted > 0.5
    assert late.stale == 0.0
    assert late.predicted < 0.5

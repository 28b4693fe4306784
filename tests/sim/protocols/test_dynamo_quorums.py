"""N, R and W: how many messages, how long, and how often a read misses a write."""

from __future__ import annotations

from math import comb, sqrt

import pytest

from etagere import contract
from etagere.errors import Interrupted, NotSupported, Unavailable
from etagere.operations import (
    ABSENT,
    ANYTHING,
    KEEP,
    Conflict,
    Consistency,
    Operation,
    Outcome,
    Read,
    Record,
    Remove,
    Touch,
    Transaction,
    Write,
)
from etagere.urls import Options
from etagere_sim.cluster import Cluster
from etagere_sim.protocols import protocol_of
from etagere_sim.world.faults import Cut
from etagere_sim.world.latency import Latency, latency_of
from etagere_sim.world.world import World
from tests.sim.protocols.plans import STEADY

EVENTUAL, STRONG = Consistency.EVENTUAL, Consistency.STRONG


class Bench:
    """A cluster with one client, whose operations are done one after the other."""

    def __init__(self, settings: str, latency: Latency = STEADY, seed: int = 1) -> None:
        self.world = World(seed, latency)
        self.cluster = Cluster(
            self.world, protocol_of(Options(f"sim://?protocol=dynamo&{settings}"))
        )
        self.host = self.cluster.client("c1")

    def do(self, operation: Operation, level: Consistency = EVENTUAL) -> Outcome:
        """Do one operation to its end."""
        task = self.host.spawn(self.cluster.coordinators["c1"].perform(operation, level))
        self.world.agenda.run(lambda: task.done)
        assert not isinstance(task.result, BaseException) or isinstance(
            task.result, NotSupported | Unavailable | Interrupted
        )
        return task.result

    def wait(self, milliseconds: float) -> None:
        """Let time pass."""
        until = self.world.agenda.now + milliseconds
        self.world.agenda.at(until, "", lambda _: None)
        self.world.agenda.run(lambda: self.world.agenda.now >= until)

    def holders(self, key: str) -> list[str]:
        """Return the replicas that have a value."""
        return [
            name for name, replica in self.cluster.replicas.items() if replica.records().get(key)
        ]


def write(key: str = "k", etag: str = "e", expected: str | None = ANYTHING) -> Write:
    return Write(key, b"value of " + etag.encode(), etag, expected)


# --- what goes to whom --------------------------------------------------------------------------


@pytest.mark.parametrize(("n", "r", "w"), [(3, 1, 1), (3, 2, 2), (5, 1, 4), (1, 1, 1)])
def test_a_write_and_a_read_are_four_messages_for_each_replica_and_no_more(
    n: int, r: int, w: int
) -> None:
    bench = Bench(f"n={n}&r={r}&w={w}&timeout=50")
    bench.do(write())
    bench.do(Read("k"))
    before = bench.world.agenda.steps
    bench.wait(10.0)
    in_flight = bench.world.agenda.steps - before - 1

    assert before + in_flight == 4 * n


def test_each_waits_for_so_many_and_no_more() -> None:
    late = Cut(0.0, 500.0, sources=("c1",), targets=("r2", "r3"))
    for settings, done in [("r=1&w=1", True), ("r=1&w=2", False)]:
        bench = Bench(f"{settings}&timeout=0.05")
        late.schedule(bench.world)
        bench.wait(1.0)
        outcome = bench.do(write())
        assert (outcome is True) is done
        assert done or isinstance(outcome, Interrupted)
        assert isinstance(bench.do(Read("k")), Record)

    bench = Bench("r=2&timeout=0.05")
    late.schedule(bench.world)
    bench.wait(1.0)
    began = bench.world.agenda.now
    assert isinstance(bench.do(Read("k")), Unavailable)
    assert bench.world.agenda.now - began == pytest.approx(50.0)


@pytest.mark.parametrize(("n", "w"), [(3, 1), (3, 2), (5, 2)])
def test_quorums_that_do_not_expand_are_random_subsets(n: int, w: int) -> None:
    bench = Bench(f"n={n}&w={w}&expanding=off")
    seen: set[tuple[str, ...]] = set()
    for number in range(100):
        bench.do(write(f"k{number}"))
        bench.wait(10.0)
        assert len(bench.holders(f"k{number}")) == w
        seen.add(tuple(bench.holders(f"k{number}")))

    assert len(seen) == comb(n, w)


# --- probabilistically bounded staleness --------------------------------------------------------


def misses(bench: Bench, trials: int, after: float) -> float:
    """Return how often a read misses a write that was over some milliseconds before."""
    missed = 0

    async def play() -> None:
        nonlocal missed
        coordinator = bench.cluster.coordinators["c1"]
        for number in range(trials):
            await coordinator.perform(write(f"k{number}"), EVENTUAL)
            await bench.host.sleep(after)
            missed += await coordinator.perform(Read(f"k{number}"), EVENTUAL) is None

    task = bench.host.spawn(play())
    bench.world.agenda.run(lambda: task.done)
    return missed / trials


@pytest.mark.parametrize(("n", "r", "w"), [(3, 1, 1), (3, 1, 2), (5, 2, 2), (3, 2, 2)])
def test_quorums_that_do_not_expand_miss_each_other_as_the_closed_form_says(
    n: int, r: int, w: int
) -> None:
    trials = 1000
    chance = comb(n - w, r) / comb(n, r)
    bench = Bench(f"n={n}&r={r}&w={w}&expanding=off")

    error = 4 * sqrt(chance * (1 - chance) / trials)
    assert misses(bench, trials, 5.0) == pytest.approx(chance, abs=error)


@pytest.mark.parametrize(
    ("r", "w", "after", "fresh"),
    [(1, 1, 0.0, 0.4367), (1, 1, 10.0, 0.9262), (2, 1, 0.0, 0.7628), (1, 2, 0.0, 0.7129)],
)
def test_quorums_that_expand_do_what_wars_says(r: int, w: int, after: float, fresh: float) -> None:
    # The published model of LinkedIn's disks; the shares are those of an exact evaluation of WARS.
    trials = 2000
    bench = Bench(f"r={r}&w={w}", latency_of("lnkd-disk"))

    error = 4 * sqrt(fresh * (1 - fresh) / trials)
    assert 1 - misses(bench, trials, after) == pytest.approx(fresh, abs=error)


# --- what it can do, and what it cannot ---------------------------------------------------------


def test_it_refuses_what_it_cannot_do() -> None:
    bench = Bench("r=2&w=2")

    for refused in [
        bench.do(write(), STRONG),
        bench.do(Read("k"), STRONG),
        bench.do(write(expected=ABSENT)),
        bench.do(Remove("k", "e")),
        bench.do(Touch("k", 100, "e")),
        bench.do(Transaction((write(),))),
    ]:
        assert isinstance(refused, NotSupported)
    bench.wait(10.0)
    assert bench.holders("k") == []


@pytest.mark.parametrize("level", [EVENTUAL, STRONG])
def test_unsafe_it_reads_checks_and_writes(level: Consistency) -> None:
    bench = Bench("r=2&w=2&unsafe=1")

    assert bench.do(write(etag="e1", expected=ABSENT), level) is True
    assert bench.do(write(etag="e2", expected=ABSENT), level) == Conflict("e1")
    assert bench.do(write(etag="e2", expected="e1"), level) is True
    assert bench.do(write(etag="e2", expected="e1"), level) is True  # in place already
    assert bench.do(Remove("k", "e1"), level) == Conflict("e2")
    assert bench.do(Remove("k", "e2"), level) is True
    assert bench.do(Remove("k", ABSENT), level) is False
    assert bench.do(Read("k"), level) is None
    assert isinstance(bench.do(Transaction((write(),)), level), NotSupported)


def test_strong_is_a_majority_whatever_r_and_w() -> None:
    bench = Bench("n=5&r=1&w=1&unsafe=1&timeout=0.05")
    Cut(0.0, 500.0, sources=("c1",), targets=("r1", "r2", "r3")).schedule(bench.world)
    bench.wait(1.0)

    assert bench.do(write()) is True
    assert isinstance(bench.do(write()), bool)
    assert isinstance(bench.do(write(), STRONG), Interrupted)
    assert isinstance(bench.do(Read("k"), STRONG), Unavailable)
    assert isinstance(bench.do(write(expected="e0"), STRONG), Unavailable)


def test_a_delete_tells_what_the_replicas_had() -> None:
    bench = Bench("w=3")

    assert bench.do(Remove("k")) is False
    assert bench.do(write()) is True
    assert bench.do(Remove("k")) is True
    assert bench.do(Read("k")) is None


def test_keys_expire_on_the_clients_clock() -> None:
    bench = Bench("r=3&w=3")
    assert bench.do(Write("k", b"1", "e1", ANYTHING, 100)) is True
    expires_at = bench.host.now() + 100
    found = bench.do(Read("k"))
    assert isinstance(found, Record)
    assert found.expires_at is not None
    assert abs(found.expires_at - expires_at) <= 6

    kept = bench.do(Write("k", b"2", "e2", ANYTHING, KEEP))
    assert kept is True
    assert bench.do(Read("k")) == Record(b"2", "e2", found.expires_at)
    assert bench.do(Touch("k", 1000)) is True
    touched = bench.do(Read("k"))
    assert isinstance(touched, Record)
    assert contract.is_expired(touched.expires_at, bench.host.now() + 1000)
    assert not contract.is_expired(touched.expires_at, bench.host.now() + 900)
    bench.wait(1000.0)
    assert bench.do(Read("k")) is None
    assert bench.do(Touch("k", 1000)) is False

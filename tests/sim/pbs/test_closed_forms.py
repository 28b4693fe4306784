from __future__ import annotations

from math import sqrt

import pytest

from etagere.errors import InvalidArgument
from etagere.operations import ANYTHING, Consistency, Read, Record, Write
from etagere_sim.cluster import Cluster
from etagere_sim.pbs.cells import Cell
from etagere_sim.pbs.closed_forms import (
    missed,
    monotonic_reads,
    within_versions,
    within_versions_and_time,
)
from etagere_sim.protocols.dynamo.knobs import Knobs
from etagere_sim.protocols.dynamo.replication import Dynamo
from etagere_sim.world.latency import latency_of
from etagere_sim.world.world import World

CONSTANT = latency_of("constant:1")


def cell_of(n: int, r: int, w: int) -> Cell:
    return Cell(CONSTANT, n, r, w)


@pytest.mark.parametrize(
    ("n", "r", "w", "versions", "published"),
    [
        (3, 1, 1, 2, 0.5556),
        (3, 1, 1, 3, 0.7037),
        (3, 1, 1, 5, 0.8683),
        (3, 1, 1, 10, 0.9827),
        (3, 1, 2, 1, 0.6667),
        (3, 2, 1, 2, 0.8889),
        (3, 1, 2, 5, 0.99588),
    ],
)
def test_versions_as_published(n: int, r: int, w: int, versions: int, published: float) -> None:
    assert within_versions(cell_of(n, r, w), versions) == pytest.approx(published, abs=6e-5)


def test_chances_to_miss_a_write() -> None:
    assert missed(cell_of(100, 30, 30)) == pytest.approx(1.884e-6, rel=1e-3)
    assert missed(cell_of(2, 1, 1)) == pytest.approx(0.5)
    assert missed(cell_of(5, 1, 1)) == pytest.approx(0.8)
    assert missed(cell_of(5, 2, 2)) == pytest.approx(0.3)
    assert missed(cell_of(3, 2, 2)) == 0.0


def test_monotonic_reads() -> None:
    cell = cell_of(3, 1, 1)
    assert monotonic_reads(cell, 0) == pytest.approx(within_versions(cell, 1))
    assert monotonic_reads(cell, 2) == pytest.approx(within_versions(cell, 3))
    assert monotonic_reads(cell, 2, strict=True) == pytest.approx(within_versions(cell, 2))
    assert within_versions_and_time(0.5, 3) == pytest.approx(0.875)
    with pytest.raises(InvalidArgument, match="0 or more"):
        monotonic_reads(cell, -1)
    with pytest.raises(InvalidArgument, match="1 or more"):
        within_versions(cell, 0)


@pytest.mark.parametrize(("n", "r", "w"), [(3, 1, 1), (3, 1, 2), (5, 2, 2)])
def test_dynamo_that_does_not_expand_keeps_to_them(n: int, r: int, w: int) -> None:
    keys, versions = 1500, 4
    behind = play(Knobs(n=n, hosts=n, r=r, w=w, expanding=False), keys, versions)
    cell = cell_of(n, r, w)
    for last in range(1, versions):
        share = sum(age < last for age in behind) / keys
        expected = within_versions(cell, last)
        assert abs(share - expected) <= 4 * sqrt(expected * (1 - expected) / keys)


def play(knobs: Knobs, keys: int, versions: int) -> list[int]:
    """Write each key some times, read it once; return how many versions behind each read was."""
    world = World(11, CONSTANT)
    cluster = Cluster(world, Dynamo(knobs))
    client = cluster.client("c1")
    coordinator = cluster.coordinators["c1"]
    behind: list[int] = []

    async def session() -> None:
        for key in (f"k{number}" for number in range(keys)):
            for version in range(versions):
                write = Write(key, b"", str(version), ANYTHING)
                assert await coordinator.perform(write, Consistency.EVENTUAL) is True
            found = await coordinator.perform(Read(key), Consistency.EVENTUAL)
            newest = int(found.etag) if isinstance(found, Record) else -1
            behind.append(versions - 1 - newest)

    task = client.spawn(session())
    world.agenda.run(lambda: task.done)
    return behind

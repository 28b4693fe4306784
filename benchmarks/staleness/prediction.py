"""What share of reads is stale, by the simulator and by formula, given one-way delays."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from benchmarks.staleness.delays import BACKUPS, CLIENT, PRIMARY, Array, Legs, wires_of
from benchmarks.staleness.trials import PLACES, Mode
from etagere.operations import ANYTHING, Consistency, Read, Record, Write
from etagere_sim.cluster import Cluster
from etagere_sim.protocols.primary_backup import PrimaryBackup
from etagere_sim.protocols.primary_backup.knobs import Knobs
from etagere_sim.world.world import World

FOREVER: Final = 1e9
"""Milliseconds: nobody loses patience."""
REST: Final = 10_000.0
"""Milliseconds between trials, which all messages have come by."""
DRAWS: Final = 100_000


def predicted(mode: Mode, legs: Legs, pauses: Sequence[float], trials: int) -> float:
    """Return the share of stale reads that begin after one of these pauses."""
    if mode.kept:
        return by_formula(mode, legs, pauses)
    return by_messages(mode, legs, pauses, trials)


def by_messages(mode: Mode, legs: Legs, pauses: Sequence[float], trials: int) -> float:
    """Return the share that are stale in so many trials, played message by message."""
    knobs = Knobs(
        replicas=(PRIMARY, *BACKUPS),
        acks=mode.acks,
        failover="none",
        fencing=False,
        backup_reads=True,
        timeout=FOREVER,
        deadline=FOREVER,
    )
    world = World(0, wires_of(legs))
    cluster = Cluster(world, PrimaryBackup(knobs))
    client = cluster.client(CLIENT)
    coordinator, random = cluster.coordinators[CLIENT], world.stream("pauses")
    level = Consistency.STRONG if mode.acks else Consistency.EVENTUAL

    stale = 0

    async def session() -> None:
        nonlocal stale
        for number in range(trials):
            key = f"k{number}"
            await coordinator.perform(Write(key, b"", key, ANYTHING), level)
            await client.sleep(random.choice(pauses))
            found = await coordinator.perform(Read(key), Consistency.EVENTUAL)
            stale += type(found) is not Record
            await client.sleep(REST)

    task = client.spawn(session())
    world.agenda.run(lambda: task.done)
    return stale / trials


def by_formula(mode: Mode, legs: Legs, pauses: Sequence[float], *, together: bool = False) -> float:
    """Return the share that are stale by the condition of WARS (Bailis et al., VLDB 2012).

    A read is stale if it comes before the replica shows the write. A replica may acknowledge it
    earlier: W is not the same for its caller and for readers. `together`: both replicas' delays are
    those of one write, as they came; otherwise each is drawn by itself, as the simulator does.
    """
    random = np.random.default_rng(0)
    number = len(legs.streams[0])
    row = random.integers(number, size=DRAWS)
    acknowledged: list[Array] = []
    shown: list[Array] = []
    for place in PLACES:
        rows = row if together else random.integers(number, size=DRAWS)
        shown.append(legs.streams[place][rows])
        if mode.acks:
            said = legs.keeping[place] if mode.kept else legs.streams[place]
            acknowledged.append(said[rows] + random.choice(legs.acks[place], DRAWS))
    told = np.sort(acknowledged, axis=0)[mode.acks - 1] if mode.acks else np.zeros(DRAWS)
    begun = told + random.choice(legs.primary, DRAWS) + random.choice(np.array(pauses), DRAWS)
    late = [shown[place] > begun + random.choice(legs.requests[place], DRAWS) for place in PLACES]
    return float(np.mean(late))

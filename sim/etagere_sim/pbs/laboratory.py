"""Trials at message level: a fresh key each, a write, and reads some time after it returned.

The protocol runs as it is, on hosts of a world. What is watched is when each replica takes notice
of the write and of a read, and who answers the read first. From these follows since when the read
would have been fresh, had it begun then: so each read tells about every t, as in `montecarlo`.
That it was itself fresh or stale accordingly is checked each time.
"""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Final, NamedTuple

import numpy as np

from etagere.operations import ANYTHING, Consistency, Read, Record, Write
from etagere_sim.cluster import Cluster
from etagere_sim.pbs.laws import Array
from etagere_sim.pbs.watching import Watch
from etagere_sim.protocols.protocol import Coordinator, Replication
from etagere_sim.world.hosts import Host
from etagere_sim.world.latency import Everywhere, Sites
from etagere_sim.world.world import World

EVENTUAL: Final = Consistency.EVENTUAL
READS: Final = 2
"""Reads after each write. Who answers first is a matter of luck that more reads even out."""
CLOSE: Final = 1e-6
"""Milliseconds within which rounding may decide whether a read is fresh."""


class UnlikePbs(AssertionError):
    """A read was fresh though the write had come to nobody who answered, or stale though it had."""


class Reading(NamedTuple):
    """One read."""

    pause: float
    """How long after the write's return it began."""
    delays: dict[str, float]
    """How long it was on its way to each of the replicas whose answers it is made of."""
    took: float
    fresh: bool


class Trial(NamedTuple):
    """A write, and the reads after it."""

    key: str
    writer: Host
    began: float
    returned: float
    readings: list[Reading]


class Outcomes(NamedTuple):
    """What came of trials, a row for each."""

    since: Array
    """From how long after the write's return on each of the reads is fresh."""
    decisive: Array
    """How long the write took to the replica that decided that, but for the way between sites."""
    reads: Array
    """How long each of the reads took."""
    writes: Array
    delays: Array
    """How long the write took to each replica, but for the way between sites."""


class Laboratory:
    """A cluster in a world of its own, with a client at each site."""

    def __init__(
        self, replication: Replication, latency: Everywhere | Sites, answers: int, seed: int
    ) -> None:
        self._latency = latency
        self._answers = answers
        self._world = World(seed, latency)
        self._cluster = Cluster(self._world, replication)
        self._replicas = replication.replicas
        self._watch = Watch()
        for name in self._replicas:
            self._watch.replica(self._world.hosts[name])
        sites = len(latency.apart) if isinstance(latency, Sites) else 1
        self._clients = [self._cluster.client(f"c{site}") for site in range(1, sites + 1)]
        for client in self._clients:
            self._watch.client(client)

    def conduct(self, times: Sequence[float], number: int) -> Outcomes:
        """Carry out so many trials, reading after each of the times in turn."""
        trials: list[Trial] = []
        session = self._clients[0].spawn(self._session(times, number, trials))
        watch, everywhere = self._watch, number * len(self._replicas)
        self._world.agenda.run(lambda: watch.written >= everywhere and session.done)
        return self._outcomes(trials)

    async def _session(self, times: Sequence[float], number: int, trials: list[Trial]) -> None:
        random, agenda = self._world.stream("sites"), self._world.agenda
        for index in range(number):
            key, writer, began = f"k{index}", self._client(random), agenda.now
            written = await self._at(writer).perform(Write(key, b"", key, ANYTHING), EVENTUAL)
            assert written is True, written
            trial = Trial(key, writer, began, agenda.now, [])
            for pause in sorted(times[(index + read) % len(times)] for read in range(READS)):
                trial.readings.append(await self._read(trial, self._client(random), pause))
            trials.append(trial)

    async def _read(self, trial: Trial, reader: Host, pause: float) -> Reading:
        agenda, watch = self._world.agenda, self._watch
        ahead = trial.returned + pause - agenda.now
        if ahead > 0:
            await reader.sleep(ahead)
        began = agenda.now
        found = await self._at(reader).perform(Read(trial.key), EVENTUAL)
        delays = {name: watch.came[name] - began for name in watch.first(self._answers)}
        return Reading(began - trial.returned, delays, agenda.now - began, type(found) is Record)

    def _client(self, random: Random) -> Host:
        return self._clients[0] if len(self._clients) == 1 else random.choice(self._clients)

    def _at(self, host: Host) -> Coordinator:
        return self._cluster.coordinators[host.name]

    def _outcomes(self, trials: list[Trial]) -> Outcomes:
        since: list[list[float]] = []
        decisive: list[list[float]] = []
        delays: list[list[float]] = []
        for trial in trials:
            ways = self._ways(trial)
            fresh = [self._since(trial, reading) for reading in trial.readings]
            since.append([time for time, _ in fresh])
            decisive.append([ways[name] for _, name in fresh])
            delays.append(list(ways.values()))
        return Outcomes(
            np.array(since),
            np.array(decisive),
            np.array([[reading.took for reading in trial.readings] for trial in trials]),
            np.array([trial.returned - trial.began for trial in trials]),
            np.array(delays),
        )

    def _since(self, trial: Trial, reading: Reading) -> tuple[float, str]:
        """Return since when a read is fresh, thanks to which replica; look at whether it was."""
        wrote = self._watch.writes[trial.key]
        since, name = min(
            (wrote[name] - trial.returned - delay, name) for name, delay in reading.delays.items()
        )
        if reading.fresh != (reading.pause >= since) and abs(reading.pause - since) > CLOSE:
            raise UnlikePbs(
                f"a read {reading.pause:g} ms after its write was"
                f" {'fresh' if reading.fresh else 'stale'}, but by what came where and when,"
                f" it would be fresh from {since:g} ms on"
            )
        return since, name

    def _ways(self, trial: Trial) -> dict[str, float]:
        """Return how long the write took to each replica, but for the way between sites."""
        wrote, latency = self._watch.writes[trial.key], self._latency
        delays = {name: wrote[name] - trial.began for name in self._replicas}
        if not isinstance(latency, Sites):
            return delays
        ways = latency.apart[latency.site(trial.writer.name)]
        return {name: delay - ways[latency.site(name)] for name, delay in delays.items()}

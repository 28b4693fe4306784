"""Trouble from a seed: faults of every kind, at random times, on random hosts.

The data stays recoverable: bits flip only on fewer hosts than would make half of the replicas, and
all of it is over at a moment after which the cluster must recover.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Final, get_args

from msgspec import Struct

from etagere.errors import InvalidArgument
from etagere_sim.campaigns.runs import NONE, Trouble
from etagere_sim.kernel.streams import stream
from etagere_sim.world.faults import (
    BitFlipped,
    ClockDrifts,
    ClockStepped,
    Cut,
    Died,
    Disk,
    DiskError,
    DiskFails,
    Fault,
    Held,
    Paused,
    SentTwice,
    Slowed,
    Weather,
)

DISKS: Final[tuple[Disk, ...]] = get_args(Disk)
ERRORS: Final[tuple[DiskError, ...]] = get_args(DiskError)
MESSAGES: Final = "messages"
CUTS: Final = "cuts"
SPLITS: Final = 0.6
"""The share of runs with cuts in which also clients are on both sides of one."""
LIGHT: Final = (MESSAGES, CUTS, "pauses", "slow")
DRIZZLE: Final = Weather(lost=0.02, twice=0.01, late=0.02)
STORM: Final = Weather()


class Scene(Struct, frozen=True):
    """Whom trouble can befall, and until when."""

    replicas: tuple[str, ...]
    clients: tuple[str, ...]
    breakable: tuple[str, ...]
    """Replicas whose disks may go bad: the rest, more than half, has all the data."""
    operations: int
    """Of each client."""
    until: float

    def span(self, random: Random) -> tuple[float, float]:
        """Draw when a fault begins and when it ends."""
        begin = random.uniform(0.0, 0.7 * self.until)
        return begin, min(self.until, begin + 2.0 + random.expovariate(1 / 40))


def trouble_of(
    seed: int,
    kinds: Sequence[str],
    replicas: Sequence[str],
    clients: Sequence[str],
    operations: int,
) -> Trouble:
    """Return what goes wrong in the run of a seed, of the given kinds of faults."""
    if not kinds:
        return NONE
    random = stream(seed, "faults")
    until = random.uniform(60.0, 300.0)
    breakable = random.sample(replicas, (len(replicas) - 1) // 2)
    scene = Scene(tuple(replicas), tuple(clients), tuple(breakable), operations, until)
    light = set(kinds) <= set(LIGHT)
    structural = [kind for kind in kinds if kind != MESSAGES]
    faults: list[Fault] = []
    number = min(8, int(random.expovariate(1.0 if light else 0.4))) if structural else 0
    for _ in range(number):
        faults += KINDS[random.choice(structural)](scene, random)
    # Now and then none, so that a fault is also seen on its own.
    weather = None
    if MESSAGES in kinds and random.random() < 0.8:
        weather = DRIZZLE if light or random.random() < 0.5 else STORM
    if CUTS in kinds and random.random() < SPLITS:
        faults += _split(scene, random)
    return Trouble(faults, weather, until)


def kinds_of(words: str) -> tuple[str, ...]:
    """Read which kinds of faults there shall be: none, light, all, or a list of kinds."""
    if words == "none":
        return ()
    if words == "light":
        return LIGHT
    if words == "all":
        return (MESSAGES, *KINDS)
    kinds = tuple(dict.fromkeys(word.strip() for word in words.split(",")))
    for kind in kinds:
        if kind != MESSAGES and kind not in KINDS:
            known = ", ".join((MESSAGES, *KINDS))
            raise InvalidArgument(
                f"there are no faults {kind!r}; give none, light, all, or some of {known}"
            )
    return kinds


# --- what there is ------------------------------------------------------------------------------


def _cuts(scene: Scene, random: Random) -> list[Fault]:
    begin, end = scene.span(random)
    form = random.randrange(4)
    if form < 2:
        one, other = random.sample((*scene.replicas, *scene.clients), 2)
        return [Cut(begin, end, sources=(one,), targets=(other,), both=form == 1)]
    if form == 2:
        # All clients stay with the most of the replicas: they can go on.
        apart = random.sample(scene.replicas, random.randint(1, len(scene.breakable) or 1))
    else:
        least = len(scene.replicas) // 2 + 1
        apart = random.sample(scene.replicas, random.randint(least, len(scene.replicas)))
    rest = [name for name in (*scene.replicas, *scene.clients) if name not in apart]
    return [Cut(begin, end, sources=tuple(apart), targets=tuple(rest), both=True)]


def _split(scene: Scene, random: Random) -> list[Fault]:
    """Part the hosts in two, with clients on either side that go on as far as they are let.

    It comes early, when they have most to ask, and lasts until others take over from who is gone.
    Where one replica has an office, it is the first that holds it then: this one is left alone with
    clients every second time.
    """
    replicas, clients = scene.replicas, scene.clients
    alone = random.random() < 0.5
    here = [name for name in replicas[1:] if not alone and random.random() < 0.5]
    here += replicas[:1]
    here += random.sample(clients, random.randint(1, max(1, len(clients) - 1)))
    there = [name for name in (*replicas, *clients) if name not in here]
    begin = min(random.expovariate(1 / 10), 0.3 * scene.until)
    end = min(scene.until, begin + random.uniform(40.0, 200.0))
    both = alone or random.random() < 0.8
    return [Cut(begin, end, sources=tuple(here), targets=tuple(there), both=both)] if there else []


def _holds(scene: Scene, random: Random) -> list[Fault]:
    everybody = (*scene.replicas, *scene.clients)
    if random.random() < 0.5:
        begin, end = scene.span(random)
        source, target = random.sample(everybody, 2)
        return [Held(begin, end, sources=(source,), targets=(target,))]
    # Swizzle: clog some one by one, and let go of them in another order.
    clogged = random.sample(everybody, random.randint(2, len(everybody)))
    begin = random.uniform(0.0, 0.4 * scene.until)
    ends = [random.uniform(begin + 30.0, begin + 90.0) for _ in clogged]
    return [
        Held(
            begin + 30.0 * position / len(clogged),
            min(scene.until, ends[position]),
            sources=everybody,
            targets=(name,),
        )
        for position, name in enumerate(clogged)
    ]


def _pauses(scene: Scene, random: Random) -> list[Fault]:
    return [Paused(*scene.span(random), host=_anybody(scene, random))]


def _slow(scene: Scene, random: Random) -> list[Fault]:
    by = 2.0 + random.expovariate(1 / 20)
    return [Slowed(*scene.span(random), host=_anybody(scene, random), by=by)]


def _crashes(scene: Scene, random: Random) -> list[Fault]:
    disk = random.choice(DISKS)
    together = random.randint(1, len(scene.replicas)) if random.random() < 0.2 else 1
    begin, end = scene.span(random)
    return [
        Died(begin, end, host=host, disk=disk) for host in random.sample(scene.replicas, together)
    ]


def _disks(scene: Scene, random: Random) -> list[Fault]:
    why = random.choice(ERRORS)
    return [DiskFails(*scene.span(random), host=random.choice(scene.replicas), why=why)]


def _bits(scene: Scene, random: Random) -> list[Fault]:
    if not scene.breakable:
        return []
    return [BitFlipped(random.choice(scene.breakable), random.uniform(0.0, scene.until))]


def _clocks(scene: Scene, random: Random) -> list[Fault]:
    host = _anybody(scene, random)
    form = random.randrange(3)
    if form == 2:
        return [ClockDrifts(host, random.uniform(0.0, scene.until), rate=random.uniform(0.5, 2.0))]
    at = random.uniform(1.0, scene.until) if form else 0.0
    return [ClockStepped(host, at, by=random.choice((-1, 1)) * random.expovariate(1 / 100))]


def _retries(scene: Scene, random: Random) -> list[Fault]:
    client, number = random.choice(scene.clients), random.randint(1, max(1, scene.operations))
    return [SentTwice(client=client, number=number, after=random.expovariate(1 / 5))]


def _coordinators(scene: Scene, random: Random) -> list[Fault]:
    return [Died(*scene.span(random), host=random.choice(scene.clients))]


def _anybody(scene: Scene, random: Random) -> str:
    return random.choice((*scene.replicas, *scene.clients))


KINDS: Final[dict[str, Callable[[Scene, Random], list[Fault]]]] = {
    CUTS: _cuts,
    "holds": _holds,
    "pauses": _pauses,
    "slow": _slow,
    "crashes": _crashes,
    "disks": _disks,
    "bits": _bits,
    "clocks": _clocks,
    "retries": _retries,
    "coordinators": _coordinators,
}
"""The kinds of faults beside those of single messages."""

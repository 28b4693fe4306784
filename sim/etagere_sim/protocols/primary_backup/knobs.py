"""The settings of a primary and its backups."""

from __future__ import annotations

from math import inf
from typing import Literal, Self, TypeAlias, cast

from msgspec import Struct

from etagere.urls import Options
from etagere_sim.protocols import waiting

Failover: TypeAlias = Literal["offset", "timer", "none"]
MAJORITY = "majority"
OFF = "off"


class Knobs(Struct, frozen=True, kw_only=True):
    """How replicas and coordinators go about it. Times are in milliseconds."""

    replicas: tuple[str, ...]
    """The first is the primary to begin with."""
    acks: int
    """How many backups must have a write before a strong caller is told that it is done."""
    dirty: bool = False
    """Whether the primary shows a write before enough backups have it."""
    failover: Failover = "offset"
    """Who follows a primary that is not heard of: the first whose timer runs out, or only one whose
    log is as new as those of the others; or nobody."""
    fencing: bool = True
    """Whether terms bind: a vote of a majority makes a primary, replicas refuse the stream of an
    older one, and one that no majority hears stops serving."""
    backup_reads: bool = False
    """Whether eventual reads go to backups."""
    lease: float = 0.0
    """How long backups elect nobody after the primary was heard, so that it may serve reads without
    asking them. All depends on their clocks. 0: there is none."""
    fsync: bool = True
    """Whether a write is synced before anybody is told of it, or not before the next term."""
    timeout: float = 30.0
    """After which a primary that is not heard of counts as dead, by the shortest timer. It must be
    longer than a round trip, or nobody stays primary."""
    deadline: float = 2000.0
    """After which a coordinator gives an operation up."""

    @property
    def majority(self) -> int:
        """How many backups make a majority together with the primary."""
        return len(self.replicas) // 2

    @property
    def beat(self) -> float:
        """How often the primary lets itself be heard."""
        return self.timeout / 4

    @property
    def ack_wait(self) -> float:
        """How long a strong write waits for backups where nothing but their acks makes it safe."""
        return self.timeout / 2

    @property
    def is_safe(self) -> bool:
        """Whether what a strong caller was told holds whatever happens to fewer than half."""
        votes_count = self.failover != "timer" and self.acks >= self.majority
        return self.fencing and votes_count and self.fsync and not self.lease

    @classmethod
    def from_options(cls, options: Options, round_trip: float = 0.0) -> Self:
        """Take the settings out of a `sim://` URL; those left out are the safe ones."""
        number = options.integer("n", 3, least=1)
        failover = options.choice("failover", "offset", "timer", "none")
        knobs = cls(
            replicas=tuple(f"r{position}" for position in range(1, number + 1)),
            acks=_acks(options, number),
            dirty=options.choice("visible", "after", "before") == "before",
            failover=cast("Failover", failover),
            fencing=options.flag("fencing", default=True),
            backup_reads=options.choice("reads", "primary", "backup") == "backup",
            lease=_lease(options),
            fsync=options.flag("fsync", default=True),
            timeout=waiting.failover(options, round_trip),
            deadline=waiting.usual_deadline(round_trip),
        )
        if knobs.lease and not knobs.fencing:
            raise options.wrong("a lease holds off elections, which fencing=off knows nothing of")
        return knobs


def _acks(options: Options, number: int) -> int:
    word = options.text("acks", MAJORITY)
    if word == MAJORITY:
        return number // 2
    if not word.isdecimal() or int(word) >= number:
        raise options.wrong(
            f"acks={word!r} must be {MAJORITY!r} or how many of the {number - 1} backups must have"
            " a write before it is done"
        )
    return int(word)


def _lease(options: Options) -> float:
    word = options.text("lease", OFF)
    if word == OFF:
        return 0.0
    try:
        seconds = float(word)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds < inf:
        raise options.wrong(f"lease={word!r} must be {OFF!r} or a number of seconds more than 0")
    return 1000.0 * seconds

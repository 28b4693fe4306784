"""The settings of a cluster in the manner of Dynamo."""

from __future__ import annotations

from functools import cached_property
from typing import Literal, NoReturn, Self

from msgspec import Struct

from etagere.urls import Options
from etagere_sim.protocols import waiting
from etagere_sim.protocols.dynamo.ring import Ring
from etagere_sim.protocols.dynamo.versions import Merge, keep_siblings, keep_the_last

TEN_DAYS = 864_000.0
"""Seconds; how long Cassandra keeps tombstones unless it is told otherwise."""
OFF = "off"


class Knobs(Struct, frozen=True, kw_only=True, dict=True):
    """How a cluster goes about it. All times are in milliseconds."""

    n: int = 3
    hosts: int = 3
    r: int = 1
    w: int = 1
    versions: Literal["lww", "vector"] = "lww"
    repair: Literal["none", "async", "sync"] = "none"
    hints: bool = False
    sloppy: bool = False
    sync: float | None = None
    """Between two comparisons of the trees of two replicas; None: there are none."""
    grace: float = TEN_DAYS * 1000
    """For which a tombstone is kept, on the clocks of its writer and of the replica."""
    expanding: bool = True
    """Whether reads and writes are sent to all N, and not to a random R or W of them."""
    unsafe: bool = False
    """Whether strong calls and conditional writes are tried with what there is: quorums."""
    timeout: float = 10_000.0
    """After which an operation is given up."""
    patience: float = 60.0
    """After which a replica that did not answer has another host do its part."""
    handing_over: float = 100.0
    """Between two tries to hand over what is held for another host."""

    @cached_property
    def ring(self) -> Ring:
        """The hosts, on their ring."""
        return Ring([f"r{number}" for number in range(1, self.hosts + 1)], self.n)

    @property
    def majority(self) -> int:
        """How many of the replicas are more than half."""
        return self.n // 2 + 1

    @property
    def merge(self) -> Merge:
        """What becomes of versions that meet."""
        return keep_the_last if self.versions == "lww" else keep_siblings

    @classmethod
    def from_options(cls, options: Options, round_trip: float = 0.0) -> Self:
        """Take the settings out of a `sim://` URL."""
        n = options.integer("n", 3, least=1)
        knobs = cls(
            n=n,
            hosts=options.integer("hosts", n, least=n),
            r=_quorum(options, "r", n),
            w=_quorum(options, "w", n),
            versions="vector" if options.choice("versions", "lww", "vector") == "vector" else "lww",
            repair=_repair(options),
            hints=options.flag("hints"),
            sloppy=options.flag("sloppy"),
            sync=_period(options),
            grace=_grace(options),
            expanding=options.flag("expanding", default=True),
            unsafe=options.flag("unsafe"),
            timeout=options.seconds("timeout", 10.0) * 1000,
            patience=waiting.patience(options, round_trip),
        )
        if knobs.sloppy and knobs.hosts == n:
            raise options.wrong(f"sloppy=on needs hosts to stand in: more than the {n} of n={n}")
        return knobs


def _quorum(options: Options, name: str, n: int) -> int:
    size = options.integer(name, 1, least=1)
    if size > n:
        raise options.wrong(f"{name}={size} asks for more replicas than the {n} that keep a key")
    return size


def _repair(options: Options) -> Literal["none", "async", "sync"]:
    how = options.choice("repair", "none", "async", "sync")
    return "async" if how == "async" else "sync" if how == "sync" else "none"


def _period(options: Options) -> float | None:
    text = options.text("sync", OFF)
    if text == OFF:
        return None
    return _milliseconds(text) or _refuse(options, "sync", text, "seconds, more than 0, or off")


def _grace(options: Options) -> float:
    text = options.text("grace", str(TEN_DAYS))
    grace = _milliseconds(text)
    return _refuse(options, "grace", text, "seconds, 0 or more") if grace is None else grace


def _milliseconds(text: str) -> float | None:
    """Return a time in seconds in milliseconds; None where it is no such time."""
    try:
        seconds = float(text)
    except ValueError:
        return None
    return seconds * 1000 if 0 <= seconds < float("inf") else None


def _refuse(options: Options, name: str, text: str, wanted: str) -> NoReturn:
    raise options.wrong(f"{name}={text!r} must be {wanted}")

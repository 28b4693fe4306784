"""How long messages take between hosts: models by name, from a file, everywhere or by site.

A message is on one of four legs, in the words of PBS (Bailis et al., "Probabilistically Bounded
Staleness for Practical Partial Quorums", VLDB 2012): W, the request to put a value down; A, its
acknowledgement; R, any other request; S, the reply to it. All times are in milliseconds.

A file is a JSON object. `W`, `A`, `R` and `S` are distributions as `distributions` has them; one
that is left out is as the one before it. `sites` is a matrix: the milliseconds from each site to
each other one, which come on top.

    {"W": {"law": "exponential", "rate": 0.1}, "A": {"law": "exponential", "rate": 0.5}}
    {"W": {"law": "constant", "milliseconds": 1}, "sites": [[0, 40, 75], [40, 0, 60], [75, 60, 0]]}
"""

from __future__ import annotations

from math import isfinite
from pathlib import Path
from random import Random
from statistics import median
from typing import Final, NamedTuple, Protocol, TypeAlias

import msgspec
from msgspec import Struct

from etagere.errors import InvalidArgument
from etagere_sim.world.distributions import (
    Constant,
    Distribution,
    Exponential,
    Law,
    Measured,
    ParetoMixture,
    Sampler,
    Time,
)

__all__ = [
    "NAMED",
    "Constant",
    "Distribution",
    "Everywhere",
    "Exponential",
    "Latency",
    "Legs",
    "Measured",
    "ParetoMixture",
    "Sites",
    "latency_of",
]

SAMPLES: Final = 999
"""Round trips that are tried to learn how long they take."""
Delays: TypeAlias = tuple[tuple[Sampler, Sampler], tuple[Sampler, Sampler]]
"""What draws the delays on a link: ((R, S), (W, A))."""


class Legs(NamedTuple):
    """The distributions of the four legs."""

    writes: Distribution
    acks: Distribution
    reads: Distribution
    replies: Distribution


class Latency(Protocol):
    """How long messages take between any two hosts."""

    @property
    def round_trip(self) -> float:
        """How long a question and its answer take together, every second time at most."""
        ...

    def between(self, source: str, target: str, random: Random) -> Delays:
        """Return what draws the delays from one host to another."""
        ...


class Everywhere(Struct, frozen=True):
    """The same on every link."""

    others: Distribution
    """Of every leg that has none of its own."""
    writes: Distribution | None = None
    acks: Distribution | None = None
    replies: Distribution | None = None

    @property
    def legs(self) -> Legs:
        """The distributions of the four legs."""
        others = self.others
        return Legs(self.writes or others, self.acks or others, others, self.replies or others)

    @property
    def round_trip(self) -> float:
        """How long a question and its answer take together, every second time at most."""
        writes, acks, reads, replies = self.legs
        return max(_there_and_back(writes, acks), _there_and_back(reads, replies))

    def between(self, source: str, target: str, random: Random) -> Delays:
        """Return what draws the delays from one host to another."""
        others = self.others.sampler(random)
        return (
            (others, others if self.replies is None else self.replies.sampler(random)),
            (
                others if self.writes is None else self.writes.sampler(random),
                others if self.acks is None else self.acks.sampler(random),
            ),
        )


class Sites(Struct, frozen=True):
    """Hosts at sites some way apart: `r1`, `c1` at the first, `r2`, `c2` at the second, and so on.

    With more hosts than sites it starts over at the first.
    """

    within: Everywhere
    """Of a message, wherever it goes."""
    apart: tuple[tuple[Time, ...], ...]
    """Milliseconds from each site to each other, on top."""

    @property
    def legs(self) -> Legs:
        """The distributions of the four legs, within a site."""
        return self.within.legs

    @property
    def round_trip(self) -> float:
        """The same between the two sites that are furthest apart."""
        numbers = range(len(self.apart))
        ways = [
            self.apart[one][other] + self.apart[other][one] for one in numbers for other in numbers
        ]
        return self.within.round_trip + max(ways)

    def site(self, host: str) -> int:
        """Return the number of a host's site. A host whose name has no number is at the first."""
        digits = host.lstrip("abcdefghijklmnopqrstuvwxyz_-")
        return (int(digits) - 1) % len(self.apart) if digits.isdecimal() else 0

    def between(self, source: str, target: str, random: Random) -> Delays:
        """Return what draws the delays from one host to another."""
        delays = self.within.between(source, target, random)
        way = self.apart[self.site(source)][self.site(target)]
        if not way:
            return delays
        (read, reply), (write, ack) = delays
        return (_further(read, way), _further(reply, way)), (
            _further(write, way),
            _further(ack, way),
        )


def _there_and_back(there: Distribution, back: Distribution) -> float:
    go, return_ = there.sampler(Random(0)), back.sampler(Random(1))
    return median(go() + return_() for _ in range(SAMPLES))


def _further(sampler: Sampler, way: float) -> Sampler:
    return lambda: way + sampler()


SSD: Final = ParetoMixture(0.9122, 0.235, 10.0, 1.66)
DISK: Final = ParetoMixture(0.38, 1.05, 1.51, 0.183)
YMMR_ARS: Final = ParetoMixture(0.982, 1.5, 3.8, 0.0217)
AWAY: Final = 75.0
"""Milliseconds to another site, one way, in the model of a wide-area network."""

NAMED: Final = {
    "lnkd-ssd": Everywhere(SSD),
    "lnkd-disk": Everywhere(SSD, writes=DISK),
    "ymmr": Everywhere(YMMR_ARS, writes=ParetoMixture(0.939, 3.0, 3.5, 0.0028)),
    "ymmr-printed": Everywhere(YMMR_ARS, writes=ParetoMixture(0.939, 3.0, 3.35, 0.0028)),
}
"""The published fits. The paper prints another shape for Yammer's writes than the simulator has
that made its tables; the second is the printed one."""

FORMS: Final = f"{', '.join(NAMED)}, wan, exp:W,ARS (rates per ms), constant:MS or a JSON file"


def latency_of(text: str, replicas: int = 3) -> Everywhere | Sites:
    """Return the model of a name, of rates, of a constant, or in a file.

    `wan` has as many sites as there are replicas. Raises `InvalidArgument`.
    """
    name, colon, rest = text.partition(":")
    if text in NAMED:
        return NAMED[text]
    if text == "wan":
        return wide_area(replicas)
    if colon and name == "exp":
        match _numbers(rest):
            case [writes, others] if writes > 0 and others > 0:
                return Everywhere(Exponential(others), writes=Exponential(writes))
            case _:
                raise InvalidArgument(
                    f"latency {text!r} is wrong: after exp: come two rates per ms, above 0"
                )
    if colon and name == "constant":
        match _numbers(rest):
            case [milliseconds] if milliseconds >= 0:
                return Everywhere(Constant(milliseconds))
            case _:
                raise InvalidArgument(
                    f"latency {text!r} is wrong: after constant: come milliseconds, from 0"
                )
    return read_model(text)


def wide_area(sites: int) -> Sites:
    """Return the published model of a wide-area network: a replica at each site, far apart."""
    rows = range(sites)
    apart = tuple(tuple(0.0 if row == column else AWAY for column in rows) for row in rows)
    return Sites(Everywhere(SSD, writes=DISK), apart)


class _File(Struct, forbid_unknown_fields=True):
    W: Law | None = None
    A: Law | None = None
    R: Law | None = None
    S: Law | None = None
    sites: tuple[tuple[Time, ...], ...] = ()


def read_model(path: str) -> Everywhere | Sites:
    """Return the model in a file. Raises `InvalidArgument`."""
    try:
        file = msgspec.json.decode(Path(path).read_bytes(), type=_File)
    except (OSError, ValueError) as error:
        # A name that is misspelt is taken for a file that is not there.
        if isinstance(error, msgspec.MsgspecError):
            raise InvalidArgument(f"the latency model in {path} is wrong: {error}") from error
        raise InvalidArgument(
            f"latency {path!r} is neither a model nor a file that can be read; give {FORMS}"
        ) from error
    if file.W is None and not file.sites:
        raise InvalidArgument(f"the latency model in {path} needs `W`, a distribution, or `sites`")
    writes = file.W or Constant(0.0)
    acks = file.A or writes
    reads = file.R or acks
    within = Everywhere(reads, writes=writes, acks=acks, replies=file.S or reads)
    if not file.sites:
        return within
    if any(len(row) != len(file.sites) for row in file.sites):
        raise InvalidArgument(
            f"`sites` in {path} must be a square: one row and one column for each site"
        )
    return Sites(within, file.sites)


def _numbers(listed: str) -> list[float]:
    try:
        numbers = [float(each) for each in listed.split(",")]
    except ValueError:
        return []
    return numbers if all(isfinite(each) for each in numbers) else []

"""What a campaign went through: a campaign that never had a fault says nothing of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, Final

from etagere_sim.campaigns.troubles import MESSAGES
from etagere_sim.world.faults import (
    BitFlipped,
    ClockDrifts,
    ClockStepped,
    Cut,
    Died,
    DiskFails,
    Fault,
    Held,
    MessageFault,
    Paused,
    SentTwice,
    Slowed,
)

CUT_APART: Final = "clients cut apart"

EXPECTED: Final[dict[str, tuple[str, ...]]] = {
    MESSAGES: ("message lost", "message twice", "message late"),
    "cuts": (
        "cut one way",
        "cut both ways",
        "minority cut off",
        "majority cut off",
        CUT_APART,
    ),
    "holds": ("messages held", "swizzle"),
    "pauses": ("pause",),
    "slow": ("slow host",),
    "crashes": ("crash, disk kept", "crash, disk lost", "crash, disk torn"),
    "disks": ("disk full", "disk input/output error"),
    "bits": ("bit flip",),
    "clocks": ("clock offset", "clock step", "clock drift"),
    "retries": ("request sent twice",),
    "coordinators": ("coordinator death",),
}
"""By kind of trouble, the faults that a campaign must have seen."""
NOT_OF_ONE: Final = ("minority cut off", "bit flip")
"""Faults that leave more than half of the replicas alone: there are none with fewer than three."""


def expected(kinds: Iterable[str], replicas: Sequence[str], clients: int = 2) -> list[str]:
    """Return the names of all faults that a campaign with these kinds must have seen."""
    impossible = [] if len(replicas) > 2 else [*NOT_OF_ONE]
    if clients < 2:
        impossible.append(CUT_APART)
    return [name for kind in kinds for name in EXPECTED[kind] if name not in impossible]


def never_reached(wanted: Iterable[str], reached: Mapping[str, int]) -> list[str]:
    """Return which of the wanted faults and branches were never reached."""
    return [name for name in wanted if not reached.get(name)]


def faults_by_name(faults: Sequence[Fault], replicas: Sequence[str]) -> Counter[str]:
    """Count what befell a run, by name."""
    counts: Counter[str] = Counter(_names(faults, replicas))
    clogged = {fault.targets for fault in faults if type(fault) is Held}
    if len(clogged) > 1:
        counts["swizzle"] += 1
    return counts


def _names(faults: Sequence[Fault], replicas: Sequence[str]) -> Iterator[str]:
    for fault in faults:
        if type(fault) is MessageFault:
            yield f"message {fault.what}"
        else:
            yield NAMERS[type(fault)](fault, replicas)


def _cut(fault: Cut, replicas: Sequence[str]) -> str:
    if not fault.both:
        return "cut one way"
    if len(fault.sources) == len(fault.targets) == 1:
        return "cut both ways"
    apart = sum(name in replicas for name in fault.sources)
    if apart < len(fault.sources) and any(name not in replicas for name in fault.targets):
        return CUT_APART
    return "minority cut off" if 2 * apart < len(replicas) else "majority cut off"


def _died(fault: Died, replicas: Sequence[str]) -> str:
    return f"crash, disk {fault.disk}" if fault.host in replicas else "coordinator death"


NAMERS: Final[dict[type, Callable[[Any, Sequence[str]], str]]] = {
    Cut: _cut,
    Held: lambda fault, _: "messages held",
    Paused: lambda fault, _: "pause",
    Slowed: lambda fault, _: "slow host",
    Died: _died,
    DiskFails: lambda fault, _: f"disk {fault.why}",
    BitFlipped: lambda fault, _: "bit flip",
    ClockStepped: lambda fault, _: "clock step" if fault.at else "clock offset",
    ClockDrifts: lambda fault, _: "clock drift",
    SentTwice: lambda fault, _: "request sent twice",
}

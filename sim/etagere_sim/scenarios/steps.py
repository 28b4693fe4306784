"""The parts of a plan: what clients do, and the cluster that they do it on.

Every message takes 1 ms, so that a plan can be followed on paper.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from msgspec.structs import replace

from etagere.operations import Consistency
from etagere_sim.campaigns.plans import Plan
from etagere_sim.campaigns.workloads import Ask, Intent, Workload
from etagere_sim.world.faults import Fault

Programs: TypeAlias = Mapping[str, tuple[Intent, ...]]
STRONG, EVENTUAL = Consistency.STRONG, Consistency.EVENTUAL
KEY: Final = "k"
AS_STRONG: Final = Workload(eventual=1.0)
"""Of runs that are judged as if all had been asked for at the strong level."""


def url_of(settings: str) -> str:
    """Return the URL of a protocol with settings, where every message takes 1 ms."""
    return f"sim://?protocol={settings}&latency=constant:1"


def plan(
    settings: str,
    programs: Mapping[str, Sequence[Intent]],
    *faults: Fault,
    expected: Sequence[str] = (),
    until: float = 0.0,
    as_strong: bool = False,
) -> Plan:
    """Return a plan. All is calm after `until`; 0: when all programs are played."""
    return Plan(
        url=url_of(settings),
        workload=AS_STRONG if as_strong else Workload(),
        programs={client: tuple(steps) for client, steps in programs.items()},
        faults=faults,
        until=until,
        expected=tuple(expected),
    )


def gets(pause: float, key: str = KEY, level: Consistency = STRONG) -> Intent:
    """Read, so many milliseconds after the step before."""
    return Intent(Ask.GET, key, level, pause)


def sets(pause: float, key: str = KEY, level: Consistency = STRONG, etag: str = "") -> Intent:
    """Write, whatever is there."""
    return Intent(Ask.SET, key, level, pause, etag)


def swaps(pause: float, key: str = KEY, level: Consistency = STRONG) -> Intent:
    """Write on the ETag that was seen last."""
    return Intent(Ask.SWAP, key, level, pause)


def deletes(pause: float, key: str = KEY, level: Consistency = STRONG) -> Intent:
    """Delete, whatever is there."""
    return Intent(Ask.DELETE, key, level, pause)


def strongly(programs: Programs) -> Programs:
    """Return the programs with everything asked for at the strong level."""
    return {
        client: tuple(replace(step, consistency=STRONG) for step in steps)
        for client, steps in programs.items()
    }


def eventually(programs: Mapping[str, Sequence[Intent]]) -> Programs:
    """Return the programs with everything asked for at the eventual level."""
    return {
        client: tuple(replace(step, consistency=EVENTUAL) for step in steps)
        for client, steps in programs.items()
    }

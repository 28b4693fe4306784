"""Making a plan smaller: leaving out whatever its verdict does not need.

Delta debugging (Zeller and Hildebrandt, "Simplifying and isolating failure-inducing input", IEEE
TSE 2002) over the faults, the steps of the clients and the deviations of the scheduler, in turn,
until nothing more can be left out: each fault names what it strikes by something that stays the
same when others go.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import combinations
from time import perf_counter
from typing import Any, Final, TypeVar

from msgspec import Struct
from msgspec.structs import asdict, replace

from etagere_sim.campaigns.judging import problems_of
from etagere_sim.campaigns.plans import Plan, replay
from etagere_sim.campaigns.workloads import Intent

T = TypeVar("T")
SECONDS: Final = 10.0
FEW: Final = 40
"""Faults and steps, of which all pairs can be tried."""
TIMES: Final = ("at", "until", "milliseconds", "by", "after")


class Shrunk(Struct, frozen=True):
    """What became of a plan."""

    plan: Plan
    target: str
    """The problem that it still has."""
    before: Plan
    runs: int
    seconds: float
    is_least: bool
    """Whether nothing more can be left out; else time was over."""


class _OutOfTime(Exception):
    pass


def shrink(plan: Plan, target: str | None = None, *, seconds: float = SECONDS) -> Shrunk:
    """Return the plan made as small as it can be, so that a problem remains.

    `target`: which problem; None: the first that is expected, of which there must be one. It must
    remain by its name: a plan that is made smaller must not slip from one fault into another.
    """
    smaller = _Shrinking(plan, target or plan.expected[0], perf_counter() + seconds)
    began = perf_counter()
    try:
        smaller.until_nothing_changes()
        is_least = True
    except _OutOfTime:
        is_least = False
    found = replace(smaller.plan, expected=tuple(problems_of(replay(smaller.plan))))
    return Shrunk(found, smaller.target, plan, smaller.runs, perf_counter() - began, is_least)


def ddmin(items: Sequence[T], still: Callable[[Sequence[T]], bool]) -> list[T]:
    """Return the fewest items that `still` holds for, none of which can be left out alone."""
    kept, parts = list(items), 2
    if kept and still(()):
        return []
    while len(kept) > 1:
        size = -(-len(kept) // parts)
        for start in range(0, len(kept), size):
            rest = kept[:start] + kept[start + size :]
            if rest and still(rest):
                kept, parts = rest, max(parts - 1, 2)
                break
        else:
            if size == 1:
                break
            parts = min(len(kept), 2 * parts)
    return kept


def elsewhere(faults: Iterable[Any], host: str) -> Iterator[Any]:
    """Yield what of the faults is left without a host."""
    for fault in faults:
        named = asdict(fault)
        if host in (
            named.get("host"),
            named.get("client"),
            named.get("source"),
            named.get("target"),
        ):
            continue
        sides = {
            side: tuple(name for name in named[side] if name != host)
            for side in ("sources", "targets")
            if side in named
        }
        if all(sides.values()):
            yield replace(fault, **sides)


class _Shrinking:
    def __init__(self, plan: Plan, target: str, end: float) -> None:
        self.plan = plan
        self.target = target
        self.runs = 0
        self._end = end

    def until_nothing_changes(self) -> None:
        """Leave out what can be left out, then make the numbers that remain rounder."""
        before: Plan | None = None
        while before != self.plan:
            before = self.plan
            self._leave_out_faults()
            self._leave_out_clients()
            self._leave_out_steps()
            self._leave_out_deviations()
            if before == self.plan:
                self._leave_out_pairs()
        self._round()

    def _takes(self, plan: Plan) -> bool:
        if perf_counter() > self._end:
            raise _OutOfTime
        self.runs += 1
        if self.target not in problems_of(replay(plan)):
            return False
        self.plan = plan
        return True

    def _leave_out_faults(self) -> None:
        ddmin(self.plan.faults, lambda rest: self._takes(replace(self.plan, faults=tuple(rest))))

    def _leave_out_deviations(self) -> None:
        all_of_them = list(self.plan.deviations.items())
        ddmin(all_of_them, lambda rest: self._takes(replace(self.plan, deviations=dict(rest))))

    def _leave_out_clients(self) -> None:
        played = self.plan.programs_played()
        for name in played if len(played) > 1 else ():
            rest = {other: steps for other, steps in self._programs() if other != name}
            faults = tuple(elsewhere(self.plan.faults, name))
            if rest:
                self._takes(replace(self.plan, programs=rest, faults=faults))

    def _leave_out_steps(self) -> None:
        steps = [(name, step) for name, program in self._programs() for step in program]
        names = [name for name, _ in self._programs()]
        ddmin(steps, lambda rest: self._takes(replace(self.plan, programs=_by_name(names, rest))))

    def _leave_out_pairs(self) -> None:
        """Leave out two faults or steps that only together can go, if there are few of them."""
        steps = [(name, step) for name, program in self._programs() for step in program]
        names = [name for name, _ in self._programs()]
        items = [*self.plan.faults, *steps]
        for pair in combinations(range(len(items)), 2) if len(items) <= FEW else ():
            faults = [fault for at, fault in enumerate(self.plan.faults) if at not in pair]
            kept = [step for at, step in enumerate(steps, len(self.plan.faults)) if at not in pair]
            programs = _by_name(names, kept)
            if self._takes(replace(self.plan, faults=tuple(faults), programs=programs)):
                return

    def _round(self) -> None:
        for position, fault in enumerate(self.plan.faults):
            faults = list(self.plan.faults)
            faults[position] = _rounded(fault)
            self._takes(replace(self.plan, faults=tuple(faults)))
        for name, steps in self._programs():
            for position, step in enumerate(steps):
                self._round_step(name, position, step)
        self._takes(replace(self.plan, until=float(round(self.plan.until))))

    def _round_step(self, name: str, position: int, step: Intent) -> None:
        programs = dict(self._programs())
        steps = list(programs[name])
        steps[position] = replace(step, pause=float(round(step.pause)))
        programs[name] = tuple(steps)
        self._takes(replace(self.plan, programs=programs))

    def _programs(self) -> Iterable[tuple[str, tuple[Intent, ...]]]:
        return self.plan.programs_played().items()


def _by_name(
    names: Sequence[str], steps: Iterable[tuple[str, Intent]]
) -> dict[str, tuple[Intent, ...]]:
    programs: dict[str, tuple[Intent, ...]] = dict.fromkeys(names, ())
    for name, step in steps:
        programs[name] += (step,)
    return programs


def _rounded(fault: Any) -> Any:
    times = {name: value for name, value in asdict(fault).items() if name in TIMES}
    return replace(fault, **{name: float(round(value)) for name, value in times.items()})

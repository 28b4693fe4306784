"""Whether what calls were told still has a ground in a smaller history.

A delete that found a record means nothing without any write before it: alone, it is wrong for a
reason that the run never had. Which of several writes it found is not known, so not all need to
stay; but one that may have made the state that was seen must, if the run had one.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate
from typing import TypeAlias

from etagere.histories.history import Call, Kind, Status
from etagere.histories.steps import Step

State: TypeAlias = tuple[str, bool]
"""A key, and whether something is under it."""
Span: TypeAlias = tuple[int, int]

AT_FIRST = -1
"""Before any call; every key is absent then."""


class Grounds:
    """What may have made each state that the calls of a history observed."""

    def __init__(self, calls: Sequence[Call | Step]) -> None:
        self._parts = [list(parts_of(call)) for call in calls]
        self._makers: defaultdict[State, list[tuple[int, int, int]]] = defaultdict(list)
        for at, parts in enumerate(self._parts):
            for part in parts:
                for present in made(part):
                    self._makers[part.key, present].append((part.start, part.finish, at))
        for makers in self._makers.values():
            makers.sort()

    def hold(self, subset: frozenset[int]) -> bool:
        """Tell whether every observation of a part of the calls still has what it came from."""
        ends = self._ends(subset)
        return all(
            self._is_grounded(at, part, subset, ends) for at in subset for part in self._parts[at]
        )

    def _ends(self, subset: frozenset[int]) -> dict[State, list[Span]]:
        """Return, by the state that they ended, when writes finished, and the last start so far."""
        ends: defaultdict[State, list[Span]] = defaultdict(list)
        for at in subset:
            for part in self._parts[at]:
                if part.status is Status.OK and part.kind in (Kind.SET, Kind.DELETE):
                    ends[part.key, part.kind is Kind.DELETE].append((part.finish, part.start))
        return {state: running(sorted(spans)) for state, spans in ends.items()}

    def _is_grounded(
        self, at: int, part: Call, subset: frozenset[int], ends: Mapping[State, list[Span]]
    ) -> bool:
        present = observed(part)
        if present is None:
            return True
        state = part.key, present
        spans = ends.get(state, [])
        over = bisect_left(spans, (part.start, AT_FIRST))
        if not over and not present:
            return True  # as it was at first
        since = spans[over - 1][1] if over else AT_FIRST
        makers, lost = self._makers[state], False
        for number in reversed(range(bisect_left(makers, (part.finish, AT_FIRST, AT_FIRST)))):
            _, finish, maker = makers[number]
            if finish > since and maker != at:
                if maker in subset:
                    return True
                lost = True
        return not lost


def parts_of(call: Call | Step) -> Iterator[Call]:
    """Yield the operations of a call on single keys; none of a step of a plain model."""
    whole = call.argument if isinstance(call, Step) else call
    if isinstance(whole, Call):
        yield from whole.parts or (whole,)


def made(part: Call) -> Iterator[bool]:
    """Yield the states that an operation may have brought about: present, absent."""
    if part.status in (Status.OK, Status.INFO):
        if part.kind is Kind.SET:
            yield True
        if part.kind is Kind.DELETE or part.ttl is not None:
            yield False


def observed(part: Call) -> bool | None:
    """Return whether an operation saw that something was there; None if it did not tell."""
    if part.status is Status.MISMATCH:
        return None if part.actual is None else bool(part.actual)
    if part.status is not Status.OK:
        return None
    if part.kind is Kind.SET:
        return None if part.expected is None else bool(part.expected)
    return part.found


def running(spans: list[Span]) -> list[Span]:
    """Return spans by their finish, each with the latest start so far."""
    starts = accumulate((start for _, start in spans), max)
    return [(finish, start) for (finish, _), start in zip(spans, starts, strict=True)]

"""Where things stand in a drawing: calls in lanes, points in intervals, letters at witnesses."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from string import ascii_uppercase
from typing import Any

from etagere.histories.counterexamples.choosing import ends, is_open
from etagere.histories.counterexamples.drawing import Interval, Lane
from etagere.histories.counterexamples.minimise import identity
from etagere.histories.history import Call
from etagere.histories.identities import session_of
from etagere.histories.steps import Step
from etagere.operations import Consistency


def points(
    order: Iterable[Call | Step], drawn: Iterable[Call | Step], ranks: Mapping[int, int]
) -> dict[Any, float]:
    """Return where each call that is drawn takes effect, as early as the order allows.

    Calls that take effect between the same two events share the room between them evenly.
    """
    shown = set(map(identity, drawn))
    slots: dict[int, list[Call | Step]] = {}
    slot = 0
    for call in order:
        if identity(call) in shown:
            slot = slot if _is_eventual(call) else max(slot, ranks[call.start])
            slots.setdefault(slot, []).append(call)
    return {
        identity(call): _within(call, slot + at / (len(together) + 1), ranks)
        for slot, together in slots.items()
        for at, call in enumerate(together, 1)
    }


def _within(call: Call | Step, point: float, ranks: Mapping[int, int]) -> float:
    # An eventual read may be of a version from before its start.
    first, last = (ranks[moment] for moment in (ends(call)[0], ends(call)[-1]))
    return max(point, first) if is_open(call) else min(max(point, first), last)


def _is_eventual(call: Call | Step) -> bool:
    return isinstance(call, Call) and call.consistency is Consistency.EVENTUAL


def letters(witnesses: Iterable[Call | Step]) -> dict[Any, str]:
    """Name witnesses A, B, ... in the order of their starts; those after Z are Z1, Z2, ..."""
    ordered = dict.fromkeys(map(identity, sorted(witnesses, key=lambda call: call.start)))
    last = len(ascii_uppercase) - 1
    return {
        key: ascii_uppercase[at] if at <= last else f"Z{at - last}"
        for at, key in enumerate(ordered)
    }


def lanes(intervals: Iterable[Interval]) -> tuple[Lane, ...]:
    """Return the lanes of the sessions, in the natural order of their names."""
    clients: dict[str, list[Interval]] = {}
    for interval in intervals:
        clients.setdefault(session_of(interval.client), []).append(interval)
    return tuple(Lane(client, _rows(clients[client])) for client in sorted(clients, key=_natural))


def _rows(intervals: Iterable[Interval]) -> tuple[tuple[Interval, ...], ...]:
    rows: list[list[Interval]] = []
    for interval in intervals:
        free = (row for row in rows if _is_over(row[-1], interval))
        row = next(free, None)
        if row is None:
            rows.append([interval])
        else:
            row.append(interval)
    return tuple(map(tuple, rows))


def _is_over(earlier: Interval, later: Interval) -> bool:
    return earlier.finish is not None and earlier.finish <= later.start


def _natural(client: str) -> tuple[int, str]:
    """Sort c2 before c10."""
    return len(client), client

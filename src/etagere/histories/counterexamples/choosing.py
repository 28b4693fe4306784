"""Which calls of a long history are drawn: the witnesses, and what is near them."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Sequence

from etagere.histories.counterexamples.dependencies import tokens_of
from etagere.histories.counterexamples.minimise import identity
from etagere.histories.history import NEVER, Call, Status
from etagere.histories.steps import Step

READS = frozenset({"get", "read"})


def chosen(
    calls: Sequence[Call | Step], witnesses: Sequence[Call | Step], most: int
) -> list[Call | Step]:
    """Return at most `most` calls, in the order of their starts, and the witnesses in any case.

    After the witnesses come the calls about the same versions and values, then the nearest ones.
    """
    ordered = sorted(calls, key=lambda call: (call.start, call.finish))
    if len(ordered) <= most:
        return ordered
    named = set(map(identity, witnesses))
    starts = [call.start for call in ordered if identity(call) in named]
    tokens = {token for witness in witnesses for token in tokens_of(witness)}

    def rank(call: Call | Step) -> tuple[bool, bool, int, int]:
        related = not tokens.isdisjoint(tokens_of(call))
        return identity(call) not in named, not related, _distance(call.start, starts), call.start

    first = sorted(ordered, key=rank)[: max(most, len(starts))]
    return sorted(first, key=lambda call: (call.start, call.finish))


def gaps(calls: Iterable[Call | Step], drawn: Sequence[Call | Step]) -> dict[int, int]:
    """Return how many calls are left out, by the place among the events drawn where to say so.

    That is the start of the next call that is drawn, or the end.
    """
    shown = set(map(identity, drawn))
    moments = events(drawn)
    starts = sorted(call.start for call in drawn)
    places = [*(bisect_left(moments, start) for start in starts), len(moments)]
    missing = (call.start for call in calls if identity(call) not in shown)
    counts = Counter(places[bisect_left(starts, start)] for start in missing)
    return dict(sorted(counts.items()))


def events(calls: Iterable[Call | Step]) -> list[int]:
    """Return the sequence numbers at which calls start and finish, each once, in order."""
    return sorted({moment for call in calls for moment in ends(call)})


def ends(call: Call | Step) -> tuple[int, ...]:
    """Return when a call starts and, where it was answered, finishes."""
    return (call.start,) if is_open(call) else (call.start, call.finish)


def is_open(call: Call | Step) -> bool:
    """Tell whether a call may still take effect after everything that was recorded."""
    return call.status is Status.INFO or call.finish == NEVER


def matters(call: Call | Step) -> bool:
    """Tell whether a call had an effect, may have had one, or observed something."""
    unanswered_read = call.status is Status.INFO and _function(call) in READS
    return call.status is not Status.FAIL and not unanswered_read


def _function(call: Call | Step) -> str:
    return call.function if isinstance(call, Step) else call.kind


def _distance(start: int, others: Sequence[int]) -> int:
    if not others:
        return 0
    at = bisect_left(others, start)
    return min(abs(other - start) for other in others[max(at - 1, 0) : at + 1])

"""From a history to the calls of each key: transactions become their net effect on it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from msgspec.structs import replace

from etagere.histories.history import Call, History, in_order
from etagere.histories.versioned.words import DELETE, FAIL, GET, INFO, OK, TRANSACTION
from etagere.operations import ABSENT, ANYTHING


def calls_by_key(history: History) -> dict[str, list[Call]]:
    """Return the calls of each key, in the order of their starts, without transactions.

    A transaction stands under each of its keys as one call: the precondition is that of its first
    part there, the effect that of its last.
    One that was a mismatch observed that the preconditions before the conflicting part held, and
    that the one of that part did not; the parts after it were never looked at.
    """
    keys: defaultdict[str, list[Call]] = defaultdict(list)
    for call in in_order(history.calls):
        if call.kind is TRANSACTION:
            for part in net_effects(call):
                keys[part.key].append(part)
        else:
            keys[call.key].append(call)
    return dict(keys)


def net_effects(transaction: Call) -> Iterator[Call]:
    """Give what a transaction did to each of its keys, or observed there, as one call each."""
    keys: dict[str, list[int]] = {}
    for index, part in enumerate(transaction.parts):
        keys.setdefault(part.key, []).append(index)
    for indexes in keys.values():
        if transaction.status in (OK, INFO):
            yield _effect(transaction, indexes)
            continue
        # Nothing came of its parts, and who reads what they would have written should hear that.
        yield from (_as_whole(transaction, transaction.parts[i], status=FAIL) for i in indexes)
        observed = _observation(transaction, indexes[0])
        if observed is not None:
            yield observed


def _effect(transaction: Call, indexes: list[int]) -> Call:
    first, last = transaction.parts[indexes[0]], transaction.parts[indexes[-1]]
    if first is last:
        found = last.found
    else:
        # What the last part found is what an earlier one left.
        found = first.found if first.kind is last.kind is DELETE else None
    ttl: int | None = 0
    for index in indexes:
        part = transaction.parts[index]
        # A set that keeps the time to live keeps what an earlier part gave.
        ttl = ttl if part.ttl == 0 else part.ttl
    return _as_whole(transaction, last, expected=first.expected, found=found, ttl=ttl)


def _observation(transaction: Call, first: int) -> Call | None:
    """Return what a transaction that conflicted saw of a key, at its first part there."""
    part = transaction.parts[first]
    if transaction.status is FAIL:
        return None
    if first == transaction.index:
        actual = transaction.actual if part.actual is None else part.actual
        return _as_whole(transaction, part, actual=actual)
    if first > transaction.index or part.expected is ANYTHING:
        return None
    etag = part.expected or None
    return _as_whole(
        transaction,
        Call(kind=GET, start=0, key=part.key, etag=etag, found=part.expected != ABSENT),
        status=OK,
    )


def _as_whole(transaction: Call, part: Call, **changes: object) -> Call:
    whole = {
        "start": transaction.start,
        "finish": transaction.finish,
        "client": transaction.client,
        "status": transaction.status,
    }
    return replace(part, **(whole | changes))

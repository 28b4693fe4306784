"""What no check of one key against an order finds by itself, or does not count."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations

from msgspec.structs import replace

from etagere.histories.history import Call, History, Kind, Status
from etagere.histories.sessions import Guarantee, check_sessions
from etagere.histories.versioned import check_versioned
from etagere.operations import ABSENT


def lost_writes(calls: Sequence[Call]) -> Iterator[Call]:
    """Yield the acknowledged writes that are not in the past of what is read in the end.

    Of each key the last read counts, if it began after the write was acknowledged. The write is
    lost if what is read there is older than it, or took the place of what it had itself taken the
    place of, without a blind write in between that may have taken its own.
    """
    for write in _writes(calls).values():
        if _is_told(write) and _is_gone(write, write.finish, calls):
            yield write


def dirty_reads(calls: Sequence[Call]) -> Sequence[str]:
    """Find a read of a write that nobody acknowledged, and that is gone in the end."""
    writes = _writes(calls)
    for read in calls:
        write = writes.get(read.etag) if read.kind is Kind.GET else None
        if write is not None and not _is_told(write) and _is_gone(write, read.finish, calls):
            return ("dirty_read",)
    return ()


def _writes(calls: Sequence[Call]) -> dict[str | None, Call]:
    """Return the writes by what they name their version, even if they were refused."""
    return {call.etag or call.value: call for call in calls if call.kind is Kind.SET}


def _is_told(call: Call) -> bool:
    return call.status is Status.OK


def _is_gone(write: Call, since: int, calls: Sequence[Call]) -> bool:
    """Tell whether a write that was in place at a moment is missing from the last read."""
    own = [call for call in calls if call.key == write.key]
    reads = [call for call in own if call.kind is Kind.GET and _is_told(call)]
    if not reads or reads[-1].start < since:
        return False
    if reads[-1].etag is None:
        return not any(call.kind is Kind.DELETE for call in own)
    return _is_overtaken(write, reads[-1].etag, _writes(own))


def _is_overtaken(write: Call, seen: str, writes: Mapping[str | None, Call]) -> bool:
    """Tell whether a write is missing from the chain of conditional writes behind a version."""
    while seen in writes and seen != (write.etag or write.value):
        version = writes[seen]
        if version.finish < write.start or seen == write.expected:
            return True
        if version.expected is None or version.expected in (ABSENT, write.expected):
            return version.expected is not None and version.expected == write.expected
        seen = version.expected
    return False


def long_fork(calls: Sequence[Call]) -> Sequence[str]:
    """Find two clients that saw the first writes of two keys in opposite orders."""
    seen = [_orders_seen(own) for own in _by_client(calls)]
    forks = any(
        (late, early) in other for one, other in combinations(seen, 2) for early, late in one
    )
    return ("long_fork",) if forks else ()


def _by_client(calls: Sequence[Call]) -> list[list[Call]]:
    clients: dict[str, list[Call]] = {}
    for call in calls:
        clients.setdefault(str(call.client), []).append(call)
    return list(clients.values())


def _orders_seen(calls: Sequence[Call]) -> set[tuple[str, str]]:
    """Return the pairs of keys of which a client saw one written, and after it the other not."""
    reads = [call for call in calls if call.kind is Kind.GET]
    return {
        (first.key, then.key)
        for first, then in combinations(reads, 2)
        if first.found and not then.found
    }


def own_writes_unread(calls: Sequence[Call]) -> Sequence[str]:
    """Find a client that does not read its own writes."""
    breaches = check_sessions(History(calls)).breaches
    broken = any(breach.guarantee is Guarantee.READ_YOUR_WRITES for breach in breaches)
    return ("own write not read",) if broken else ()


def under_a_lock(calls: Sequence[Call]) -> Sequence[str]:
    """Find what a lock should have kept out: as if each write had been on what its client read."""
    seen: dict[tuple[str, str], str] = {}
    guarded: list[Call] = []
    for call in calls:
        owner = str(call.client), str(call.key)
        if call.kind is Kind.GET and _is_told(call):
            seen[owner] = call.etag or ABSENT
        elif call.kind is Kind.SET and owner in seen:
            call = replace(call, expected=seen[owner])  # noqa: PLW2901
        guarded.append(call)
    findings = check_versioned(History(guarded)).findings
    return tuple(f"{finding.anomaly.value} under the lock" for finding in findings)

"""Proofs that no order exists: versions whose times cannot be made to follow each other.

A version, and a chain of versions, is there for one stretch of time. Its calls say when it must
have been there: from the first of their finishes to the last of their starts, where the finish
comes first (a *forward* zone); otherwise at some moment between the two (a *backward* one). No two
forward zones may overlap, and no backward one may lie within a forward one (Gibbons and Korach,
1997). Where every write is unconditional or chained to what it consumed, that is all there is to
it: should several chains have to precede each other in a circle, then so do two of them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from msgspec.structs import replace

from etagere.histories.history import Call
from etagere.histories.verdicts import Finding
from etagere.histories.versioned import messages
from etagere.histories.versioned.clusters import Clusters
from etagere.histories.versioned.versions import Observation, Version, begins
from etagere.histories.versioned.words import DELETE, GET, NEEDS_ABSENT, TOUCH

ENOUGH = 5
"""Findings of one kind for one key."""


def diagnose(clusters: Clusters, chains_are_in_order: bool) -> list[Finding]:
    """Return proofs that the calls have no order; an empty list proves nothing."""
    between = (_conflicts, _excluded)
    for search in between if chains_are_in_order else (_circles, _inversions, *between):
        findings = list(islice(search(clusters), ENOUGH))
        if findings:
            return [_of_the_history(finding, clusters) for finding in findings]
    return []


def _of_the_history(finding: Finding, clusters: Clusters) -> Finding:
    """Let the earliest write that may have made an etag stand for the unknown one that did."""
    made_up = {id(version.write) for version in clusters.names.foundlings}
    if made_up.isdisjoint(map(id, finding.witnesses)):
        return finding
    every = [version.write for version in (*clusters.versions, *clusters.unanswered)]
    real = {write.start: write for write in every if write and id(write) not in made_up}
    return replace(
        finding,
        witnesses=tuple(
            real[each.start] if id(each) in made_up else each for each in finding.witnesses
        ),
    )


def _circles(clusters: Clusters) -> Iterator[Finding]:
    if clusters.names.has_guesses:
        return
    reached = {id(version) for head in clusters.heads for version in head.chain()}
    for version in clusters.versions:
        if id(version) not in reached:
            finding = messages.circle(version)
            reached.update(id(other) for other in messages.around(version))
            yield finding


# --- within a chain ---------------------------------------------------------------------------


def _inversions(clusters: Clusters) -> Iterator[Finding]:
    for head in _certain(clusters):
        latest: Call | None = None
        gone = False
        for version in head.chain():
            gone = gone or version.is_absent
            if version.earliest > version.first:
                yield _inversion(version, latest, gone)
            latest = _latest([*([latest] if latest else []), *version.calls()])


def _inversion(version: Version, latest: Call | None, gone: bool) -> Finding:
    early, write = _earliest(version.calls()), version.write
    assert early is not None  # noqa: S101
    if write is not None and write.start > early.finish:
        return messages.future_read(write, early)
    assert latest is not None  # noqa: S101
    if not _only_observes(latest):
        return messages.chain_inversion(early, latest)
    if gone:
        return messages.resurrection(None, early, latest)
    return messages.stale_read(early, latest)


# --- between chains ---------------------------------------------------------------------------


def _conflicts(clusters: Clusters) -> Iterator[Finding]:
    heads = list(_certain(clusters))
    forward = sorted((head for head in heads if head.deadline < head.chain_closes), key=_deadline)
    disjoint: list[Version] = []
    for head in forward:
        if disjoint and head.deadline < disjoint[-1].chain_closes:
            yield _conflict(disjoint[-1], head)
            if head.chain_closes > disjoint[-1].chain_closes:
                disjoint[-1] = head
        else:
            disjoint.append(head)
    for head in heads:
        if head.deadline >= head.chain_closes:
            around = _last_before(disjoint, _deadline, head.chain_closes)
            if around is not None and head.deadline < around.chain_closes:
                yield _conflict(around, head)


def _conflict(one: Version, other: Version) -> Finding:
    """Name what is wrong with two chains, each of which had to come before the other."""
    for old, new in ((one, other), (other, one)):
        first, late = _earliest(_calls(old)), _latest(_calls(old))
        newer = _earliest(_calls(new))
        if new.start > old.deadline and late is not None and _only_observes(late):
            assert newer is not None  # noqa: S101
            if newer.kind is DELETE:
                return messages.resurrection(first, newer, late)
            return messages.stale_read(newer, late)
    early, late = _earliest(_calls(one)), _latest(_calls(one))
    inner = (_earliest(_calls(other)), _latest(_calls(other)))
    assert late is not None  # noqa: S101
    assert inner[0] is not None  # noqa: S101
    assert inner[1] is not None  # noqa: S101
    if other.deadline < other.chain_closes:
        return messages.overlap((early, late), (inner[0], inner[1]))
    return messages.nested(early, tuple(dict.fromkeys((inner[0], inner[1]))), late)


# --- observations -----------------------------------------------------------------------------


def _excluded(clusters: Clusters) -> Iterator[Finding]:
    """Observations made while the one version that they exclude was there throughout."""
    lasting = sorted(
        (each for each in clusters.versions if each.first < each.last and not each.is_guess),
        key=_first,
    )
    for observation in clusters.observations:
        version = _last_before(lasting, _first, observation.start)
        if (
            version is not None
            and observation.deadline < version.last
            and not observation.holds_at(version)
        ):
            yield _exclusion(version, observation)


def _exclusion(version: Version, observation: Observation) -> Finding:
    early, late = _earliest(version.calls()), _latest(version.calls())
    assert late is not None  # noqa: S101
    if observation.needs is NEEDS_ABSENT:
        return messages.resurrection(early, observation.call, late)
    return messages.nested(early, (observation.call,), late)


# --- parts ------------------------------------------------------------------------------------


def _last_before(
    versions: Sequence[Version], key: Callable[[Version], int], time: int
) -> Version | None:
    index = bisect_left(versions, time, key=key)
    return versions[index - 1] if index else None


def _certain(clusters: Clusters) -> Iterator[Version]:
    """Give the heads of the chains in which nothing is a guess."""
    guesses = clusters.names.has_guesses
    for head in clusters.heads:
        if not guesses or not any(version.is_guess for version in head.chain()):
            yield head


def _calls(head: Version) -> Iterator[Call]:
    for version in head.chain():
        yield from version.calls()


def _earliest(calls: Iterable[Call]) -> Call | None:
    return min(calls, key=lambda call: call.finish, default=None)


def _latest(calls: Iterable[Call]) -> Call | None:
    return max(calls, key=begins, default=None)


def _only_observes(call: Call) -> bool:
    return call.kind in (GET, TOUCH) or call.status.value == "mismatch"


def _deadline(version: Version) -> int:
    return version.deadline


def _first(version: Version) -> int:
    return version.first

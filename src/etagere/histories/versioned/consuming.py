"""Who replaced what: the versions that were written on the condition of others."""

from __future__ import annotations

from etagere.histories.versioned import messages
from etagere.histories.versioned.clusters import Clusters
from etagere.histories.versioned.versions import Version
from etagere.histories.versioned.words import INFO, MISMATCH


def consume(clusters: Clusters) -> None:
    """Put the versions in chains, and decide which of the unanswered writes took place."""
    for version in clusters.consumers:
        _consume(clusters, version)
    _decide_unanswered(clusters)


def _consume(clusters: Clusters, version: Version) -> None:
    """Put a version that was written on the condition of another after it, in its chain."""
    call = version.write
    if call is None or not call.expected:
        return
    before = clusters.names.by_etag.get(call.expected)
    if before is None:
        before = clusters.names.find(call, call.expected, None)
        if before is None:
            return
    after = before.next
    if after is None and before is not version:
        before.next, version.previous = version, before
    elif after is None or _is_guess(clusters, version, after):
        clusters.names.is_ambiguous = True
    else:
        clusters.findings.append(messages.lost_update(after, call))


def _is_guess(clusters: Clusters, *versions: Version) -> bool:
    """Tell whether it is a guess that an unanswered write took place."""
    return clusters.names.has_guesses and any(
        version.write is not None and version.write.status is INFO for version in versions
    )


def _decide_unanswered(clusters: Clusters) -> None:
    """Tell the unanswered writes that somebody saw from those that may never have been.

    Seen conditional ones make it certain that what they consumed was there.
    """
    seen = [version for version in clusters.unanswered if _was_seen(version)]
    for version in seen:
        version.is_optional = False
    for version in seen:
        _consume(clusters, version)
        before = version.previous
        if before is not None and before.is_optional:
            before.is_optional = False
            seen.append(before)
    clusters.versions += seen
    clusters.versions += clusters.names.foundlings
    clusters.optional = [version for version in clusters.unanswered if version.is_optional]
    for observation in clusters.observations:
        call = observation.call
        if call.status is MISMATCH and call.expected and call.actual is None:
            observation.other_than = clusters.names.by_etag.get(call.expected)


def _was_seen(version: Version) -> bool:
    return version.reads is not None or version.next is not None

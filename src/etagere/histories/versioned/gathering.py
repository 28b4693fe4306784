"""From the calls of one key to its versions: who wrote each, who saw it, who consumed it."""

from __future__ import annotations

from collections.abc import Sequence

from etagere.histories.history import NEVER, Call
from etagere.histories.versioned.attaching import attach
from etagere.histories.versioned.clusters import Clusters
from etagere.histories.versioned.consuming import consume
from etagere.histories.versioned.pace import strides
from etagere.histories.versioned.versions import Observation, Version
from etagere.histories.versioned.words import (
    DELETE,
    FAIL,
    GET,
    INFO,
    NEEDS_ABSENT,
    NEEDS_PRESENT,
    OK,
    SET,
    TOUCH,
)
from etagere.operations import ABSENT, ANYTHING


def gather(clusters: Clusters, calls: Sequence[Call], ends: float) -> None:
    """Sort the calls of a key by the version that they wrote or saw."""
    gets, others = _sort(clusters, calls, ends)
    attach(clusters, gets, others, ends)
    consume(clusters)


def _sort(clusters: Clusters, calls: Sequence[Call], ends: float) -> tuple[list[Call], list[Call]]:
    """Enter the writes; return the gets and the other calls that were answered."""
    gets: list[Call] = []
    others: list[Call] = []
    for stride in strides(calls, ends):
        written: list[Version] = []
        for call in stride:
            kind, status = call.kind, call.status
            if kind is GET:
                if status is OK:
                    gets.append(call)
            elif kind is SET and status is OK:
                version = Version(call, call.start, call.finish, call.value, call.etag)
                written.append(version)
                if call.expected is not ANYTHING or call.ttl is not None:
                    _note_terms(clusters, version, call)
            elif status is INFO:
                _enter_unanswered(clusters, call)
            elif status is FAIL:
                clusters.names.refused.append(call)
            else:
                others.append(call)
                if kind is DELETE or call.ttl is not None:
                    clusters.may_vanish(call)
        clusters.versions += written
        clusters.names.enter_all(written)
    clusters.names.refused += others
    return gets, others


def _note_terms(clusters: Clusters, version: Version, call: Call) -> None:
    if call.expected:
        clusters.consumers.append(version)
    elif call.expected is not ANYTHING:
        version.needs = NEEDS_ABSENT
    if call.ttl is not None:
        clusters.may_vanish(call)
        version.mortal = call.start


def _enter_unanswered(clusters: Clusters, call: Call) -> None:
    if call.kind is TOUCH:
        if call.ttl is not None:
            clusters.may_vanish(call)
            clusters.touches.append(Observation(call, NEEDS_PRESENT))
        return
    if call.expected:
        clusters.expected.add(call.expected)
    if call.kind is DELETE and call.expected == ABSENT:
        return
    version = Version(call, call.start, NEVER)
    version.is_optional = True
    if call.expected == ABSENT:
        version.needs = NEEDS_ABSENT
    clusters.unanswered.append(version)
    if call.kind is DELETE:
        version.is_absent = True
        clusters.may_vanish(call)
        return
    version.value, version.etag = call.value, call.etag
    if call.ttl is not None:
        version.mortal = call.start
        clusters.may_vanish(call)
    clusters.names.enter(version)

"""Who saw what: the calls that found a version, and those that may have found several."""

from __future__ import annotations

from collections.abc import Sequence

from etagere.histories.history import Call
from etagere.histories.versioned import messages
from etagere.histories.versioned.clusters import Clusters
from etagere.histories.versioned.pace import strides
from etagere.histories.versioned.versions import Observation, Version, begins
from etagere.histories.versioned.words import (
    DELETE,
    MISMATCH,
    NEEDS_ABSENT,
    NEEDS_ANYTHING,
    NEEDS_PRESENT,
    STRONG,
    Needs,
)
from etagere.operations import ABSENT, ANYTHING


def attach(clusters: Clusters, gets: Sequence[Call], others: Sequence[Call], ends: float) -> None:
    """Attach every call to the version that it saw.

    Gets that know a value come first: they teach the etags of unanswered writes.
    """
    rest: list[Call] = []
    for stride in strides(gets, ends):
        rest += _attach_plain_gets(clusters, stride)
    for call in rest:
        if call.value is not None:
            _saw(clusters, call, call.etag, call.value)
    for call in rest:
        if call.value is None:
            _attach_get(clusters, call)
    for stride in strides(others, ends):
        for call in stride:
            if call.status is MISMATCH:
                _attach_mismatch(clusters, call)
            elif call.kind is DELETE:
                _attach_delete(clusters, call)
            else:
                _attach_touch(clusters, call)


def _attach_plain_gets(clusters: Clusters, gets: Sequence[Call]) -> list[Call]:
    """Attach the gets of which all is known, which are most of them; return the others."""
    by_value = clusters.names.by_value.get
    strong = STRONG
    rest: list[Call] = []
    for call in gets:
        version = by_value(call.value)  # type: ignore[arg-type]
        if version is None or version.etag != call.etag or call.consistency is not strong:
            rest.append(call)
            continue
        reads = version.reads
        if reads is None:
            version.reads = [call]
        else:
            reads.append(call)
        start, finish = call.start, call.finish
        if start > version.last:
            version.last = start
        if finish < version.first:
            version.first = finish
    return rest


def _attach_get(clusters: Clusters, call: Call) -> None:
    if call.etag is not None:
        _saw(clusters, call, call.etag, None)
    elif call.found is False:
        _saw_nothing(clusters, call)
    else:
        _observe(clusters, call, NEEDS_PRESENT if call.found else NEEDS_ANYTHING)


def _attach_delete(clusters: Clusters, call: Call) -> None:
    if call.expected and call.found is False:
        clusters.findings.append(messages.contradiction(call))
    elif call.expected == ABSENT or call.found is False:
        if call.found:
            clusters.findings.append(messages.contradiction(call))
        _saw_nothing(clusters, call)
    else:
        version = Version(call, call.start, call.finish)
        version.is_absent = True
        version.needs = NEEDS_PRESENT if call.found else NEEDS_ANYTHING
        clusters.versions.append(version)
        if call.expected:
            clusters.consumers.append(version)


def _attach_touch(clusters: Clusters, call: Call) -> None:
    etag = call.expected or call.etag
    if call.found is False or call.expected == ABSENT:
        if call.found or call.expected:
            clusters.findings.append(messages.contradiction(call))
        _saw_nothing(clusters, call)
        return
    version = None
    if etag is None:
        _observe(clusters, call, NEEDS_PRESENT if call.found else NEEDS_ANYTHING)
    else:
        version = _saw(clusters, call, etag, None)
    if call.ttl is not None and version is not None:
        version.mortal = min(version.mortal, call.start)


def _attach_mismatch(clusters: Clusters, call: Call) -> None:
    if call.expected is ANYTHING or call.actual == call.expected:
        clusters.findings.append(messages.contradiction(call))
    elif call.actual == ABSENT:
        _saw_nothing(clusters, call)
    elif call.actual is not None:
        version = clusters.names.by_etag.get(call.actual)
        if version is None:
            _saw(clusters, call, call.actual, None)
        else:
            version.add(call, call.start)
    elif call.expected == ABSENT:
        _observe(clusters, call, NEEDS_PRESENT)
    else:
        clusters.expected.add(call.expected)
        _observe(clusters, call, NEEDS_ANYTHING)


def _saw(clusters: Clusters, call: Call, etag: str | None, value: str | None) -> Version | None:
    version = clusters.names.find(call, etag, value)
    if version is not None:
        version.add(call, begins(call))
    return version


def _saw_nothing(clusters: Clusters, call: Call) -> None:
    if clusters.first_vanishing <= call.finish:
        _observe(clusters, call, NEEDS_ABSENT)
    elif clusters.beginning.is_absent:
        clusters.beginning.add(call, begins(call))
    else:
        clusters.findings.append(messages.vanished(call))


def _observe(clusters: Clusters, call: Call, needs: Needs) -> None:
    clusters.observations.append(Observation(call, needs))

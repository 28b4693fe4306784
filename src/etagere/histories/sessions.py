"""The four session guarantees (Terry et al., 1994), for each session and key.

They hold of eventual reads too, if the store gives them; a linearizable history of strong calls has
them anyhow. A session is a client of the recorder's, through all its lives.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from itertools import islice

from msgspec import Struct

from etagere.histories.history import NEVER, Call, History, Kind, Status, in_order
from etagere.histories.identities import session_of
from etagere.histories.ordering import INITIAL, VersionOrder
from etagere.histories.verdicts import Verdict


class Guarantee(StrEnum):
    """What a session may rely on."""

    READ_YOUR_WRITES = "read your writes"
    """A read sees the session's own writes, or newer ones."""
    MONOTONIC_READS = "monotonic reads"
    """A read sees nothing older than an earlier read did."""
    MONOTONIC_WRITES = "monotonic writes"
    """A write takes its place behind the session's earlier ones."""
    WRITES_FOLLOW_READS = "writes follow reads"
    """A write takes its place behind what the session had read."""


class Breach(Struct, frozen=True):
    """A guarantee that a session did not get."""

    guarantee: Guarantee
    session: str
    key: str
    message: str
    witnesses: tuple[Call, Call]
    """What the session had done or seen before, and the call that does not fit with it."""


class SessionReport(Struct, frozen=True):
    """What became of the guarantees in a history."""

    breaches: list[Breach]
    checked: dict[Guarantee, int]
    """How many calls were held against what their session had done or seen before."""
    undecided: dict[Guarantee, int]
    """Of how many of these it cannot be told, because nothing orders the versions."""

    @property
    def kept(self) -> bool:
        """Whether no guarantee was surely broken."""
        return not self.breaches


Seen = tuple[int, Call]
"""A version, and the call that saw or made it."""


def check_sessions(history: History, verdict: Verdict | None = None) -> SessionReport:
    """Hold each call of each session against the session's earlier ones on the same key.

    A breach is one in every order that the answers allow. With the `verdict` of the versioned
    checker, its order of the calls settles what they leave open. Takes one pass for each session
    and key.
    """
    report = SessionReport([], dict.fromkeys(Guarantee, 0), dict.fromkeys(Guarantee, 0))
    for key, calls in history.by_key().items():
        order = VersionOrder(calls, history.initial)
        found = verdict.keys.get(key) if verdict is not None else None
        places = places_in(order, (found and found.order) or ())
        for session, own in by_session(calls).items():
            _Scan(report, order, places, session, key).run(own)
    return report


def by_session(calls: Iterable[Call]) -> dict[str, list[Call]]:
    """Return the calls of each session, in their order."""
    sessions: dict[str, list[Call]] = {}
    for call in in_order(calls):
        sessions.setdefault(session_of(call.client), []).append(call)
    return sessions


class Places(Struct, frozen=True):
    """Where versions and calls stand in an order that explains every answer."""

    versions: dict[int, int]
    calls: dict[int, int]
    """By the start of a call: the place of the version that it made or saw."""


def places_in(order: VersionOrder, calls: Iterable[Call]) -> Places:
    """Return the places in an order of calls."""
    places = Places({INITIAL: 0}, {})
    place = 0
    for call in calls:
        if (made := order.made_by(call)) is not None:
            place += 1
            places.versions[made] = place
        elif len(seen := list(islice(order.seen_by(call), 2))) == 1:
            places.versions.setdefault(seen[0], place)  # of a write that was not told its etag
        places.calls[call.start] = place
    return places


class _Scan:
    """One session's calls on one key."""

    def __init__(
        self,
        report: SessionReport,
        order: VersionOrder,
        places: Places,
        session: str,
        key: str,
    ) -> None:
        self._report, self._order, self._places = report, order, places
        self._session, self._key = session, key
        self._reads: list[Seen] = []
        self._writes: list[Seen] = []
        self._under_way: list[tuple[list[Seen], Seen]] = []

    def run(self, calls: Iterable[Call]) -> None:
        """Take the calls in order; each is held against those that were over when it began."""
        for call in calls:
            self._settle(call.start)
            if (made := self._order.made_by(call)) is not None:
                self._compare(Guarantee.MONOTONIC_WRITES, self._writes, [made], call)
                self._compare(Guarantee.WRITES_FOLLOW_READS, self._reads, [made], call)
                self._under_way.append((self._writes, (made, call)))
                continue
            self._compare(Guarantee.MONOTONIC_READS, self._reads, self._order.seen_by(call), call)
            self._compare(Guarantee.READ_YOUR_WRITES, self._writes, self._order.seen_by(call), call)
            seen = list(islice(self._order.seen_by(call), 2))
            if len(seen) == 1:
                self._under_way.append((self._reads, (seen[0], call)))

    def _settle(self, moment: int) -> None:
        still: list[tuple[list[Seen], Seen]] = []
        for newest, seen in self._under_way:
            if seen[1].finish < moment:
                self._add(newest, seen)
            else:
                still.append((newest, seen))
        self._under_way = still

    def _add(self, newest: list[Seen], seen: Seen) -> None:
        """Keep only what is not known to be older than something else."""
        if any(seen[0] == other or self._order.before(seen[0], other) for other, _ in newest):
            return
        newest[:] = [each for each in newest if not self._order.before(each[0], seen[0])]
        newest.append(seen)

    def _compare(
        self, guarantee: Guarantee, newest: list[Seen], candidates: Iterable[int], call: Call
    ) -> None:
        if not newest:
            return
        if self._fits(call, newest):
            self._report.checked[guarantee] += 1
            return
        missed: Call | None = None
        for version in candidates:
            newer = next((e for e in newest if self._order.precedes(version, e[0])), None)
            if newer is None:
                self._report.checked[guarantee] += 1
                if not all(self._follows(version, other) for other, _ in newest):
                    self._report.undecided[guarantee] += 1
                return
            missed = missed or newer[1]
        if missed is not None:
            self._report.checked[guarantee] += 1
            self._report.breaches.append(self._breach(guarantee, missed, call))

    def _follows(self, version: int, other: int) -> bool:
        return version == other or self._order.precedes(other, version)

    def _fits(self, call: Call, newest: list[Seen]) -> bool:
        """Tell whether the order that the checker found keeps the guarantee."""
        place, places = self._places.calls.get(call.start), self._places.versions
        return place is not None and all(places.get(other, NEVER) <= place for other, _ in newest)

    def _breach(self, guarantee: Guarantee, missed: Call, call: Call) -> Breach:
        message = (
            f"{guarantee}: session {self._session!r} {told(call)},"
            f" which is older than what it had before, when it {told(missed)}"
        )
        return Breach(guarantee, self._session, self._key, message, (missed, call))


def told(call: Call) -> str:
    """Return what a call did, for a sentence about its session."""
    if call.kind is Kind.SET and call.status is not Status.MISMATCH:
        return f"wrote {version_of(call)} of key {call.key!r} (call {call.start})"
    if call.kind is Kind.DELETE and call.status is not Status.MISMATCH and call.found is not False:
        return f"deleted key {call.key!r} (call {call.start})"
    return f"saw {version_of(call)} of key {call.key!r} (call {call.start})"


def version_of(call: Call) -> str:
    """Return how messages call the version that a call made or saw."""
    etag = call.actual if call.status is Status.MISMATCH else call.etag
    if etag:
        return f"ETag {etag!r}"
    return "no record" if call.value is None else f"value {call.value!r}"

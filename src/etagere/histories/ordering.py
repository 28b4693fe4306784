"""Which of a key's versions came first, as far as writes and answers force it.

A conditional write is the immediate successor of the version that it consumed, so versions form
chains. A version came before another one if it is known to have been there (its write, a write on
top of it or a read of it was answered) before the write of that one, or of one below it, began.
Reads say nothing of what was newest, so this holds where they were stale as well. Two blind writes
at the same time stay without an order.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate
from typing import Final

from etagere.histories.history import NEVER, Call, Kind, Status

INITIAL: Final = 0
"""The version that a key has at the start: what was there then, or nothing."""
NONE: Final = -1


class VersionOrder:
    """The versions of one key by number, 0 being the initial one, and their partial order."""

    def __init__(self, calls: Sequence[Call], initial: str | None = None) -> None:
        calls = [call for call in calls if call.status is not Status.FAIL]
        self.makers: list[Call | None] = [None]
        """Of each version: the set or delete that made it; None where that is not recorded."""
        self.expires = any(call.ttl is not None for call in calls)
        """Whether records may have vanished by themselves."""
        self._initially_absent = initial is None
        self._by_etag: dict[str, int] = {}
        self._by_value: dict[str, int] = {} if initial is None else {initial: INITIAL}
        self._deletes: dict[int, int] = {}
        self._number(calls)
        self._parents = [self._parent_of(maker) for maker in self.makers]
        self._descend()
        self._known = self._when_known(calls)
        self._delete_starts = list(self._deletes)
        self._latest_absences = list(accumulate(self._deletes.values(), self._known_later))

    def before(self, one: int, other: int) -> bool:
        """Tell whether one version certainly came before another."""
        if one == other:
            return False
        return self._known[one] < self._latest[other] or self.leads_to(one, other)

    def precedes(self, one: int, other: int) -> bool:
        """Tell whether one version came before another; chains count more than time."""
        if self.leads_to(other, one):
            return False
        in_time = self.before(one, other) and not self.before(other, one)
        return in_time or self.leads_to(one, other)

    def leads_to(self, one: int, other: int) -> bool:
        """Tell whether conditional writes lead from one version to the other, or they are one."""
        return self._enter[one] <= self._enter[other] < self._leave[one]

    def are_kin(self, one: int, other: int) -> bool:
        """Tell whether conditional writes lead to both from one version."""
        return self._roots[one] == self._roots[other]

    def first_known(self, version: int) -> int:
        """Return when a version or one on top of it was first known to have been there."""
        return self._known[version]

    def last_begun(self, version: int) -> int:
        """Return when the last of the writes that lead to a version began."""
        return self._latest[version]

    def on_top(self, version: int, moment: int) -> Iterator[int]:
        """Yield the versions to which conditional writes lead from this one until a moment."""
        ahead = [version]
        while ahead:
            for child in self._children[ahead.pop()]:
                if self._latest[child] <= moment:
                    yield child
                    ahead.append(child)

    def made_by(self, call: Call) -> int | None:
        """Return the version that a call made; None if it made none or that is not known."""
        if call.kind is Kind.SET and call.status in (Status.OK, Status.INFO):
            return self._find(call.etag, call.value)
        if call.kind is Kind.DELETE and call.found is not False:
            return self._deletes.get(call.start)
        return None

    def seen_by(self, call: Call) -> Iterator[int]:
        """Yield the versions of which a call may have seen one; none where that cannot be told."""
        actual = call.actual if call.status is Status.MISMATCH else None
        ok = call.status is Status.OK
        if (ok and call.found is False) or actual == "":
            yield from self.absent_until(call.finish)
            return
        found = self._by_etag.get(actual) if actual is not None else None
        if ok and call.kind is Kind.GET:
            found = self._find(call.etag, call.value)
        if found is not None:
            yield found

    def latest_seen_by(self, call: Call) -> int | None:
        """Return the version that a call can have seen of which least is known to be newer."""
        version = next(self.seen_by(call), None)
        if version is None or call.found is not False:
            return version
        begun = bisect_left(self._delete_starts, call.finish)
        return self._latest_absences[begun - 1] if begun else version

    def held_as(self, value: str | None, etag: str | None) -> Iterator[int]:
        """Yield the versions that look like this in the end; None and None: nothing is there."""
        if value is None and etag is None:
            yield from self.absent_until(NEVER)
        elif (version := self._find(etag, value)) is not None:
            maker = self.makers[version]
            if version == INITIAL or (maker is not None and value in (None, maker.value)):
                yield version

    def absent_until(self, moment: int) -> Iterator[int]:
        """Yield the versions without a record that can have been there, the newest first."""
        if self.expires:
            return
        for place in range(bisect_left(self._delete_starts, moment) - 1, -1, -1):
            yield self._deletes[self._delete_starts[place]]
        if self._initially_absent:
            yield INITIAL

    # --- building -----------------------------------------------------------------------------

    def _number(self, calls: Iterable[Call]) -> None:
        learned: dict[str | None, str] = {
            call.value: call.etag
            for call in calls
            if call.kind is Kind.GET and call.value is not None and call.etag is not None
        }
        for call in calls:
            if call.status is Status.MISMATCH:
                continue
            if call.kind is Kind.SET:
                etag = learned.get(call.value) if call.etag is None else call.etag
                self._add(call, etag)
            elif call.kind is Kind.DELETE and call.found is not False:
                self._deletes[call.start] = len(self.makers)
                self.makers.append(call)
        for call in calls:
            for etag in (call.etag, call.expected, call.actual):
                if etag and etag not in self._by_etag:
                    if call.kind is Kind.GET and call.value in self._by_value:
                        self._by_etag[etag] = self._by_value[call.value]
                    else:
                        self._by_etag[etag] = len(self.makers)
                        self.makers.append(None)

    def _add(self, call: Call, etag: str | None) -> None:
        version = len(self.makers)
        self.makers.append(call)
        if etag is not None:
            self._by_etag.setdefault(etag, version)
        if call.value is not None:
            self._by_value.setdefault(call.value, version)

    def _parent_of(self, maker: Call | None) -> int:
        return self._by_etag[maker.expected] if maker is not None and maker.expected else NONE

    def _descend(self) -> None:
        # Those on top of a version are numbered from its enter to its leave.
        count = len(self.makers)
        self._children: list[list[int]] = [[] for _ in range(count)]
        for version, parent in enumerate(self._parents):
            if parent != NONE:
                self._children[parent].append(version)
        self._enter, self._leave = [NONE] * count, [NONE] * count
        self._roots = list(range(count))
        self._latest = [NONE if maker is None else maker.start for maker in self.makers]
        self._sequence: list[int] = []
        # What is not reached from a root is a ring, which no store can have made.
        for root in [v for v, parent in enumerate(self._parents) if parent == NONE]:
            self._enter_all_from(root)
        for version in range(count):
            if self._enter[version] == NONE:
                self._enter[version] = len(self._sequence)
                self._leave[version] = len(self._sequence) + 1
                self._sequence.append(version)

    def _enter_all_from(self, root: int) -> None:
        stack = [root]
        while stack:
            version = stack.pop()
            if version < 0:
                self._leave[~version] = len(self._sequence)
                continue
            self._enter[version] = len(self._sequence)
            self._sequence.append(version)
            stack.append(~version)
            for child in self._children[version]:
                self._roots[child] = root
                self._latest[child] = max(self._latest[child], self._latest[version])
                stack.append(child)

    def _when_known(self, calls: Iterable[Call]) -> list[int]:
        known = [NEVER if maker is None else maker.finish for maker in self.makers]
        known[INITIAL] = NONE
        for call in calls:
            if call.kind is Kind.GET or call.status is Status.MISMATCH:
                etag = call.etag if call.kind is Kind.GET else call.actual
                version = self._find(etag, call.value if call.kind is Kind.GET else None)
                if version is not None and call.finish < known[version]:
                    known[version] = call.finish
        for version in reversed(self._sequence):
            parent = self._parents[version]
            if parent != NONE and known[version] < known[parent]:
                known[parent] = known[version]
        return known

    def _known_later(self, one: int, other: int) -> int:
        return max(one, other, key=self._known.__getitem__)

    def _find(self, etag: str | None, value: str | None) -> int | None:
        if etag and (version := self._by_etag.get(etag)) is not None:
            return version
        return None if value is None else self._by_value.get(value)

"""From the calls of one key to its versions: who wrote each, who saw it, who consumed it."""

from __future__ import annotations

from collections.abc import Sequence

from etagere.histories.history import NEVER, Call
from etagere.histories.verdicts import Finding
from etagere.histories.versioned import messages
from etagere.histories.versioned.naming import Names
from etagere.histories.versioned.versions import BEGINNING, Observation, Version, begins
from etagere.histories.versioned.words import (
    DELETE,
    FAIL,
    GET,
    INFO,
    MISMATCH,
    NEEDS_ABSENT,
    NEEDS_ANYTHING,
    NEEDS_PRESENT,
    OK,
    SET,
    STRONG,
    TOUCH,
    Needs,
)
from etagere.operations import ABSENT, ANYTHING


class Clusters:
    """The versions of one key, each with the calls that show it, and the observations left over."""

    def __init__(self, calls: Sequence[Call], initial: str | None) -> None:
        self.names = Names()
        self.beginning = Version(None, BEGINNING, BEGINNING)
        self.beginning.is_absent = initial is None
        self.beginning.value = initial
        self.beginning.placed = True
        self.versions: list[Version] = [self.beginning]
        """Those that certainly were."""
        self.optional: list[Version] = []
        """Those of unanswered writes that nobody saw."""
        self.observations: list[Observation] = []
        self.touches: list[Observation] = []
        """Unanswered touches that may have given the record a time to live."""
        self.expected: set[str | None] = set()
        """The etags that calls expected of which it is not certain that they found them."""
        self.heads: list[Version] = []
        """The first versions of the chains. Set by `chains.link`."""
        self._gets: list[Call] = []
        self._others: list[Call] = []
        self._consumers: list[Version] = []
        self._unanswered: list[Version] = []
        self._first_vanishing = NEVER
        if initial is not None:
            self.names.enter(self.beginning)
        self._sort(calls)
        self._attach_gets()
        self._attach_others()
        self._consume_all()
        self._decide_unanswered()

    @property
    def findings(self) -> list[Finding]:
        """Proofs that something is wrong, whatever the order."""
        return self.names.findings

    def _sort(self, calls: Sequence[Call]) -> None:
        gets, others, refused = self._gets, self._others, self.names.refused
        for call in calls:
            kind, status = call.kind, call.status
            if kind is GET:
                if status is OK:
                    gets.append(call)
            elif kind is SET and status is OK:
                self._enter_set(call)
            elif status is INFO:
                self._enter_unanswered(call)
            elif status is FAIL:
                refused.append(call)
            else:
                others.append(call)
                if kind is DELETE or call.ttl is not None:
                    self._vanishes(call)

        refused += others

    def _enter_set(self, call: Call) -> None:
        version = Version(call, call.start, call.finish)
        version.value = call.value
        version.etag = call.etag
        self.versions.append(version)
        self.names.enter(version)
        expected = call.expected
        if expected:
            self._consumers.append(version)
        elif expected is not ANYTHING:
            version.needs = NEEDS_ABSENT
        if call.ttl is not None:
            self._vanishes(call)
            version.mortal = call.start

    def _enter_unanswered(self, call: Call) -> None:
        if call.kind is TOUCH:
            if call.ttl is not None:
                self._vanishes(call)
                self.touches.append(Observation(call, NEEDS_PRESENT))
            return
        if call.expected:
            self.expected.add(call.expected)
        if call.kind is DELETE and call.expected == ABSENT:
            return
        version = Version(call, call.start, NEVER)
        version.is_optional = True
        version.needs = NEEDS_ABSENT if call.expected == ABSENT else NEEDS_ANYTHING
        self._unanswered.append(version)
        if call.kind is DELETE:
            version.is_absent = True
            self._vanishes(call)
            return
        version.value, version.etag = call.value, call.etag
        if call.ttl is not None:
            version.mortal = call.start
            self._vanishes(call)
        self.names.enter(version)

    def _vanishes(self, call: Call) -> None:
        self._first_vanishing = min(self._first_vanishing, call.start)

    # --- who saw what -----------------------------------------------------------------------------

    def _attach_gets(self) -> None:
        """Attach the gets that know a value first: they teach the etags of unanswered writes."""
        by_value = self.names.by_value.get
        strong = STRONG
        rest: list[Call] = []
        for call in self._gets:
            version = by_value(call.value)  # type: ignore[arg-type]
            if version is None or version.etag != call.etag or call.consistency is not strong:
                rest.append(call)
                continue
            if version.reads is None:
                version.reads = [call]
            else:
                version.reads.append(call)
            if call.start > version.last:
                version.last = call.start
            if call.finish < version.first:
                version.first = call.finish
        for call in rest:
            if call.value is not None:
                self._saw(call, call.etag, call.value)
        for call in rest:
            if call.value is None:
                self._attach_get(call)

    def _attach_get(self, call: Call) -> None:
        if call.etag is not None:
            self._saw(call, call.etag, None)
        elif call.found is False:
            self._saw_nothing(call)
        else:
            self._observe(call, NEEDS_PRESENT if call.found else NEEDS_ANYTHING)

    def _attach_others(self) -> None:
        for call in self._others:
            if call.status is MISMATCH:
                self._attach_mismatch(call)
            elif call.kind is DELETE:
                self._attach_delete(call)
            else:
                self._attach_touch(call)

    def _attach_delete(self, call: Call) -> None:
        if call.expected and call.found is False:
            self.findings.append(messages.contradiction(call))
        elif call.expected == ABSENT or call.found is False:
            if call.found:
                self.findings.append(messages.contradiction(call))
            self._saw_nothing(call)
        else:
            version = Version(call, call.start, call.finish)
            version.is_absent = True
            version.needs = NEEDS_PRESENT if call.found else NEEDS_ANYTHING
            self.versions.append(version)
            if call.expected:
                self._consumers.append(version)

    def _attach_touch(self, call: Call) -> None:
        etag = call.expected or call.etag
        if call.found is False or call.expected == ABSENT:
            if call.found or call.expected:
                self.findings.append(messages.contradiction(call))
            self._saw_nothing(call)
            return
        version = None
        if etag is None:
            self._observe(call, NEEDS_PRESENT if call.found else NEEDS_ANYTHING)
        else:
            version = self._saw(call, etag, None)
        if call.ttl is not None and version is not None:
            version.mortal = min(version.mortal, call.start)

    def _attach_mismatch(self, call: Call) -> None:
        if call.expected is ANYTHING or call.actual == call.expected:
            self.findings.append(messages.contradiction(call))
        elif call.actual == ABSENT:
            self._saw_nothing(call)
        elif call.actual is not None:
            version = self.names.by_etag.get(call.actual)
            if version is None:
                self._saw(call, call.actual, None)
            else:
                version.add(call, call.start)
        elif call.expected == ABSENT:
            self._observe(call, NEEDS_PRESENT)
        else:
            self.expected.add(call.expected)
            self._observe(call, NEEDS_ANYTHING)

    def _saw(self, call: Call, etag: str | None, value: str | None) -> Version | None:
        version = self.names.find(call, etag, value)
        if version is not None:
            version.add(call, begins(call))
        return version

    def _saw_nothing(self, call: Call) -> None:
        if self._first_vanishing <= call.finish:
            self._observe(call, NEEDS_ABSENT)
        elif self.beginning.is_absent:
            self.beginning.add(call, begins(call))
        else:
            self.findings.append(messages.vanished(call))

    def _observe(self, call: Call, needs: Needs) -> None:
        self.observations.append(Observation(call, needs))

    # --- who replaced what ------------------------------------------------------------------------

    def _consume_all(self) -> None:
        for version in self._consumers:
            self._consume(version)

    def _consume(self, version: Version) -> None:
        """Put a version that was written on the condition of another after it, in its chain."""
        call = version.write
        if call is None or not call.expected:
            return
        before = self.names.by_etag.get(call.expected)
        if before is None:
            before = self.names.find(call, call.expected, None)
            if before is None:
                return
        after = before.next
        if after is None and before is not version:
            before.next, version.previous = version, before
        elif after is None or self._is_guess(version, after):
            self.names.is_ambiguous = True
        else:
            self.findings.append(messages.lost_update(after, call))

    def _is_guess(self, *versions: Version) -> bool:
        """Tell whether it is a guess that an unanswered write took place."""
        return self.names.has_guesses and any(
            version.write is not None and version.write.status is INFO for version in versions
        )

    def _decide_unanswered(self) -> None:
        """Tell the unanswered writes that somebody saw from those that may never have been.

        Seen conditional ones make it certain that what they consumed was there.
        """
        seen = [version for version in self._unanswered if _was_seen(version)]
        for version in seen:
            version.is_optional = False
        for version in seen:
            self._consume(version)
            before = version.previous
            if before is not None and before.is_optional:
                before.is_optional = False
                seen.append(before)
        self.versions += seen
        self.versions += self.names.foundlings
        self.optional = [version for version in self._unanswered if version.is_optional]
        for observation in self.observations:
            call = observation.call
            if call.status is MISMATCH and call.expected and call.actual is None:
                observation.other_than = self.names.by_etag.get(call.expected)


def _was_seen(version: Version) -> bool:
    return version.reads is not None or version.next is not None

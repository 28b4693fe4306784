"""What the calls of one key are about, as it is being found out."""

from __future__ import annotations

from typing import final

from etagere.histories.history import NEVER, Call
from etagere.histories.verdicts import Finding
from etagere.histories.versioned.naming import Names
from etagere.histories.versioned.versions import BEGINNING, Observation, Version


@final
class Clusters:
    """The versions of one key, each with the calls that show it, and the observations left over."""

    def __init__(self, initial: str | None) -> None:
        self.names = Names()
        self.beginning = Version(None, BEGINNING, BEGINNING, initial)
        self.beginning.is_absent = initial is None
        self.beginning.placed = True
        if initial is not None:
            self.names.enter(self.beginning)
        self.versions: list[Version] = [self.beginning]
        """Those that certainly were."""
        self.unanswered: list[Version] = []
        """Those of unanswered writes."""
        self.optional: list[Version] = []
        """Those of unanswered writes that nobody saw."""
        self.consumers: list[Version] = []
        """Those whose writes were answered, and expected an etag."""
        self.observations: list[Observation] = []
        self.touches: list[Observation] = []
        """Unanswered touches that may have given the record a time to live."""
        self.expected: set[str | None] = set()
        """The etags that calls expected of which it is not certain that they found them."""
        self.heads: list[Version] = []
        """The first versions of the chains. Set by `chains.link`."""
        self.first_vanishing = NEVER
        """The first moment at which the record can have been deleted or have expired."""

    @property
    def findings(self) -> list[Finding]:
        """Proofs that something is wrong, whatever the order."""
        return self.names.findings

    def may_vanish(self, call: Call) -> None:
        """Take note of a call that can make the record go, now or later."""
        if call.start < self.first_vanishing:
            self.first_vanishing = call.start

    def take_apart(self) -> None:
        """Let go of versions that know each other, so that their memory is free at once."""
        for version in self.versions:
            version.previous = version.next = version.guests = None
        for version in self.optional:
            version.guests = None

"""What the calls of one key are about: versions that follow each other, and observations."""

from __future__ import annotations

from collections.abc import Iterator
from enum import Enum

from etagere.histories.history import NEVER, Call, Kind
from etagere.operations import Consistency

BEGINNING = -1
"""Before every call."""


class Needs(Enum):
    """What must be under a key for something to take place."""

    ANYTHING = "anything"
    ABSENT = "absent"
    PRESENT = "present"


class Version:
    """What a key holds from one effective write to the next; a delete makes an absent one.

    Versions that were written on the condition of the one before hang together in a chain.
    """

    # Defaults of the class keep the making of a version cheap: there are as many as writes.
    value: str | None = None
    etag: str | None = None
    is_absent = False
    needs = Needs.ANYTHING
    """Of the head of a chain: what it must find."""
    is_guess = False
    """Whether an etag was given to it that may as well be another's."""
    is_optional = False
    """Whether nobody saw it, so that it may never have been."""
    mortal = NEVER
    """From when on it may vanish by itself."""
    reads: list[Call] | None = None
    previous: Version | None = None
    next: Version | None = None
    placed = False
    guests: list[Observation] | None = None
    """The observations that were given to it."""
    # Set by `chains`.
    earliest = BEGINNING
    """The first moment at which it can begin, given the versions before it in its chain."""
    deadline = NEVER
    """The last moment at which it can begin."""
    closes = BEGINNING
    """The first moment at which another can follow."""
    chain_closes = BEGINNING
    """Of the head of a chain: the first moment at which something else can follow the chain."""

    def __init__(self, write: Call | None, start: int, finish: int) -> None:
        self.write = write
        self.first = finish
        """The first finish of a call that shows it."""
        self.last = start
        """The last start of a call that shows it."""
        self.start = start

    def add(self, call: Call) -> None:
        """Take in a call that found this version."""
        start = begins(call)
        if self.reads is None:
            self.reads = [call]
        else:
            self.reads.append(call)
        if call.finish < self.first:
            self.first = call.finish
        if start > self.last:
            self.last = start

    def admits(self, needs: Needs) -> bool:
        """Tell whether this is what is needed."""
        return needs is Needs.ANYTHING or (needs is Needs.ABSENT) is self.is_absent

    def calls(self) -> Iterator[Call]:
        """Give its write and the calls that found it."""
        if self.write is not None:
            yield self.write
        yield from self.reads or ()

    def chain(self) -> Iterator[Version]:
        """Give this version and those after it in its chain."""
        version: Version | None = self
        while version is not None:
            yield version
            version = version.next


class Observation:
    """A call that changed nothing, and may have found more than one version."""

    placed = False

    def __init__(self, call: Call, needs: Needs, other_than: Version | None = None) -> None:
        self.call = call
        self.needs = needs
        self.other_than = other_than
        """The version that it did not find."""
        self.start = begins(call)
        self.deadline = call.finish

    def holds_at(self, version: Version) -> bool:
        """Tell whether `version` explains it."""
        return version is not self.other_than and version.admits(self.needs)


def begins(call: Call) -> int:
    """Return from when on a call may take effect: an eventual read may be of any time before."""
    if call.kind is Kind.GET and call.consistency is Consistency.EVENTUAL:
        return BEGINNING
    return call.start

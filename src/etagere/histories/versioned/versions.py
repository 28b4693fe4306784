"""What the calls of one key are about: versions that follow each other, and observations."""

from __future__ import annotations

from collections.abc import Iterator
from typing import final

from etagere.histories.history import NEVER, Call
from etagere.histories.versioned.words import EVENTUAL, GET, NEEDS_ABSENT, NEEDS_ANYTHING, Needs

BEGINNING = -1
"""Before every call."""


@final
class Version:
    """What a key holds from one effective write to the next; a delete makes an absent one.

    Versions that were written on the condition of the one before hang together in a chain.
    """

    __slots__ = (
        "chain_closes",
        "closes",
        "deadline",
        "earliest",
        "etag",
        "first",
        "guests",
        "is_absent",
        "is_guess",
        "is_mixed",
        "is_optional",
        "last",
        "mortal",
        "needs",
        "next",
        "placed",
        "previous",
        "reads",
        "start",
        "value",
        "write",
    )

    # Where it can be, as `chains.link` finds out of those that certainly were.
    earliest: int
    """The first moment at which it can begin, given the versions before it in its chain."""
    deadline: int
    """The last moment at which it can begin."""
    chain_closes: int
    """Of a head: the first moment at which another chain can follow."""

    def __init__(
        self,
        write: Call | None,
        start: int,
        finish: int,
        value: str | None = None,
        etag: str | None = None,
    ) -> None:
        self.write = write
        self.value = value
        self.etag = etag
        self.is_absent = False
        self.is_optional = False
        """Whether nobody saw it, so that it may never have been."""
        self.is_guess = False
        """Whether an etag was given to it that may as well be another's."""
        self.mortal = NEVER
        """From when on it may vanish by itself."""
        self.needs: Needs = NEEDS_ANYTHING
        """Of the head of a chain: what it must find."""
        self.previous: Version | None = None
        self.next: Version | None = None
        self.reads: list[Call] | None = None
        self.is_mixed = False
        """Whether its reads are in another order than that of their starts."""
        self.start = self.last = self.closes = start
        """`last` is the last start of a call that shows it, `closes` the first moment at which
        another version can follow."""
        self.first = finish
        """The first finish of a call that shows it."""
        # Where it is, as `weaving` decides.
        self.placed = False
        self.guests: list[Observation] | None = None
        """The observations that were given to it."""

    def add(self, call: Call, start: int) -> None:
        """Take in a call that found this version, and that may take effect from `start` on."""
        self.is_mixed = True
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
        return needs is NEEDS_ANYTHING or (needs is NEEDS_ABSENT) is self.is_absent

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


@final
class Observation:
    """A call that changed nothing, and may have found more than one version."""

    __slots__ = ("call", "deadline", "needs", "other_than", "placed", "start")

    def __init__(self, call: Call, needs: Needs, other_than: Version | None = None) -> None:
        self.call = call
        self.needs = needs
        self.other_than = other_than
        """The version that it did not find."""
        self.start = begins(call)
        self.deadline = call.finish
        self.placed = False

    def holds_at(self, version: Version) -> bool:
        """Tell whether `version` explains it."""
        needs = self.needs
        return version is not self.other_than and (
            needs is NEEDS_ANYTHING or (needs is NEEDS_ABSENT) is version.is_absent
        )


def vanished(now: int) -> Version:
    """Return the absence after the end of a version's time to live."""
    version = Version(None, now, now)
    version.is_absent = True
    version.is_optional = True
    return version


def begins(call: Call) -> int:
    """Return from when on a call may take effect: an eventual read may be of any time before."""
    if call.kind is GET and call.consistency is EVENTUAL:
        return BEGINNING
    return call.start

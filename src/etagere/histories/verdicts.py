"""What a checker says: a verdict, with the calls that witness it."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from msgspec import Struct


class Answer(StrEnum):
    """Whether a history is what it should be."""

    YES = "linearizable"
    NO = "not linearizable"
    UNDECIDED = "undecided"


class Anomaly(StrEnum):
    """What is wrong, by name. Each names the calls that show it."""

    LOST_UPDATE = "lost_update"
    """Two writes consumed the same version."""
    STALE_READ = "stale_read"
    """A newer version had been observed before the read began."""
    ABORTED_READ = "aborted_read"
    """A read saw the value of a write that was answered with a mismatch."""
    PHANTOM_READ = "phantom_read"
    """A read saw a value that nobody wrote."""
    FUTURE_READ = "future_read"
    """A read ended before the write of its value began."""
    ETAG_REUSE = "etag_reuse"
    """One etag stood for two values."""
    ETAG_VALUE_MISMATCH = "etag_value_mismatch"
    """One value was read under two etags, or under another than its write was given."""
    CHAIN_INVERSION = "chain_inversion"
    """A version was observed after its successor in the chain of conditional writes."""
    ZONE_OVERLAP = "zone_overlap"
    """Two versions each had to come before the other."""
    ZONE_NESTED = "zone_nested"
    """A version had to come in the middle of another's."""
    RESURRECTION = "resurrection"
    """A version was observed again after it had been deleted."""
    NO_ORDER = "no_order"
    """A complete search found no order of the calls that explains every answer."""
    UNDECIDED = "undecided"
    """Time or memory ran out before a complete search had an answer."""


class Finding(Struct, frozen=True):
    """One thing that is wrong with one key's calls."""

    anomaly: Anomaly
    key: str
    message: str
    """What happened, in a sentence that a person can follow with the witnesses beside it."""
    witnesses: tuple[Any, ...] = ()
    """The calls that show it: `Call`s, or `Step`s where a general model was checked."""


class KeyVerdict(Struct, frozen=True):
    """What a checker says of one key."""

    key: str
    answer: Answer
    findings: tuple[Finding, ...] = ()
    order: Sequence[Any] | None = None
    """Where the answer is yes: the calls in an order that explains every answer, a certificate that
    `verify` can check on its own. Calls that are left out had no effect."""
    partial: Sequence[Any] | None = None
    """Where a complete search says no: the longest order of some of the calls that it found. The
    finding's witnesses are the calls none of which can come next."""
    method: str = ""
    """How the answer was found: "certificate", "zones", "search"..."""


class Verdict(Struct, frozen=True):
    """What a checker says of a history: of every key that it got to, and of the whole."""

    answer: Answer
    keys: dict[str, KeyVerdict]
    calls: int
    seconds: float

    @property
    def findings(self) -> list[Finding]:
        """All findings, in the order of the keys."""
        return [finding for verdict in self.keys.values() for finding in verdict.findings]


def overall(answers: Sequence[Answer]) -> Answer:
    """Return the answer for a whole from those of its parts."""
    if Answer.NO in answers:
        return Answer.NO
    return Answer.UNDECIDED if Answer.UNDECIDED in answers else Answer.YES

"""What happened: the calls that clients made, what they were told, and when.

A `Call` is one operation on versioned state from its invocation to its response.
Time is a sequence number that one recorder hands out, never a clock: `a.finish < b.start` says that
a was over before b began, and nothing else is known of their order.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from enum import StrEnum
from operator import attrgetter
from typing import Final, final

from msgspec import Struct

from etagere.operations import Consistency

NEVER: Final = 2**63 - 1
"""As the finish of a call: no response. It may take effect at any later time, or not at all."""


class Kind(StrEnum):
    """What a call asks for."""

    GET = "get"
    SET = "set"
    DELETE = "delete"
    TOUCH = "touch"
    TRANSACTION = "transaction"


class Status(StrEnum):
    """What is known of a call's effect."""

    OK = "ok"
    """It took effect between its start and its finish."""
    MISMATCH = "mismatch"
    """Its precondition did not hold at some moment between its start and its finish."""
    INFO = "info"
    """It may have taken effect at any time after its start, or never."""
    FAIL = "fail"
    """It had no effect and observed nothing. Checkers leave it out."""


@final
class Call(Struct, frozen=True, gc=False, kw_only=True, omit_defaults=True):
    """One operation of one client: what was asked, what was answered, and when."""

    kind: Kind
    start: int
    """The sequence number of its invocation."""
    finish: int = NEVER
    """The sequence number of its response."""
    status: Status = Status.INFO
    client: str = ""
    key: str = ""
    """Empty for a transaction."""
    expected: str | None = None
    """The precondition, as in `etagere.operations`: None, "" for absent, or an etag."""
    value: str | None = None
    """The identity of the value that was written or read: what is different for different writes.
    None: not known."""
    etag: str | None = None
    """The version that was written or read; None: not known, or nothing was there."""
    found: bool | None = None
    """Of a get, a delete and a touch that are ok: whether there was a record; None: not told."""
    actual: str | None = None
    """Of a mismatch: the etag that was there instead, "" for none; None: not told."""
    ttl: int | None = None
    """Of a set and a touch: milliseconds to live, so that the record may vanish by itself.
    0: as long as the record that a set replaces."""
    consistency: Consistency = Consistency.STRONG
    """An eventual read may be of any earlier version, so it binds no order in real time."""
    index: int = 0
    """Of a transaction that is a mismatch: which of its parts conflicted."""
    parts: tuple[Call, ...] = ()
    """Of a transaction: its sets and deletes, each with start, finish and status of the whole.
    Of one that is a mismatch, only the part at `index` is one, and that only if it saw no earlier
    part; the others are fails."""

    @property
    def span(self) -> tuple[int, int]:
        """Its start and its finish."""
        return self.start, self.finish


class History(Struct, frozen=True):
    """The calls of one run, in the order of their starts."""

    calls: Sequence[Call]
    source: str = ""
    """Where it comes from: a file's name, as messages give it."""
    initial: str | None = None
    """The identity of the value that every key has at the start; None: keys start absent."""

    def by_key(self) -> dict[str, list[Call]]:
        """Return the calls of each key, transactions taken apart.

        Linearizability of single-key calls is local (Herlihy and Wing, 1990): a history is
        linearizable if the part of each key is.
        """
        keys: dict[str, list[Call]] = {}
        for call in self.calls:
            for part in call.parts or (call,):
                keys.setdefault(part.key, []).append(part)
        return keys


def in_order(calls: Iterable[Call]) -> list[Call]:
    """Return calls in the order of their starts."""
    return sorted(calls, key=attrgetter("start"))

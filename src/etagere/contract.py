"""The semantics of etagere, once, as pure functions.

`apply` is the sequential model of a store: given the record under a key, an operation and the time,
it says what the record becomes and what the caller is told. The memory and SQLite backends run it;
the Lua scripts of Redis and the SQL of Postgres are tested to agree with it.

The two options of the API, `concurrency` and `etag`, mean one precondition:

    concurrency             etag    precondition    key absent   key present
    last-write (default)    no      none            create       overwrite
    first-write             no      be absent       create       conflict
    either                  yes     match           conflict     overwrite if equal, else conflict

The same table holds for writing, deleting and touching, inside transactions and out.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from enum import StrEnum
from math import ceil
from typing import Final, TypeVar

from etagere.errors import InvalidArgument, TooLarge
from etagere.operations import (
    ABSENT,
    ANYTHING,
    KEEP,
    Concurrency,
    Conflict,
    Consistency,
    Keep,
    Outcome,
    Read,
    Record,
    Remove,
    Touch,
    Transaction,
    Write,
)

W = TypeVar("W", bound=StrEnum)

MAX_TTL = timedelta(days=365_000)
PREFIX_SEPARATOR = "||"
MAX_ETAG_LENGTH = 256
FIRST_WRITE: Final = Concurrency.FIRST_WRITE
UNMATCHABLE = "?"
"""An `expected` that no record has: etags in a form that no store holds are read as this one."""


# --- what happens -----------------------------------------------------------------------------


def apply(
    record: Record | None, operation: Read | Write | Remove | Touch, now: int
) -> tuple[Record | None, Outcome]:
    """Return what `operation` makes of `record`, and what its caller is told.

    `now` is in milliseconds since the Unix epoch. An expired record is absent in every respect.
    A `Write` whose etag is in place already is in place: it succeeds and changes nothing, which is
    what makes it safe to send again after a lost answer.
    """
    if record is not None and is_expired(record.expires_at, now):
        record = None
    if type(operation) is Read:
        return record, record
    current = None if record is None else record.etag
    if isinstance(operation, Write) and current == operation.etag:
        return record, True
    if not holds(operation.expected, current):
        return record, Conflict(current)
    if isinstance(operation, Write):
        kept = None if record is None else record.expires_at
        expires_at = kept if operation.ttl is KEEP else expiry(operation.ttl, now)
        return Record(operation.value, operation.etag, expires_at), True
    if isinstance(operation, Remove) or record is None:
        return None, record is not None
    return Record(record.value, record.etag, expiry(operation.ttl, now)), True


def apply_transaction(
    find: Callable[[str], Record | None], transaction: Transaction, now: int
) -> tuple[dict[str, Record | None], Outcome]:
    """Return the records that `transaction` changes, by key, and what its caller is told.

    `find` looks a record up as it was before. Operations on one key see the earlier ones; the first
    precondition that does not hold ends it with a `Conflict` that names the operation, and no
    changes.
    """
    changes: dict[str, Record | None] = {}
    outcomes: list[bool] = []
    for index, operation in enumerate(transaction.operations):
        key = operation.key
        before = changes[key] if key in changes else find(key)
        changes[key], outcome = apply(before, operation, now)
        if type(outcome) is Conflict:
            return {}, Conflict(outcome.actual, index)
        outcomes.append(outcome is True)
    return changes, tuple(outcomes)


def holds(expected: str | None, current: str | None) -> bool:
    """Tell whether a precondition holds where `current` is the etag that is there, if any."""
    return expected is ANYTHING or expected == (ABSENT if current is None else current)


def is_expired(expires_at: int | None, now: int) -> bool:
    """Tell whether a record with this expiry is gone."""
    return expires_at is not None and expires_at <= now


def expiry(ttl: int | Keep | None, now: int) -> int | None:
    """Return the moment at which a record written `now` for `ttl` milliseconds expires."""
    return None if ttl is None or isinstance(ttl, Keep) else now + ttl


# --- what may be asked ------------------------------------------------------------------------


def precondition(concurrency: Concurrency | str, etag: str | None) -> str | None:
    """Return what the two options of the API together expect, as an operation's `expected`."""
    if etag is not None and not isinstance(etag, str):
        raise InvalidArgument(f"an ETag is text or None, not {type(etag).__name__}")
    first_write = concurrency_of(concurrency) is FIRST_WRITE
    if not etag:
        return ABSENT if first_write else ANYTHING
    return etag if is_storable(etag) and len(etag) <= MAX_ETAG_LENGTH else UNMATCHABLE


def check_new_etag(etag: str) -> None:
    """Refuse an ETag that not everything between a writer and a reader can carry."""
    if not isinstance(etag, str):
        raise InvalidArgument(f"an ETag is text, not {type(etag).__name__}")
    # A header of HTTP, say, loses blanks at its ends and holds no line break.
    fits = 0 < len(etag) <= MAX_ETAG_LENGTH and etag != UNMATCHABLE
    if not (fits and etag.isascii() and etag.isprintable() and " " not in etag):
        raise InvalidArgument(
            f"the new ETag {_shown(etag)} must be 1 to {MAX_ETAG_LENGTH} printable ASCII"
            f" characters without blanks, and not {UNMATCHABLE!r}"
        )


def concurrency_of(option: Concurrency | str) -> Concurrency:
    """Return the option that a word of Dapr's stands for."""
    return _word(Concurrency, option)


def consistency_of(option: Consistency | str) -> Consistency:
    """Return the option that a word of Dapr's stands for."""
    return _word(Consistency, option)


def milliseconds(ttl: float | timedelta) -> int:
    """Return a time to live (seconds or a timedelta) in whole milliseconds, rounded up."""
    if isinstance(ttl, timedelta):
        ttl = ttl.total_seconds()
    if isinstance(ttl, bool) or not isinstance(ttl, int | float):
        raise InvalidArgument(f"a ttl is seconds or a timedelta, not {type(ttl).__name__}")
    if not 0 < ttl <= MAX_TTL.total_seconds():
        raise InvalidArgument(
            f"a ttl is more than 0 and at most {MAX_TTL.days} days, not {ttl} s;"
            " leave it out for a key that never expires"
        )
    # By way of whole microseconds: as floats, 2.007 * 1000 is more than 2007.
    return max(1, ceil(round(ttl * 1_000_000) / 1000))


def check_key(key: str, max_bytes: int) -> None:
    """Refuse a key that cannot be stored: non-empty UTF-8 text, no NUL, no `||`."""
    if not isinstance(key, str):
        raise InvalidArgument(f"a key is text, not {type(key).__name__}")
    if not key:
        raise InvalidArgument("a key must not be empty")
    if PREFIX_SEPARATOR in key:
        raise InvalidArgument(f"key {_shown(key)} contains '||', which is kept for key prefixes")
    if not is_storable(key):
        raise InvalidArgument(f"key {_shown(key)} contains NUL or a lone surrogate")
    if len(key) * 4 > max_bytes and (size := len(key.encode())) > max_bytes:
        raise TooLarge(f"key {_shown(key)} is {size} bytes long; the limit is {max_bytes}")


def check_value(key: str, value: bytes, max_bytes: int) -> None:
    """Refuse a value that cannot be stored: bytes, up to the store's limit."""
    if not isinstance(value, bytes):
        raise InvalidArgument(
            f"the value for key {_shown(key)} is bytes, not {type(value).__name__};"
            " encode it, or use store.typed(...)"
        )
    if len(value) > max_bytes:
        raise TooLarge(
            f"the value for key {_shown(key)} is {len(value)} bytes long; the limit is {max_bytes}"
        )


def is_storable(text: str) -> bool:
    """Tell whether every database can hold this text: no NUL, nothing that UTF-8 cannot say."""
    if "\0" in text:
        return False
    if text.isascii():
        return True
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _word(kind: type[W], option: W | str) -> W:
    if isinstance(option, kind):
        return option
    try:
        return kind(option)
    except ValueError:
        words = " or ".join(repr(word.value) for word in kind)
        raise InvalidArgument(f"{kind.__name__.lower()} is {words}, not {option!r}") from None


def _shown(key: str) -> str:
    return repr(key if len(key) <= 60 else key[:57] + "...")

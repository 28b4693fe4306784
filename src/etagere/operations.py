"""The words of the contract: what is asked of a store, and what it answers.

Two families live here.
`Set` and `Delete` are requests: what a user writes down for `Store.transact` and the bulk calls.
`Read`, `Write`, `Remove`, `Touch` and `Transaction` are operations: what `Store` makes of a request
(precondition resolved, ETag minted, time to live in milliseconds) and what a backend executes.
`etagere.contract` says what each operation does.

On the hot path, ask `type(operation) is Read`: the classes are final, and where the answer is no
`isinstance` takes several times as long, because the metaclass of a Struct is that of an ABC.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from enum import Enum, StrEnum
from typing import Final, Generic, TypeAlias, TypeVar, final

from msgspec import Struct

from etagere.errors import EtagereError

V = TypeVar("V")


class Consistency(StrEnum):
    """How far a call reaches before it returns, in Dapr's words."""

    EVENTUAL = "eventual"
    """A write is on the primary; a read may be served by any replica."""
    STRONG = "strong"
    """A write is durable on a majority of the replica set; a read sees every such write."""


class Concurrency(StrEnum):
    """Who wins when several writers meet on one key, in Dapr's words."""

    LAST_WRITE = "last-write"
    FIRST_WRITE = "first-write"


class Keep(Enum):
    """The type of `KEEP`."""

    KEEP = "keep"


KEEP: Final = Keep.KEEP
"""As a `ttl`: the key expires when it would have expired without this write."""

ANYTHING: Final = None
"""As `expected`: no precondition."""
ABSENT: Final = ""
"""As `expected`: there must be no record under the key."""


@final
class Record(Struct, frozen=True, gc=False):
    """What a store holds under a key."""

    value: bytes
    etag: str
    expires_at: int | None = None
    """Milliseconds since the Unix epoch on the store's clock; None: never."""


class Item(Struct, Generic[V], frozen=True):
    """What a read returns: a value with its version."""

    key: str
    value: V
    etag: str
    """Opaque; pass it back as `etag=` to write only if nobody wrote in between."""
    expires_at: datetime | None = None
    """When the store lets go of the item, in UTC; None: never."""


# --- requests ---------------------------------------------------------------------------------


class Set(Struct, frozen=True):
    """Ask for one key to be written. The fields mean what they mean in `Store.set`."""

    key: str
    value: bytes
    etag: str | None = None
    concurrency: Concurrency | str = Concurrency.LAST_WRITE
    ttl: float | timedelta | Keep | None = None
    new_etag: str | None = None
    """The ETag that the write gives the key, where the caller has one that was never used before:
    printable ASCII, at most 256 characters. None: a fresh one."""


class Delete(Struct, frozen=True):
    """Ask for one key to be deleted. The fields mean what they mean in `Store.delete`."""

    key: str
    etag: str | None = None
    concurrency: Concurrency | str = Concurrency.LAST_WRITE


# --- operations -------------------------------------------------------------------------------


@final
class Read(Struct, frozen=True, gc=False):
    """Fetch the record under a key. Outcome: the `Record`, or None."""

    key: str


@final
class Write(Struct, frozen=True, gc=False):
    """Put a record under a key. Outcome: True, `Stored` under another etag, or a `Conflict`."""

    key: str
    value: bytes
    etag: str
    """The version that this write gives the key, minted by the writer and never used again."""
    expected: str | None = ANYTHING
    """The etag that must be there; `ABSENT`: nothing may be there; `ANYTHING`: no matter what."""
    ttl: int | Keep | None = None
    """Milliseconds to live from now; None: for ever; `KEEP`: as long as the record it replaces."""


@final
class Remove(Struct, frozen=True, gc=False):
    """Take the record under a key away. Outcome: whether there was one, or a `Conflict`."""

    key: str
    expected: str | None = ANYTHING


@final
class Touch(Struct, frozen=True, gc=False):
    """Change only when a record expires. Outcome: whether there was one, or a `Conflict`."""

    key: str
    ttl: int | None
    expected: str | None = ANYTHING


@final
class Transaction(Struct, frozen=True, gc=False):
    """Do all of these in order, or nothing. Outcome: a tuple with theirs, or a `Conflict`."""

    operations: tuple[Write | Remove, ...]


Mutation: TypeAlias = Write | Remove | Touch | Transaction
Operation: TypeAlias = Read | Mutation


@final
class Conflict(Struct, frozen=True, gc=False):
    """The outcome of an operation whose precondition did not hold. Nothing was changed."""

    actual: str | None
    """The etag that was there instead; None: no record."""
    index: int = 0
    """Inside a transaction: which of its operations."""


@final
class Stored(Struct, frozen=True, gc=False):
    """The outcome of a `Write` whose etag the store chose itself (see `ETagOrigin.SERVER`)."""

    etag: str
    """`etagere.contract.UNMATCHABLE` where the store does not tell it."""


Outcome: TypeAlias = (
    Record | bool | Stored | tuple[bool | Stored, ...] | Conflict | EtagereError | None
)
"""What became of one operation; an `EtagereError` where that operation alone failed."""

"""All that a backend author implements: `Backend`, and the values that describe one.

A backend is one function, `execute`: a batch of operations in, a batch of outcomes out.
Single calls, bulk calls, retries, deadlines, ETags and error messages exist once, in `Store`.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from enum import StrEnum
from typing import Final, Protocol, runtime_checkable

from msgspec import Struct

from etagere.errors import InvalidArgument
from etagere.operations import Consistency, Operation, Outcome, Transaction

MAX_KEY_BYTES: Final = 1024


class Feature(StrEnum):
    """What `open(url, require={...})` can ask for, in words."""

    CONDITIONAL = "conditional"
    """Writes, deletes and touches on a condition."""
    STRONG = "strong"
    """Strong reads and writes."""
    STRONG_ACROSS_FAILOVER = "strong-across-failover"
    """Strong writes that a failover of the primary cannot lose."""
    TRANSACTIONS = "transactions"
    """Transactions, at least over keys that are stored together."""
    FULL_TRANSACTIONS = "full-transactions"
    """Transactions over any keys."""
    TTL = "ttl"
    """Keys that expire."""
    TOUCH = "touch"
    """Changing only when a key expires."""
    LISTING = "listing"
    """Listing keys by prefix, in order."""
    DURABLE = "durable"
    """Data outlives the process that wrote it."""


class Reach(StrEnum):
    """How far a strong write is safe."""

    NONE = "none"
    """The store does not offer strong."""
    PRIMARY = "while the primary lives"
    FAILOVER = "across failover"
    ALWAYS = "always"


class TransactionScope(StrEnum):
    """Over which keys one transaction may span."""

    NONE = "none"
    SAME_SLOT = "same slot"
    FULL = "full"


class Clock(StrEnum):
    """Whose clock decides that a record has expired."""

    NONE = "none"
    """Records do not expire."""
    CLIENT = "client"
    SERVER = "server"


class ETagOrigin(StrEnum):
    """Who chooses the etag that a write gives its key."""

    WRITER = "writer"
    """The store keeps `Write.etag` as it is given: a lost answer can be made up for."""
    SERVER = "server"
    """The store makes up its own, and the outcome is `Stored`: a lost answer stays lost."""


class Capabilities(Struct, frozen=True, kw_only=True):
    """What a backend can do, in values that users can query and tests hold it to."""

    reach: Reach = Reach.NONE
    why_not_strong: str = ""
    """Where `reach` is none: what to change so that strong is offered."""
    conditional: bool = True
    """Whether it writes, deletes and touches on a condition, and compares and acts in one step."""
    transactions: TransactionScope = TransactionScope.NONE
    etags: ETagOrigin = ETagOrigin.WRITER
    clock: Clock = Clock.NONE
    ttl_resolution: int = 1
    """Milliseconds."""
    touching: bool = True
    """Where records expire: whether it changes only when one does."""
    deletes_tell: bool = True
    """Whether what an unconditional delete says, that there was something, holds at the moment of
    the delete: of several at once on one key, only one took it away."""
    listing: bool = False
    durable: bool = True
    max_key_bytes: int = MAX_KEY_BYTES
    max_value_bytes: int = 2**29 - 1
    max_transaction: int = 1000
    """Operations in one transaction."""
    event_loops: frozenset[str] = frozenset({"asyncio"})

    @property
    def strong(self) -> bool:
        """Whether strong reads and writes are offered at all."""
        return self.reach is not Reach.NONE

    @property
    def touches(self) -> bool:
        """Whether `touch` is offered at all."""
        return self.touching and self.clock is not Clock.NONE

    @property
    def freshest(self) -> Consistency:
        """The level at which a read is least likely to miss a write."""
        return Consistency.STRONG if self.strong else Consistency.EVENTUAL

    def features(self) -> frozenset[Feature]:
        """Return everything that `require` may ask of this backend."""
        offered = {
            Feature.CONDITIONAL: self.conditional,
            Feature.STRONG: self.strong,
            Feature.STRONG_ACROSS_FAILOVER: self.reach in (Reach.FAILOVER, Reach.ALWAYS),
            Feature.TRANSACTIONS: self.transactions is not TransactionScope.NONE,
            Feature.FULL_TRANSACTIONS: self.transactions is TransactionScope.FULL,
            Feature.TTL: self.clock is not Clock.NONE,
            Feature.TOUCH: self.touches,
            Feature.LISTING: self.listing,
            Feature.DURABLE: self.durable,
        }
        return frozenset(feature for feature, there in offered.items() if there)

    def missing(self, required: Iterable[Feature | str]) -> list[Feature]:
        """Return which of the required features this backend lacks, in the order of `Feature`."""
        wanted = {_feature(word) for word in required}
        return [feature for feature in Feature if feature in wanted - self.features()]


class Batching(Struct, frozen=True, kw_only=True):
    """How `Store` gathers concurrent calls for a backend."""

    reads: int = 1
    """Batches of reads in flight at once, for each consistency level."""
    writes: int = 1
    """Batches of writes in flight at once, for each consistency level."""
    max_operations: int = 512
    max_bytes: int = 8 * 2**20
    """Bytes of values in one batch of writes; a single larger value still travels, alone."""
    inline: bool = False
    """Whether a call that is alone may run in its caller's own task, which saves two turns of the
    event loop. Only for a backend that stands being cancelled at any `await`: a caller's
    `asyncio.Task.cancel` reaches into anyio's shields.
    """


@runtime_checkable
class Backend(Protocol):
    """Versioned state in some database.

    Give it these methods and it is a backend; there is nothing to inherit from.
    `Store` calls `open` once, then `execute`, `scan`, `ping` and `maintain` in any number of tasks
    at once, then `close` once. `Store` may cancel any of them (a deadline has passed): the call
    must raise, and leave every connection either usable or closed.

    Errors: raise `Unavailable` when nothing was sent, `Interrupted` when a batch was sent and not
    answered, `StoreFailed` when the database refused and nothing was written, any other
    `EtagereError` where it says more, as far as its `certainty` is true; set `__cause__` to
    the driver's own exception. Never retry a write that may have been sent, and switch such
    retries off in the driver: `Store` owns retrying, because only it knows which operations may be
    sent twice.
    """

    @property
    def capabilities(self) -> Capabilities:
        """What the backend can do; after `open`, what this database can do as it is set up."""
        ...

    @property
    def batching(self) -> Batching | None:
        """How concurrent calls are gathered.

        None: not at all. Each call goes straight to `execute`, in its caller's task and without a
        deadline; only for a backend that never waits.
        """
        ...

    async def open(self) -> None:
        """Get ready; raise `Unavailable` when the database is down.

        That does not end the store: later calls come to `execute` all the same, and it connects.
        """
        ...

    async def close(self) -> None:
        """Let go of every connection, thread and task.

        Called once, whether or not `open` worked.
        """
        ...

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        """Do a batch of operations and return one outcome for each, in order.

        A batch is all reads or all writes. Each operation does what `etagere.contract.apply` says,
        atomically; two on one key take effect in the order of the batch; a conflict or an error of
        one does not stop the others. With `Consistency.STRONG` it returns when the guarantee holds;
        an operation that is done but not replicated in time has the outcome `NotReplicated`.
        """
        ...

    def scan(
        self, prefix: str, after: str, limit: int | None, consistency: Consistency
    ) -> AsyncIterator[Sequence[str]]:
        """Yield pages of the keys that start with `prefix` and sort after `after`.

        In UTF-8 byte order, expired records left out, at most `limit` keys in all; complete for
        keys that are there throughout. `after` is "" for the start.
        """
        ...

    async def ping(self) -> None:
        """Return if the database answers; raise `Unavailable` if not."""
        ...

    async def maintain(self) -> float | None:
        """Do a little housekeeping (sweep some expired records, say).

        Called again and again in the background. Returns the seconds until the next; None: never.
        """
        ...


def distinct_rounds(operations: Sequence[Operation]) -> Iterator[list[int]]:
    """Yield the positions of a batch in rounds: no key twice in a round, order kept on each key.

    For backends that write many keys in one statement. A transaction is a round of its own.
    """
    seen: dict[str, int] = {}
    rounds: list[list[int]] = []
    floor = 0
    for position, operation in enumerate(operations):
        if isinstance(operation, Transaction):
            rounds.append([position])
            floor, seen = len(rounds), {}
            continue
        turn = max(seen.get(operation.key, 0), floor)
        if turn == len(rounds):
            rounds.append([])
        rounds[turn].append(position)
        seen[operation.key] = turn + 1
    yield from rounds


def _feature(word: Feature | str) -> Feature:
    try:
        return Feature(word)
    except ValueError:
        known = ", ".join(feature.value for feature in Feature)
        raise InvalidArgument(
            f"there is no feature {word!r} to require; there are {known}"
        ) from None

"""From what a user asks to what a backend executes: checked, resolved, minted."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from datetime import timedelta
from typing import Final, cast

from etagere import contract
from etagere.backend import Capabilities, Clock, TransactionScope
from etagere.errors import InvalidArgument, NotSupported, TooLarge
from etagere.operations import (
    ANYTHING,
    Concurrency,
    Consistency,
    Delete,
    Keep,
    Read,
    Remove,
    Set,
    Touch,
    Transaction,
    Write,
)

# Looked up once: until Python 3.12 that is a call.
EVENTUAL: Final = Consistency.EVENTUAL


class Requests:
    """Makes operations for one store; refuses what makes no sense or is not offered."""

    def __init__(self, capabilities: Callable[[], Capabilities], mint: Callable[[], str]) -> None:
        self._capabilities = capabilities
        self._mint = mint
        self.refresh()

    def refresh(self) -> None:
        """Look at the capabilities again: opening a database can narrow them."""
        offered = self._capabilities()
        self._max_key = offered.max_key_bytes
        self._max_value = offered.max_value_bytes
        self._conditional = offered.conditional

    def level(self, consistency: Consistency | str) -> Consistency:
        """Return the consistency level that is asked for, if it is offered."""
        if consistency is EVENTUAL:
            return consistency
        level = contract.consistency_of(consistency)
        if level is Consistency.STRONG and not (offered := self._capabilities()).strong:
            why = f": {offered.why_not_strong}" if offered.why_not_strong else ""
            raise NotSupported(f"this store does not offer strong consistency{why}")
        return level

    def read(self, key: str) -> Read:
        """Make the operation of a `get`."""
        contract.check_key(key, self._max_key)
        return Read(key)

    def write(
        self,
        key: str,
        value: bytes,
        etag: str | None,
        concurrency: Concurrency | str,
        ttl: float | timedelta | Keep | None,
        new_etag: str | None = None,
    ) -> Write:
        """Make the operation of a `set`, with a fresh ETag unless there is one already."""
        contract.check_key(key, self._max_key)
        contract.check_value(key, value, self._max_value)
        expected = self._precondition(concurrency, etag)
        lifetime = ttl if ttl is None or isinstance(ttl, Keep) else self._lifetime(ttl)
        if new_etag is not None:
            contract.check_new_etag(new_etag)
        return Write(key, value, new_etag or self._mint(), expected, lifetime)

    def remove(self, key: str, etag: str | None, concurrency: Concurrency | str) -> Remove:
        """Make the operation of a `delete`."""
        contract.check_key(key, self._max_key)
        return Remove(key, self._precondition(concurrency, etag))

    def touch(self, key: str, ttl: float | timedelta | None, etag: str | None) -> Touch:
        """Make the operation of a `touch`."""
        contract.check_key(key, self._max_key)
        if not self._capabilities().touching:
            raise NotSupported("this store does not offer to change only when a key expires")
        expected = self._precondition(Concurrency.LAST_WRITE, etag)
        return Touch(key, None if ttl is None else self._lifetime(ttl), expected)

    def transaction(self, requests: Iterable[Set | Delete]) -> Transaction:
        """Make the operation of a `transact`."""
        offered = self._capabilities()
        if offered.transactions is TransactionScope.NONE:
            raise NotSupported("this store does not offer transactions")
        operations = tuple(self.mutation(request) for request in requests)
        if len(operations) > offered.max_transaction:
            raise TooLarge(
                f"the transaction has {len(operations)} operations;"
                f" the limit is {offered.max_transaction}"
            )
        return Transaction(operations)

    def mutation(self, request: Set | Delete) -> Write | Remove:
        """Make the operation of one item of a transaction."""
        return self.remove_of(request) if isinstance(request, Delete) else self.write_of(request)

    def write_of(self, request: Set) -> Write:
        """Make the operation of one item of a `set_many`."""
        if not isinstance(request, Set):
            raise InvalidArgument(f"write down an etagere.Set, not {type(request).__name__}")
        return self.write(
            request.key,
            request.value,
            request.etag,
            request.concurrency,
            request.ttl,
            request.new_etag,
        )

    def remove_of(self, request: Delete) -> Remove:
        """Make the operation of one item of a `delete_many`."""
        if not isinstance(request, Delete):
            raise InvalidArgument(f"write down an etagere.Delete, not {type(request).__name__}")
        return self.remove(request.key, request.etag, request.concurrency)

    def _precondition(self, concurrency: Concurrency | str, etag: str | None) -> str | None:
        expected = contract.precondition(concurrency, etag)
        if expected is not ANYTHING and not self._conditional:
            raise NotSupported("this store does not offer writing on a condition")
        return expected

    def _lifetime(self, ttl: float | timedelta) -> int:
        if self._capabilities().clock is Clock.NONE:
            raise NotSupported("this store does not offer keys that expire")
        return contract.milliseconds(ttl)


def as_sets(requests: Iterable[Set] | Mapping[str, bytes]) -> Iterable[Set]:
    """Read the items of a `set_many`: requests, or values by key."""
    if not isinstance(requests, Mapping):
        return requests
    values = cast("Mapping[str, bytes]", requests)
    return [Set(key, value) for key, value in values.items()]


def as_deletes(requests: Iterable[Delete | str]) -> Iterable[Delete]:
    """Read the items of a `delete_many`: requests, or plain keys."""
    if isinstance(requests, str):
        raise InvalidArgument(f"delete_many takes a list of keys, not the text {requests!r}")
    return [Delete(item) if isinstance(item, str) else item for item in requests]

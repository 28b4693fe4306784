"""Any other server of Dapr's state API: what its API can say and tell.

The server chooses the ETags and tells them only to who reads; a conflict it does not explain. What
our contract wants to know beyond that is read: what a conflict found, what a delete is to delete.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Hashable, Sequence
from math import ceil
from typing import Final

from msgspec.structs import replace

from etagere.backend import Capabilities
from etagere.contract import UNMATCHABLE, holds
from etagere.errors import EtagereError, NotSupported, StoreFailed, Unavailable
from etagere.operations import (
    ABSENT,
    ANYTHING,
    KEEP,
    Conflict,
    Consistency,
    Keep,
    Mutation,
    Outcome,
    Read,
    Record,
    Remove,
    Stored,
    Touch,
    Transaction,
    Write,
)
from etagere.settling import keys_of
from etagere_http.bodies import (
    Item,
    Part,
    check_size,
    encode,
    fits_header,
    options_of,
)
from etagere_http.connection import Answer, Connection
from etagere_http.dapr_reader import DaprReader, path_of
from etagere_http.failures import Failure, failure_in, outcome_of
from etagere_http.settings import Settings
from etagere_http.values import Base64Values, JsonValues, Values

CONFLICTS: Final = ("possible etag mismatch", "invalid etag value")
"""By what a conflict is known where its status does not say so: in a transaction."""
ATTEMPTS: Final = 16
"""To write a key for as long as what is there is to live."""
UNTOLD: Final = Stored(UNMATCHABLE)


class DaprServer:
    """A store of a server that is not ours."""

    def __init__(
        self, connection: Connection, settings: Settings, capabilities: Capabilities, version: str
    ) -> None:
        self._call, self._state = connection.call, settings.state
        self._limit = settings.max_body_size
        self._values: Values = JsonValues() if settings.json_values else Base64Values()
        self._reader = DaprReader(connection, settings, self._values)
        self.capabilities, self.version = capabilities, version

    async def ping(self) -> None:
        """Return if the server is ready; whether its database is, it does not say."""
        answer = await self._call("GET", "/v1.0/healthz/outbound")
        if not answer.is_good:
            raise Unavailable(failure_in(answer).told)

    def scan(
        self, prefix: str, after: str, limit: int | None, consistency: Consistency
    ) -> AsyncGenerator[Sequence[str]]:
        """Refuse: Dapr's API does not list keys."""
        raise NotSupported("Dapr's API does not list keys")

    async def read(self, reads: Sequence[Read], consistency: Consistency) -> Sequence[Outcome]:
        """Fetch records."""
        return await self._reader.read(reads, consistency)

    # --- writing ------------------------------------------------------------------------------

    def errand_of(self, position: int, operation: Mutation) -> Hashable:
        """Return the key: operations on one key go one by one, in order."""
        return position if isinstance(operation, Transaction) else operation.key

    async def write(
        self, operations: Sequence[Mutation], consistency: Consistency
    ) -> Sequence[Outcome]:
        """Do operations on one key, or a transaction."""
        return [await self._one(operation, consistency) for operation in operations]

    async def _one(self, operation: Mutation, consistency: Consistency) -> Outcome:
        try:
            if isinstance(operation, Transaction):
                return await self._transact(operation, consistency)
            if isinstance(operation, Touch):
                raise NotSupported("Dapr's API cannot change when a key expires")
            if operation.expected == UNMATCHABLE:
                return await self._conflict(operation.key)
            if isinstance(operation, Write):
                overwrites = operation.ttl is KEEP and operation.expected is ANYTHING
                save = self._save_over if overwrites else self._save
                return await save(operation, consistency)
            return await self._delete(operation, consistency)
        except EtagereError as error:
            return error

    async def _save(self, write: Write, consistency: Consistency) -> Outcome:
        item = await self._item_of(write, consistency)
        if isinstance(item, Conflict):
            return item
        body = encode([item])
        check_size(body, self._limit)
        answer = await self._call("POST", self._state, body=body)
        return UNTOLD if answer.is_good else await self._failed(write, answer)

    async def _save_over(self, write: Write, consistency: Consistency) -> Outcome:
        """Write for as long as whatever is there is to live: that version, if it is there still."""
        for _ in range(ATTEMPTS):
            found = await self._etag(write.key) or ABSENT
            outcome = await self._save(replace(write, expected=found), consistency)
            if not isinstance(outcome, Conflict):
                return outcome
        raise StoreFailed(f"others wrote in between, {ATTEMPTS} times")

    async def _delete(self, remove: Remove, consistency: Consistency) -> Outcome:
        key, expected = remove.key, remove.expected
        if expected and not fits_header(expected):
            return await self._conflict(key)  # no get could have told such an ETag
        existed = expected != ABSENT
        if expected is ANYTHING:
            existed = await self._reader.get(key, self.capabilities.freshest) is not None
        options = options_of(expected, consistency)
        words = {"concurrency": options.concurrency, "consistency": options.consistency}
        query = {name: word for name, word in words.items() if word}
        headers = {"if-match": expected} if expected else None
        answer = await self._call("DELETE", path_of(self._state, key), query, headers=headers)
        return existed if answer.is_good else await self._failed(remove, answer)

    async def _failed(self, operation: Write | Remove, answer: Answer) -> Outcome:
        failure = failure_in(answer)
        if is_conflict(failure):
            return await self._conflict(operation.key)
        return outcome_of(operation, failure)

    async def _conflict(self, key: str) -> Conflict:
        return Conflict(await self._etag(key))

    async def _etag(self, key: str) -> str | None:
        found = await self._reader.get(key, self.capabilities.freshest)
        if isinstance(found, EtagereError):
            raise found
        return found.etag if isinstance(found, Record) else None

    # --- items --------------------------------------------------------------------------------

    async def _item_of(self, write: Write, consistency: Consistency) -> Item | Conflict:
        value = self._values.pack(write.key, write.value)
        seconds = await self._seconds_of(write)
        if isinstance(seconds, Conflict):
            return seconds
        metadata = {} if seconds is None else {"ttlInSeconds": str(seconds)}
        options = options_of(write.expected, consistency)
        return Item(write.key, value, write.expected or "", metadata, options)

    async def _seconds_of(self, write: Write) -> int | Conflict | None:
        """Return the seconds that a write is to live.

        As long as what it replaces: for a version that is named these can be read, because nothing
        but another write changes them.
        """
        if write.ttl is None or (write.ttl is KEEP and write.expected == ABSENT):
            return None
        if not isinstance(write.ttl, Keep):
            return ceil(write.ttl / 1000)
        if write.expected is ANYTHING:
            raise NotSupported("ttl=KEEP in a transaction over Dapr's API needs an ETag")
        found = await self._reader.get(write.key, self.capabilities.freshest)
        if isinstance(found, EtagereError):
            raise found
        if not isinstance(found, Record) or found.etag != write.expected:
            return Conflict(found.etag if isinstance(found, Record) else None)
        left = None if found.expires_at is None else found.expires_at / 1000 - time.time()
        return None if left is None else max(1, ceil(left))

    # --- transactions -------------------------------------------------------------------------

    async def _transact(self, transaction: Transaction, consistency: Consistency) -> Outcome:
        parts: list[Part] = []
        for index, operation in enumerate(transaction.operations):
            if isinstance(operation, Write):
                item = await self._item_of(operation, consistency)
                if isinstance(item, Conflict):
                    return Conflict(item.actual, index)
                parts.append(Part("upsert", item))
            else:
                options = options_of(operation.expected, consistency)
                item = Item(operation.key, etag=operation.expected or "", options=options)
                parts.append(Part("delete", item))
        body = encode({"operations": parts})
        check_size(body, self._limit)
        before = await self._before(transaction)
        answer = await self._call("POST", f"{self._state}/transaction", body=body)
        if answer.is_good:
            return outcomes_of(transaction, before)
        failure = failure_in(answer)
        if is_conflict(failure):
            return first_conflict(transaction, await self._etags(keys_of(transaction)))
        return outcome_of(transaction, failure)

    async def _before(self, transaction: Transaction) -> dict[str, str | None]:
        if all(isinstance(part, Write) for part in transaction.operations):
            return {}
        return await self._etags(keys_of(transaction))

    async def _etags(self, keys: Sequence[str]) -> dict[str, str | None]:
        return {key: await self._etag(key) for key in keys}


def is_conflict(failure: Failure) -> bool:
    """Tell whether a failure is a precondition that did not hold."""
    return failure.status == 409 or any(words in failure.message for words in CONFLICTS)


def outcomes_of(transaction: Transaction, before: dict[str, str | None]) -> Outcome:
    """Return the outcomes of a transaction that was done, from what was there before."""
    there = {key: etag is not None for key, etag in before.items()}
    outcomes: list[bool | Stored] = []
    for part in transaction.operations:
        outcomes.append(UNTOLD if isinstance(part, Write) else there[part.key])
        there[part.key] = isinstance(part, Write)
    return tuple(outcomes)


def first_conflict(transaction: Transaction, etags: dict[str, str | None]) -> Outcome:
    """Return the conflict that stopped a transaction, from what is there now."""
    now = dict(etags)
    for index, part in enumerate(transaction.operations):
        if not holds(part.expected, now[part.key]):
            return Conflict(now[part.key], index)
        now[part.key] = UNMATCHABLE if isinstance(part, Write) else None
    return StoreFailed("the server tells of a conflict that is not there (any more)")

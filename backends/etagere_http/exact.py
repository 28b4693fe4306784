"""Servers of ours: exact requests, which say and tell everything."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Hashable, Sequence
from typing import Final, cast
from urllib.parse import quote

from msgspec.structs import replace

from etagere.backend import Clock
from etagere.errors import EtagereError, Interrupted, NotSupported, Unavailable
from etagere.operations import (
    ABSENT,
    Consistency,
    Mutation,
    Operation,
    Outcome,
    Read,
    Remove,
    Touch,
    Transaction,
    Write,
)
from etagere_http.bodies import (
    DOTS,
    bodies,
    check_size,
    decoded,
    encode,
    fits_header,
    largest_value,
    options_of,
    query_of,
)
from etagere_http.connection import Connection
from etagere_http.exact_items import (
    Description,
    Existed,
    Page,
    Result,
    StoresHealth,
    Touched,
    deleted,
    error_in,
    fetched,
    fetched_all,
    given,
    item_of,
    part_of,
    stored,
)
from etagere_http.failures import failure_in, outcome_of
from etagere_http.settings import Settings

EXACT: Final = {"metadata.exact": "true"}
NO_CONTENT: Final = 204
PAGE: Final = 1000


class ExactServer:
    """A store of a server of ours."""

    def __init__(
        self, connection: Connection, settings: Settings, description: Description
    ) -> None:
        self._call = connection.call
        self._store, self._state, self._ours = settings.store, settings.state, settings.extensions
        self._limit = limit = description.max_body_size
        offered = description.capabilities
        self.version = f"etagere {description.version}"
        self.capabilities = replace(
            offered,
            # A clock of its process is, from here, that of the server.
            clock=Clock.SERVER if offered.clock is Clock.CLIENT else offered.clock,
            max_value_bytes=min(offered.max_value_bytes, largest_value(limit)),
        )

    async def ping(self) -> None:
        """Return if the server and the database behind it answer."""
        answer = await self._call("GET", "/v1.0-etagere/health")
        if answer.status not in (200, 503):
            raise Unavailable(failure_in(answer).told)
        for health in decoded(answer, StoresHealth).stores:
            if health.name == self._store and not health.ready:
                raise Unavailable(health.error)

    # --- reading ------------------------------------------------------------------------------

    async def read(self, reads: Sequence[Read], consistency: Consistency) -> Sequence[Outcome]:
        """Fetch records: one by its path, several at once."""
        query = EXACT | query_of(consistency)
        if len(reads) == 1 and reads[0].key not in DOTS:
            path = f"{self._state}/{quote(reads[0].key, safe='')}"
            return [fetched(reads[0], await self._call("GET", path, query))]
        outcomes: list[Outcome] = []
        keys = [encode(read.key) for read in reads]
        for count, body in bodies(keys, self._limit, b'{"keys":[', b"]}"):
            chosen = reads[len(outcomes) : len(outcomes) + count]
            answer = await self._call("POST", f"{self._state}/bulk", query, body=body)
            outcomes += fetched_all(chosen, answer)
        return outcomes

    async def scan(
        self, prefix: str, after: str, limit: int | None, consistency: Consistency
    ) -> AsyncGenerator[Sequence[str]]:
        """Yield pages of keys."""
        left = float("inf") if limit is None else limit
        start: str | None = after
        while left > 0 and start is not None:
            size = int(min(PAGE, left))
            bounds = {"prefix": prefix, "after": start, "limit": str(size)}
            answer = await self._call("GET", f"{self._ours}/keys", bounds | query_of(consistency))
            if not answer.is_good:
                raise error_in(answer, Read(prefix))
            page = decoded(answer, Page)
            if page.keys:
                yield page.keys
            start, left = page.next, left - len(page.keys)

    # --- writing ------------------------------------------------------------------------------

    def errand_of(self, position: int, operation: Mutation) -> Hashable:
        """Return the kind of operations that travel together; the others travel alone."""
        return type(operation) if isinstance(operation, Write | Remove) else position

    async def write(
        self, operations: Sequence[Mutation], consistency: Consistency
    ) -> Sequence[Outcome]:
        """Do writes, or deletes, or a single touch or transaction."""
        first = operations[0]
        if isinstance(first, Transaction):
            return [await self._transact(first, consistency)]
        if isinstance(first, Touch):
            return [await self._touch(first, consistency)]
        if isinstance(first, Remove):
            return await self._delete(cast("Sequence[Remove]", operations), consistency)
        return await self._save(cast("Sequence[Write]", operations), consistency)

    async def _save(self, writes: Sequence[Write], consistency: Consistency) -> Sequence[Outcome]:
        items = [encode(item_of(write, consistency)) for write in writes]
        if len(items) > 1:
            return await self._each(self._ours, writes, items, stored)
        body = b"[" + items[0] + b"]"
        check_size(body, self._limit)
        answer = await self._call("POST", self._state, EXACT, body=body)
        if not answer.is_good:
            return [outcome_of(writes[0], failure_in(answer))]
        if answer.status != NO_CONTENT:
            return [Interrupted(f"the server answered {answer.status} to a save")]
        return [given(writes[0], answer.headers.get("etag"))]

    async def _delete(
        self, removes: Sequence[Remove], consistency: Consistency
    ) -> Sequence[Outcome]:
        first = removes[0]
        if len(removes) > 1 or first.key in DOTS or not fits_header(first.expected or ""):
            items = [encode(item_of(remove, consistency)) for remove in removes]
            return await self._each(f"{self._ours}/delete", removes, items, deleted)
        options = options_of(first.expected, consistency)
        query = {"concurrency": options.concurrency, "consistency": options.consistency}
        chosen = EXACT | {name: word for name, word in query.items() if word}
        headers = {"if-match": first.expected} if first.expected else None
        path = f"{self._state}/{quote(first.key, safe='')}"
        answer = await self._call("DELETE", path, chosen, headers=headers)
        if not answer.is_good:
            return [outcome_of(first, failure_in(answer))]
        return [decoded(answer, Existed).deleted]

    async def _touch(self, touch: Touch, consistency: Consistency) -> Outcome:
        if touch.expected == ABSENT:
            raise NotSupported("a touch that expects no key cannot be sent over HTTP")
        asked = {
            "key": touch.key,
            "ttlInMilliseconds": touch.ttl,
            "etag": touch.expected,
            "consistency": consistency,
        }
        answer = await self._call("POST", f"{self._ours}/touch", body=encode(asked))
        if not answer.is_good:
            return outcome_of(touch, failure_in(answer))
        return decoded(answer, Touched).found

    async def _transact(self, transaction: Transaction, consistency: Consistency) -> Outcome:
        parts = [part_of(part, consistency) for part in transaction.operations]
        body = encode({"operations": parts})
        check_size(body, self._limit)
        answer = await self._call("POST", f"{self._state}/transaction", EXACT, body=body)
        if not answer.is_good:
            return outcome_of(transaction, failure_in(answer))
        results = decoded(answer, list[Result])
        if len(results) != len(parts):
            return Interrupted(f"{len(parts)} operations have {len(results)} results")
        return tuple(result.deleted is not False for result in results)

    async def _each(
        self,
        path: str,
        operations: Sequence[Write | Remove],
        items: Sequence[bytes],
        read: Callable[[Operation, Result], Outcome],
    ) -> Sequence[Outcome]:
        outcomes: list[Outcome] = []
        for count, body in bodies(items, self._limit):
            chosen = operations[len(outcomes) : len(outcomes) + count]
            outcomes += await self._some(path, chosen, body, read)
        return outcomes

    async def _some(
        self,
        path: str,
        operations: Sequence[Write | Remove],
        body: bytes,
        read: Callable[[Operation, Result], Outcome],
    ) -> Sequence[Outcome]:
        try:
            answer = await self._call("POST", path, EXACT, body=body)
            if not answer.is_good:
                failure = failure_in(answer)
                return [outcome_of(operation, failure) for operation in operations]
            results = decoded(answer, list[Result])
        except EtagereError as error:
            # Other bodies of the same batch may fare better.
            return [error] * len(operations)
        if len(results) != len(operations):
            wrong = Interrupted(f"{len(operations)} items have {len(results)} results")
            return [wrong] * len(operations)
        return list(map(read, operations, results))

"""What the tests of the Redis backend share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

from etagere import contract
from etagere.errors import EtagereError
from etagere.operations import Consistency, Mutation, Operation, Outcome, Record, Transaction
from etagere_redis import RedisBackend

EVENTUAL, STRONG = Consistency.EVENTUAL, Consistency.STRONG

_numbers = count(1)


def mint() -> str:
    """Return an etag that no other call returns."""
    return f"etag-{next(_numbers)}"


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[RedisBackend]:
    """Yield an open backend, and close it."""
    backend = RedisBackend.from_url(url)
    try:
        await backend.open()
        yield backend
    finally:
        await backend.close()


async def do(
    backend: RedisBackend, operation: Operation, consistency: Consistency = EVENTUAL
) -> Outcome:
    """Return the outcome of one operation; an error too is returned."""
    try:
        (outcome,) = await backend.execute([operation], consistency)
    except EtagereError as error:
        return error
    return outcome


async def until(condition: Callable[[], Any], what: str, seconds: float = 30.0) -> Any:
    """Return what a condition, or a coroutine function, gives once that is true."""
    end = asyncio.get_running_loop().time() + seconds
    while not (result := await _value(condition)):
        assert asyncio.get_running_loop().time() < end, f"waited in vain for {what}"
        await asyncio.sleep(0.01)
    return result


async def _value(condition: Callable[[], Any]) -> Any:
    result = condition()
    return await result if asyncio.iscoroutine(result) else result


class Model:
    """`contract.apply` over a dict."""

    def __init__(self) -> None:
        self.records: dict[str, Record | None] = {}

    def apply(self, operation: Mutation, now: int) -> Outcome:
        if isinstance(operation, Transaction):
            changes, outcome = contract.apply_transaction(self.records.get, operation, now)
            self.records |= changes
            return outcome
        before = self.records.get(operation.key)
        self.records[operation.key], outcome = contract.apply(before, operation, now)
        return outcome

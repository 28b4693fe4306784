"""What the tests of the PostgreSQL backend share."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from itertools import count
from typing import Any

import asyncpg

from etagere.errors import EtagereError
from etagere.operations import Consistency, Operation, Outcome, Read, Record, Write
from etagere_postgres import PostgresBackend

EVENTUAL, STRONG = Consistency.EVENTUAL, Consistency.STRONG

_numbers = count(1)


def mint() -> str:
    """Return an etag that no other call returns."""
    return f"etag-{next(_numbers)}"


def write(key: str, value: bytes = b"v", **fields: Any) -> Write:
    """Return a write with an etag of its own."""
    return Write(key, value, mint(), **fields)


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[PostgresBackend]:
    """Yield an open backend, and close it."""
    backend = PostgresBackend.from_url(url)
    try:
        await backend.open()
        yield backend
    finally:
        await backend.close()


async def do(
    backend: PostgresBackend, operation: Operation, consistency: Consistency = EVENTUAL
) -> Outcome:
    """Return the outcome of one operation; an error too is returned."""
    try:
        (outcome,) = await backend.execute([operation], consistency)
    except EtagereError as error:
        return error
    return outcome


async def held(
    backend: PostgresBackend, key: str, consistency: Consistency = EVENTUAL
) -> Record | None:
    """Return the record under a key."""
    outcome = await do(backend, Read(key), consistency)
    assert outcome is None or isinstance(outcome, Record), outcome
    return outcome


async def value(
    backend: PostgresBackend, key: str, consistency: Consistency = EVENTUAL
) -> bytes | None:
    """Return the value under a key."""
    record = await held(backend, key, consistency)
    return None if record is None else record.value


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Yield a connection to look behind the backend's back."""
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()


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

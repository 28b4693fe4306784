"""Transactions that know whether enough standbys have what they commit."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Generator, Sequence
from contextlib import contextmanager
from typing import Final, TypeVar

from asyncpg import PostgresLogMessage

from etagere.errors import EtagereError, Interrupted, NotReplicated, Unavailable
from etagere.operations import Mutation
from etagere.settling import keys_of
from etagere_postgres.failures import DRIVER_ERRORS, translated
from etagere_postgres.lanes import RECOVERY_SECONDS, Connection, is_at_rest, settle
from etagere_postgres.replication import Guarantee

T = TypeVar("T")

# Without the isolation level, a database that defaults to another one would show old snapshots.
_BEGIN: Final = "BEGIN ISOLATION LEVEL READ COMMITTED; SET LOCAL synchronous_commit TO {}"


async def committed(
    connection: Connection,
    guarantee: Guarantee,
    ack_timeout: float,
    operations: Sequence[Mutation],
    work: Callable[[], Awaitable[list[T]]],
) -> list[T | NotReplicated]:
    """Do the work in a transaction; return its outcomes when the guarantee holds, or doubt them.

    Until the commit is sent nothing is written, whatever happens.
    """
    try:
        with translated(lost=Unavailable):
            await begin(connection, guarantee)
            outcomes = await work()
    except EtagereError:
        await _roll_back(connection)
        raise
    if await _commit(connection, ack_timeout if guarantee.waits_for_standbys else None):
        return [*outcomes]
    return [
        _not_replicated(operation, ack_timeout) if _is_done(outcome) else outcome
        for operation, outcome in zip(operations, outcomes, strict=True)
    ]


async def begin(connection: Connection, guarantee: Guarantee) -> None:
    """Begin a transaction whose commit will give this guarantee."""
    await connection.execute(_BEGIN.format(guarantee.durability))


async def _roll_back(connection: Connection) -> None:
    if is_at_rest(connection):
        return
    try:
        await connection.execute("ROLLBACK", timeout=RECOVERY_SECONDS)
    except DRIVER_ERRORS:
        connection.terminate()


async def _commit(connection: Connection, ack_timeout: float | None) -> bool:
    """Commit, and tell whether all that the commit waits for came in time."""
    with translated(lost=Interrupted), _warnings(connection) as warnings:
        try:
            answer = await connection.execute("COMMIT", timeout=ack_timeout)
        except TimeoutError as error:
            # The driver has told the server to stop waiting: then the commit stands, with a
            # warning, or there was nothing to wait for, without one.
            async with asyncio.timeout(RECOVERY_SECONDS):
                await settle(connection)
            if not warnings:
                raise Interrupted("PostgreSQL did not answer the commit in time") from error
            return False
    if answer != "COMMIT":
        raise Unavailable(f"PostgreSQL answered the commit with {answer}; nothing was written")
    return not warnings


@contextmanager
def _warnings(connection: Connection) -> Generator[list[PostgresLogMessage]]:
    heard: list[PostgresLogMessage] = []

    def hear(_: object, message: PostgresLogMessage) -> None:
        heard.append(message)

    connection.add_log_listener(hear)
    try:
        yield heard
    finally:
        connection.remove_log_listener(hear)


def _is_done(outcome: object) -> bool:
    return outcome is True or (isinstance(outcome, tuple) and True in outcome)


def _not_replicated(operation: Mutation, ack_timeout: float) -> NotReplicated:
    key = keys_of(operation)[0]
    return NotReplicated(
        key,
        getattr(operation, "etag", None),
        f"key {key!r} is written on the primary, but not enough standbys confirmed it within"
        f" ack_timeout={ack_timeout:g} s; see that those in synchronous_standby_names are up",
    )

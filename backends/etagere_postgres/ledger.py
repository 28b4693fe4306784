"""The thorough way to write: lock every key, let the contract decide, write what it says.

It takes any batch: transactions, several operations on one key, and whatever the quick way of
`etagere_postgres.groups` could not decide. It costs five round trips where that costs one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from etagere import contract
from etagere.operations import Mutation, Outcome, Record, Transaction
from etagere.settling import keys_of
from etagere_postgres.lanes import Connection
from etagere_postgres.packing import flags, joined, numbers, texts
from etagere_postgres.statements import Statements

UNREAD: Final = b"the value that is there"
"""Stands for a value that was not fetched; told from all others by identity."""


async def settle(
    connection: Connection, statements: Statements, operations: Sequence[Mutation]
) -> list[Outcome]:
    """Do the operations in order, inside a transaction that is open already."""
    keys = sorted({key for operation in operations for key in keys_of(operation)})
    await connection.execute(statements.lock, texts(keys))
    rows = await connection.fetch(statements.look, texts(keys))
    now: int = rows[0][3] if rows else 0
    before = {row[0]: Record(UNREAD, row[1], row[2]) for row in rows}
    after, outcomes = _play(before, operations, now)
    await _write(connection, statements, before, after, now)
    return outcomes


def _play(
    before: dict[str, Record], operations: Sequence[Mutation], now: int
) -> tuple[dict[str, Record | None], list[Outcome]]:
    records: dict[str, Record | None] = {**before}
    outcomes: list[Outcome] = []
    for operation in operations:
        if type(operation) is Transaction:
            changes, outcome = contract.apply_transaction(records.get, operation, now)
            records.update(changes)
        else:
            record = records.get(operation.key)
            records[operation.key], outcome = contract.apply(record, operation, now)
        outcomes.append(outcome)
    return records, outcomes


async def _write(
    connection: Connection,
    statements: Statements,
    before: dict[str, Record],
    after: dict[str, Record | None],
    now: int,
) -> None:
    gone = [
        key
        for key, record in after.items()
        if record is None or contract.is_expired(record.expires_at, now)
    ]
    changed = {
        key: record
        for key, record in after.items()
        if record is not None and record is not before[key]
    }
    if not gone and not changed:
        return
    records = changed.values()
    await connection.execute(
        statements.change,
        texts(gone),
        texts([*changed]),
        texts([record.etag for record in records]),
        numbers([record.expires_at for record in records]),
        flags([record.value is UNREAD for record in records]),
        *joined([b"" if record.value is UNREAD else record.value for record in records]),
    )

"""The schema of a store: made at the first connection, changed by numbered steps."""

from __future__ import annotations

from typing import Final

import asyncpg

from etagere.errors import ConfigurationError, StoreFailed, Unavailable
from etagere_postgres.commits import begin
from etagere_postgres.failures import translated
from etagere_postgres.lanes import Connection
from etagere_postgres.replication import LOCAL
from etagere_postgres.settings import Settings
from etagere_postgres.statements import Statements, quoted

ONE_AT_A_TIME: Final = int.from_bytes(b"etagere")
"""The advisory lock that every process takes to change a schema."""


async def migrate(connection: Connection, settings: Settings, statements: Statements) -> None:
    """Bring the schema up to date, unless it is; any number of processes may do so at once."""
    with translated(lost=Unavailable):
        version = await _version(connection, settings, statements)
        if version == len(statements.steps):
            return
        if settings.migrate:
            await _climb(connection, settings, statements)
        elif version or not await _is_there(connection, statements):
            raise StoreFailed(
                f"the table {statements.table} is at version {version} of"
                f" {len(statements.steps)}; open the store once with migrate=yes, as a role that"
                " may change it"
            )


async def _climb(connection: Connection, settings: Settings, statements: Statements) -> None:
    await begin(connection, LOCAL)
    await connection.execute("SELECT pg_advisory_xact_lock($1)", ONE_AT_A_TIME)
    await _make_schema(connection, settings)
    await connection.execute(statements.migrations)
    # Another process may have done it while this one waited for its turn.
    version = await _version(connection, settings, statements)
    for number, step in enumerate(statements.steps[version:], version + 1):
        await connection.execute(step)
        await connection.execute(statements.record, settings.table, number)
    await connection.execute("COMMIT")


async def _make_schema(connection: Connection, settings: Settings) -> None:
    if settings.schema is None:
        return
    schema = quoted("schema", settings.schema)
    # IF NOT EXISTS would ask for the right to create one even where it is there.
    if not await connection.fetchval("SELECT to_regnamespace($1) IS NOT NULL", schema):
        await connection.execute(f"CREATE SCHEMA {schema}")


async def _version(connection: Connection, settings: Settings, statements: Statements) -> int:
    try:
        version: int = await connection.fetchval(
            statements.version, settings.table, statements.table
        )
    except asyncpg.UndefinedTableError:
        return 0
    if version > len(statements.steps):
        raise ConfigurationError(
            f"the table {statements.table} is at version {version}, made by a newer etagere; this"
            f" one knows version {len(statements.steps)}: upgrade it"
        )
    return version


async def _is_there(connection: Connection, statements: Statements) -> bool:
    return bool(await connection.fetchval("SELECT to_regclass($1) IS NOT NULL", statements.table))

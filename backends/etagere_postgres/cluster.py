"""The servers that a URL names: which one takes writes, which ones may serve reads."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

import asyncpg

from etagere.backend import Reach
from etagere.errors import ConfigurationError, NotSupported, Unavailable
from etagere.operations import Consistency
from etagere_postgres.failures import connecting, translated
from etagere_postgres.lanes import Connection
from etagere_postgres.migrations import migrate
from etagere_postgres.replication import Facts, Guarantee, Strength, strength_of
from etagere_postgres.settings import Host, Settings
from etagere_postgres.statements import FACTS, Statements

Welcome: TypeAlias = Callable[[Host, Connection], Awaitable[None]]

OLDEST: Final = 140_000
SESSION: Final = {
    # One plan for all batches, by way of the index. To plan each anew costs more than its work, and
    # one that scanned the table would not lock its rows in the order of the keys.
    "plan_cache_mode": "force_generic_plan",
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
    "jit": "off",
    "default_transaction_isolation": "read committed",
    # Strong writes ask for more, each transaction for itself.
    "synchronous_commit": "local",
}


class Cluster:
    """Opens connections to the primary and to standbys, and knows what strong means there."""

    def __init__(
        self, settings: Settings, statements: Statements, learned: Callable[[Strength], None]
    ) -> None:
        self._settings = settings
        self._statements = statements
        self._learned = learned
        self._strength = Strength(Reach.NONE, why_not_strong="no primary was reached yet")
        self._primary: Host | None = None
        self.version = ""
        """Of the primary, such as "PostgreSQL 18.4", once it was reached."""

    async def primary(self) -> Connection:
        """Connect to the host that takes writes, and bring its schema up to date."""
        others = [host for host in self._settings.hosts if host != self._primary]
        known = [self._primary] if self._primary else []
        return await self._first(known + others, self._welcome_primary)

    async def standby(self) -> Connection:
        """Connect to one of the standbys, any."""
        others = [host for host in self._settings.hosts if host != self._primary]
        return await self._first(random.sample(others, len(others)), self._welcome_standby)

    async def look(self, connection: Connection) -> None:
        """Learn how the primary at the other end of a connection replicates."""
        self._learn(await _facts_of(connection))

    def guarantee(self, consistency: Consistency) -> Guarantee:
        """Return what a commit on the primary has to wait for. Raises `NotSupported`."""
        if consistency is Consistency.EVENTUAL:
            return self._strength.eventual
        if self._strength.why_not_strong:
            raise NotSupported(f"no strong writes here: {self._strength.why_not_strong}")
        return self._strength.strong

    async def _first(self, hosts: Sequence[Host], welcome: Welcome) -> Connection:
        problems: list[Unavailable] = []
        for host in hosts:
            try:
                return await self._connect(host, welcome)
            except Unavailable as error:
                problems.append(error)
        if len(problems) == 1:
            raise problems[0]
        raise Unavailable("; ".join(map(str, problems))) from ExceptionGroup("hosts", problems)

    async def _connect(self, host: Host, welcome: Welcome) -> Connection:
        with connecting(host):
            connection = await self._dial(host)
        try:
            await welcome(host, connection)
        except BaseException:
            connection.terminate()
            raise
        return connection

    async def _dial(self, host: Host) -> Connection:
        settings = self._settings
        return await asyncpg.connect(
            settings.dsn,
            host=host.name,
            port=host.port,
            timeout=settings.connect_timeout,
            # Behind pgbouncer the next statement may meet another session: nothing may stay in one.
            statement_cache_size=0 if settings.pgbouncer else 100,
            max_cached_statement_lifetime=0,
            server_settings=None if settings.pgbouncer else SESSION,
        )

    async def _welcome_primary(self, host: Host, connection: Connection) -> None:
        facts = await _facts_of(connection)
        if facts.in_recovery:
            raise Unavailable(f"{host} is a standby, which takes no writes")
        _check(host, facts)
        await migrate(connection, self._settings, self._statements)
        self._primary = host
        self.version = f"PostgreSQL {facts.version // 10_000}.{facts.version % 10_000}"
        self._learn(facts)

    async def _welcome_standby(self, host: Host, connection: Connection) -> None:
        if not (await _facts_of(connection)).in_recovery:
            raise Unavailable(f"{host} is the primary")

    def _learn(self, facts: Facts) -> None:
        self._strength = strength_of(facts, self._settings.acks)
        self._learned(self._strength)


async def _facts_of(connection: Connection) -> Facts:
    with translated(lost=Unavailable):
        row = await connection.fetchrow(FACTS)
    assert row is not None  # noqa: S101
    return Facts(**row)


def _check(host: Host, facts: Facts) -> None:
    if facts.version < OLDEST:
        raise ConfigurationError(
            f"{host} runs PostgreSQL {facts.version // 10_000};"
            f" etagere needs {OLDEST // 10_000} or newer"
        )
    if facts.encoding != "UTF8":
        raise ConfigurationError(
            f"the database on {host} has the encoding {facts.encoding}; keys may be any text:"
            " create one with ENCODING 'UTF8'"
        )

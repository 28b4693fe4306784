"""Each database as people use its driver, one call for one operation; and through etagere."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiosqlite
import asyncpg
import redis.asyncio

import etagere


class Ours:
    """etagere, in front of whichever database."""

    def __init__(self, store: etagere.Store, consistency: etagere.Consistency) -> None:
        self.store = store
        self.consistency = consistency

    async def get(self, key: str) -> object:
        """Read through the store."""
        return await self.store.get(key)

    async def set(self, key: str, value: bytes) -> object:
        """Write through the store."""
        return await self.store.set(key, value, consistency=self.consistency)

    async def swap(self, key: str, value: bytes, etag: str | None) -> str:
        """Write on a condition through the store."""
        return await self.store.set(key, value, etag=etag, consistency=self.consistency)


class PlainSqlite:
    """aiosqlite at its fairest: one connection, one hop to its thread for each statement."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._execute = connection.execute_fetchall

    async def get(self, key: str) -> object:
        """Read one row."""
        return await self._execute("SELECT value, etag FROM raw WHERE key = ?", (key,))

    async def set(self, key: str, value: bytes) -> object:
        """Upsert one row."""
        return await self._execute(
            "INSERT INTO raw VALUES (?, ?, ?) ON CONFLICT (key)"
            " DO UPDATE SET value = excluded.value, etag = excluded.etag",
            (key, value, secrets.token_hex(16)),
        )

    async def swap(self, key: str, value: bytes, etag: str | None) -> str:
        """Update one row where the etag matches."""
        if etag is None:
            await self.set(key, value)
            [(etag,)] = await self._execute("SELECT etag FROM raw WHERE key = ?", (key,))
            return str(etag)
        new = secrets.token_hex(16)
        [_] = await self._execute(
            "UPDATE raw SET value = ?, etag = ? WHERE key = ? AND etag = ? RETURNING etag",
            (value, new, key, etag),
        )
        return new


@asynccontextmanager
async def plain_sqlite(path: str) -> AsyncIterator[PlainSqlite]:
    """Open a file with the driver, as durable as etagere's strong writes."""
    async with aiosqlite.connect(path, isolation_level=None) as connection:
        for pragma in ("journal_mode = WAL", "synchronous = FULL", "busy_timeout = 5000"):
            await connection.execute_fetchall(f"PRAGMA {pragma}")
        await connection.execute_fetchall(
            "CREATE TABLE IF NOT EXISTS raw (key TEXT PRIMARY KEY, value BLOB, etag TEXT)"
        )
        yield PlainSqlite(connection)


class PlainRedis:
    """redis-py with its pool and hiredis; a script for what must be atomic."""

    SWAP = """
    local now = redis.call('HGET', KEYS[1], 'etag')
    if ARGV[1] ~= '' and now ~= ARGV[1] then return 0 end
    redis.call('HSET', KEYS[1], 'value', ARGV[2], 'etag', ARGV[3])
    return 1
    """

    def __init__(self, client: redis.asyncio.Redis) -> None:
        self._client = client
        self._swap = client.register_script(self.SWAP)

    async def get(self, key: str) -> object:
        """Read two fields of a hash."""
        return await self._client.hmget(f"raw:{key}", ["value", "etag"])

    async def set(self, key: str, value: bytes) -> object:
        """Write two fields of a hash."""
        new = secrets.token_hex(16)
        return await self._client.hset(f"raw:{key}", mapping={"value": value, "etag": new})

    async def swap(self, key: str, value: bytes, etag: str | None) -> str:
        """Run the script, by EVALSHA."""
        new = secrets.token_hex(16)
        done = await self._swap(keys=[f"raw:{key}"], args=[etag or "", value, new])
        assert done == 1
        return new


@asynccontextmanager
async def plain_redis(url: str) -> AsyncIterator[PlainRedis]:
    """Connect with the driver's pool."""
    pool = redis.asyncio.BlockingConnectionPool.from_url(url, max_connections=64, timeout=None)
    async with redis.asyncio.Redis.from_pool(pool) as client:
        yield PlainRedis(client)


class PlainPostgres:
    """asyncpg with its pool; statements are prepared once for each connection."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def get(self, key: str) -> object:
        """Read one row."""
        return await self._pool.fetchrow("SELECT value, etag FROM raw WHERE key = $1", key)

    async def set(self, key: str, value: bytes) -> object:
        """Upsert one row."""
        return await self._pool.fetchval(
            "INSERT INTO raw VALUES ($1, $2, $3) ON CONFLICT (key)"
            " DO UPDATE SET value = excluded.value, etag = excluded.etag RETURNING etag",
            key,
            value,
            secrets.token_hex(16),
        )

    async def swap(self, key: str, value: bytes, etag: str | None) -> str:
        """Update one row where the etag matches."""
        if etag is None:
            return str(await self.set(key, value))
        new = await self._pool.fetchval(
            "UPDATE raw SET value = $2, etag = $3 WHERE key = $1 AND etag = $4 RETURNING etag",
            key,
            value,
            secrets.token_hex(16),
            etag,
        )
        assert new is not None
        return str(new)


@asynccontextmanager
async def plain_postgres(url: str) -> AsyncIterator[PlainPostgres]:
    """Connect with a pool of ten."""
    async with asyncpg.create_pool(url, min_size=10, max_size=10) as pool:
        await pool.execute(
            "CREATE TABLE IF NOT EXISTS raw"
            ' (key text COLLATE "C" PRIMARY KEY, value bytea, etag text)'
        )
        yield PlainPostgres(pool)

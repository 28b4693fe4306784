"""Expiring: what has expired is absent in every respect."""

from __future__ import annotations

from datetime import timedelta

from etagere.conformance import needs
from etagere.conformance.clauses import Level, clause
from etagere.conformance.lab import Lab
from etagere.conformance.paths import Path
from etagere.conformance.suite.checks import conflict, done, listed
from etagere.operations import KEEP, Delete, Item, Set

EXPIRING = Level.EXPIRING
A_MINUTE = timedelta(minutes=1)


class ExpiredClauses:
    """An expired record is absent in every respect."""

    @clause(
        "ETG-TTL-030",
        EXPIRING,
        "An expired record is absent in every respect: no read shows it.",
        needs=needs.EXPIRY,
    )
    async def test_expired_for_reads(self, lab: Lab) -> None:
        key, level = lab.key(), lab.capabilities.freshest
        await lab.expired(key)
        assert await lab.store.get(key, consistency=level) is None
        assert await lab.store.exists(key, consistency=level) is False
        assert await lab.store.get_many([key, key], consistency=level) == [None, None]

    @clause(
        "ETG-TTL-031",
        EXPIRING,
        "An expired record is absent in every respect: its ETag matches no write.",
        needs=(needs.CONDITIONAL, needs.EXPIRY),
    )
    async def test_expired_for_conditional_writes(self, lab: Lab, path: Path) -> None:
        key = lab.key()
        etag = await lab.expired(key)
        for ttl in (None, KEEP, A_MINUTE):
            with conflict(key, expected=etag, actual=None):
                await path.set(lab, key, b"revived", etag=etag, ttl=ttl)
        assert await lab.read(key) is None

    @clause(
        "ETG-TTL-032",
        EXPIRING,
        "An expired record is absent in every respect: its ETag matches no delete.",
        needs=(needs.CONDITIONAL, needs.EXPIRY),
    )
    async def test_expired_for_conditional_deletes(self, lab: Lab, path: Path) -> None:
        key = lab.key()
        etag = await lab.expired(key)
        with conflict(key, expected=etag, actual=None):
            await path.delete(lab, key, etag=etag)

    @clause(
        "ETG-TTL-033",
        EXPIRING,
        "An expired record is absent in every respect: there is nothing to delete.",
        needs=(needs.CONDITIONAL, needs.EXPIRY),
    )
    async def test_expired_for_deletes(self, lab: Lab, path: Path) -> None:
        key = lab.key()
        await lab.expired(key)
        assert await path.delete(lab, key) is False
        await lab.expired(key)
        assert await path.delete(lab, key, concurrency="first-write") is False

    @clause(
        "ETG-TTL-034",
        EXPIRING,
        "An expired record is absent in every respect: first-write creates its key anew.",
        needs=(needs.CONDITIONAL, needs.EXPIRY),
    )
    async def test_expired_for_first_write(self, lab: Lab, path: Path) -> None:
        for ttl in (None, KEEP):
            key = lab.key()
            old = await lab.expired(key)
            etag = await path.set(lab, key, b"new", concurrency="first-write", ttl=ttl)
            assert etag != old
            assert await lab.read(key) == Item(key, b"new", etag)

    @clause(
        "ETG-TTL-035",
        EXPIRING,
        "An expired record is absent in every respect: there is no expiry to keep.",
        needs=needs.EXPIRY,
    )
    async def test_expired_for_keep(self, lab: Lab, path: Path) -> None:
        key = lab.key()
        await lab.expired(key)
        etag = await path.set(lab, key, b"new", ttl=KEEP)
        assert await lab.read(key) == Item(key, b"new", etag)

    @clause(
        "ETG-TTL-036",
        EXPIRING,
        "An expired record is absent in every respect: there is nothing to touch.",
        needs=(needs.CONDITIONAL, needs.TOUCH),
    )
    async def test_expired_for_touch(self, lab: Lab) -> None:
        key = lab.key()
        etag = await lab.expired(key)
        for ttl in (60, None):
            assert await lab.store.touch(key, ttl) is False
            with conflict(key, expected=etag, actual=None):
                await lab.store.touch(key, ttl, etag=etag)
        assert await lab.read(key) is None

    @clause(
        "ETG-TTL-037",
        EXPIRING,
        "An expired record is absent in every respect: `update` gets None.",
        needs=(needs.CONDITIONAL, needs.EXPIRY),
    )
    async def test_expired_for_update(self, lab: Lab) -> None:
        key = lab.key()
        await lab.expired(key)
        item = await lab.store.update(key, lambda old: b"absent" if old is None else b"there")
        assert item.value == b"absent"
        assert await lab.read(key) == item

    @clause(
        "ETG-TTL-038",
        EXPIRING,
        "An expired record is absent in every respect: it is not listed, and counts nowhere.",
        needs=(needs.EXPIRY, needs.LISTING),
    )
    async def test_expired_for_listing(self, lab: Lab) -> None:
        level, keys = lab.capabilities.freshest, lab.keys(60)
        prefix = keys[0].partition("/")[0]
        requests = [Set(key, b"", ttl=lab.soon if n % 3 else None) for n, key in enumerate(keys)]
        for result in await lab.store.set_many(requests):
            done(result)
        for key in keys[1:3]:
            await lab.gone(key)
        await lab.until(lambda: all_absent(lab, keys), "all with a time to live are gone")
        assert await listed(lab.store.keys(prefix=prefix, consistency=level)) == keys[::3]
        some = lab.store.keys(prefix=prefix, limit=5, consistency=level)
        assert await listed(some) == keys[:15:3]
        assert await lab.store.delete_prefix(prefix) == 20

    @clause(
        "ETG-TTL-039",
        EXPIRING,
        "An expired record is absent in every respect, inside transactions too.",
        needs=(needs.CONDITIONAL, needs.EXPIRY, needs.TRANSACTIONS),
    )
    async def test_expired_for_transactions(self, lab: Lab) -> None:
        expired, other = lab.together("expired", "other")
        etag = await lab.expired(expired)
        with conflict(expired, expected=etag, actual=None):
            await lab.store.transact([Set(other, b""), Delete(expired, etag=etag)])
        results = await lab.store.transact(
            [Delete(expired), Set(expired, b"new", concurrency="first-write", ttl=KEEP)]
        )
        assert results[0] is False
        assert await lab.read(expired) == Item(expired, b"new", await lab.told(expired, results[1]))
        assert await lab.read(other) is None

    @clause(
        "ETG-TTL-040",
        EXPIRING,
        "Inside a transaction a time to live goes with its set, and operations see the earlier"
        " ones'.",
        needs=(needs.EXPIRY, needs.TRANSACTIONS),
    )
    async def test_expiry_in_transactions(self, lab: Lab) -> None:
        a, b, c, d = lab.together("a", "b", "c", "d")
        await lab.store.set(d, b"", ttl=60)
        await lab.store.transact(
            [
                Set(a, b"", ttl=60),
                Set(b, b"", ttl=60),
                Set(b, b""),
                Set(c, b"", ttl=60),
                Set(c, b"", ttl=KEEP),
                Delete(d),
                Set(d, b"", ttl=KEEP),
            ]
        )
        items = [await lab.read(key) for key in (a, b, c, d)]
        assert [item is not None and item.expires_at is not None for item in items] == [
            True,
            False,
            True,
            False,
        ]


async def all_absent(lab: Lab, keys: list[str]) -> bool:
    """Tell whether all keys but each third are absent."""
    items = await lab.store.get_many(keys, consistency=lab.capabilities.freshest)
    return all(item is None for n, item in enumerate(items) if n % 3)

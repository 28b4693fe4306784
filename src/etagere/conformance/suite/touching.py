"""Expiring: `touch` changes only when a record expires."""

from __future__ import annotations

from datetime import datetime, timedelta

from msgspec.structs import replace

from etagere.conformance import needs
from etagere.conformance.clauses import Level, clause
from etagere.conformance.lab import Lab
from etagere.conformance.suite.checks import conflict, not_supported, there
from etagere.conformance.suite.samples import foreign_etags

EXPIRING = Level.EXPIRING
A_MINUTE = timedelta(minutes=1)


class TouchingClauses:
    """A new expiry for the same record."""

    @clause(
        "ETG-TTL-020",
        EXPIRING,
        "`touch` sets, changes and clears the expiry; value and ETag stay as they are.",
        needs=needs.TOUCH,
    )
    async def test_touch(self, lab: Lab) -> None:
        item = await lab.place(lab.key(), b"touched")
        moments: list[datetime | None] = []
        for ttl in (A_MINUTE, 10 * A_MINUTE, A_MINUTE / 2, None):
            assert await lab.store.touch(item.key, ttl) is True
            found = there(await lab.read(item.key))
            assert replace(found, expires_at=None) == item
            moments.append(found.expires_at)
        one, ten, half, never = moments
        assert never is None
        assert one is not None
        assert ten is not None
        assert half is not None
        assert half < one < ten

    @clause(
        "ETG-TTL-021",
        EXPIRING,
        "`touch` of an absent key says so, and creates nothing.",
        needs=needs.TOUCH,
    )
    async def test_touch_of_nothing(self, lab: Lab) -> None:
        key = lab.key()
        assert await lab.store.touch(key, 60) is False
        assert await lab.store.touch(key, None) is False
        assert await lab.read(key) is None

    @clause(
        "ETG-TTL-022",
        EXPIRING,
        "With an ETag, `touch` touches only if it is the key's; else it is a conflict.",
        needs=(needs.CONDITIONAL, needs.TOUCH),
    )
    async def test_touch_with_an_etag(self, lab: Lab) -> None:
        item, absent = await lab.place(lab.key(), ttl=A_MINUTE), lab.key()
        for etag in ("stale", *foreign_etags(item.etag)):
            for ttl in (600, None):
                with conflict(item.key, expected=etag, actual=item.etag):
                    await lab.store.touch(item.key, ttl, etag=etag)
        assert await lab.read(item.key) == item
        with conflict(absent, expected=item.etag, actual=None):
            await lab.store.touch(absent, 600, etag=item.etag)
        assert await lab.store.touch(item.key, None, etag=item.etag) is True
        assert await lab.read(item.key) == replace(item, expires_at=None)

    @clause(
        "ETG-TTL-023",
        EXPIRING,
        "The ETag that a key had before it was touched is good for a write.",
        needs=(needs.CONDITIONAL, needs.TOUCH),
    )
    async def test_touch_is_no_write(self, lab: Lab) -> None:
        item = await lab.place(lab.key())
        await lab.store.touch(item.key, 60)
        await lab.store.set(item.key, b"new", etag=item.etag)
        assert there(await lab.read(item.key)).value == b"new"

    @clause(
        "ETG-TTL-024",
        EXPIRING,
        "What is touched expires when its new time is over.",
        needs=needs.TOUCH,
    )
    async def test_touched_expires(self, lab: Lab) -> None:
        item = await lab.place(lab.key(), ttl=A_MINUTE)
        assert await lab.store.touch(item.key, lab.soon) is True
        await lab.gone(item.key)

    @clause(
        "ETG-TTL-091",
        EXPIRING,
        "A store that expires keys but cannot touch them says so, and changes nothing.",
        needs=(needs.EXPIRY, ~needs.TOUCH),
    )
    async def test_touching_is_refused(self, lab: Lab) -> None:
        item, absent = await lab.place(lab.key(), ttl=600), lab.key()
        for key in (item.key, absent):
            for ttl in (60, None):
                with not_supported("touching"):
                    await lab.store.touch(key, ttl)
        assert await lab.read(item.key) == item
        assert await lab.read(absent) is None

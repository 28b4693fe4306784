"""Expiring: a time to live that travels with the write."""

from __future__ import annotations

import time
from datetime import datetime, timedelta
from typing import Final

import anyio
import anyio.lowlevel

from etagere.conformance import needs
from etagere.conformance.clauses import Level, clause
from etagere.conformance.lab import Lab
from etagere.conformance.paths import Path
from etagere.conformance.suite.checks import conflict, done, not_supported, refused, there
from etagere.conformance.suite.expired import ExpiredClauses
from etagere.conformance.suite.touching import TouchingClauses
from etagere.errors import InvalidArgument
from etagere.operations import KEEP, Item, Set

EXPIRING = Level.EXPIRING
A_MINUTE: Final = timedelta(minutes=1)
ROUNDING: Final = 0.010
"""Seconds by which a server's clock and ours may be read apart."""
SLACK: Final = 2.0
"""Seconds after which what has expired must be gone, on a busy machine."""


async def expiry(lab: Lab, key: str) -> datetime | None:
    """Return when a key that is there expires."""
    return there(await lab.read(key)).expires_at


class LifetimeClauses:
    """How long a record lives."""

    @clause(
        "ETG-TTL-001",
        EXPIRING,
        "A record is there until its time to live is over, and absent from then on.",
        needs=needs.EXPIRY,
    )
    async def test_until_then(self, lab: Lab, path: Path) -> None:
        key, ttl = lab.key(), max(0.4, lab.soon)
        before = time.monotonic()
        await path.set(lab, key, b"brief", ttl=ttl)
        item = await lab.read(key)
        if time.monotonic() - before < ttl - ROUNDING:
            assert there(item).value == b"brief"
        await lab.gone(key)
        lived = time.monotonic() - before
        assert lived >= ttl - lab.soon - ROUNDING, f"it was gone after {lived:.3f} of {ttl:g} s"
        assert lived <= ttl + lab.soon + SLACK, f"it was there for {lived:.3f} instead of {ttl:g} s"

    @clause(
        "ETG-TTL-002",
        EXPIRING,
        "A read returns when the item expires, and None if it never does.",
        needs=needs.EXPIRY,
    )
    async def test_reads_tell_when(self, lab: Lab, path: Path) -> None:
        key, level = lab.key(), lab.capabilities.freshest
        await path.set(lab, key, b"")
        assert await expiry(lab, key) is None
        await path.set(lab, key, b"", ttl=A_MINUTE)
        item = there(await lab.read(key))
        assert item.expires_at is not None
        assert await lab.store.get_many([key], consistency=level) == [item]
        async with lab.open() as other:
            assert await other.get(key, consistency=level) == item

    @clause(
        "ETG-TTL-003",
        EXPIRING,
        "The time to live counts from the write, at the resolution that is claimed.",
        needs=needs.EXPIRY,
    )
    async def test_resolution(self, lab: Lab, path: Path) -> None:
        # Against each other, because the store's clock need not agree with ours.
        steps = [60 + number * 7 * lab.soon for number in range(6)]
        began = time.monotonic()
        keys = lab.keys(len(steps))
        for key, ttl in zip(keys, steps, strict=True):
            await path.set(lab, key, b"", ttl=ttl)
        took = time.monotonic() - began
        ends = [await expiry(lab, key) for key in keys]
        first = ends[0]
        assert first is not None
        for end, ttl in zip(ends, steps, strict=True):
            assert end is not None
            off = (end - first).total_seconds() - (ttl - steps[0])
            assert -lab.soon - ROUNDING <= off <= took + lab.soon + ROUNDING

    @clause(
        "ETG-TTL-004",
        EXPIRING,
        "A write with another time to live replaces the old one, longer or shorter.",
        needs=needs.EXPIRY,
    )
    async def test_another_replaces_it(self, lab: Lab, path: Path) -> None:
        key = lab.key()
        moments: list[datetime] = []
        for minutes in (10, 60, 5):
            await path.set(lab, key, b"", ttl=minutes * A_MINUTE)
            moment = await expiry(lab, key)
            assert moment is not None
            moments.append(moment)
        ten, sixty, five = moments
        assert five < ten < sixty

    @clause(
        "ETG-TTL-005",
        EXPIRING,
        "A write without a time to live clears it.",
        needs=(needs.CONDITIONAL, needs.EXPIRY),
    )
    async def test_a_plain_write_clears_it(self, lab: Lab, path: Path) -> None:
        item = await lab.place(lab.key(), ttl=A_MINUTE)
        assert item.expires_at is not None
        await path.set(lab, item.key, b"plain")
        assert await expiry(lab, item.key) is None
        item = await lab.place(item.key, ttl=A_MINUTE)
        await path.set(lab, item.key, b"conditional", etag=item.etag)
        assert await expiry(lab, item.key) is None

    @clause(
        "ETG-TTL-006",
        EXPIRING,
        "A write with `ttl=KEEP` leaves the expiry as it is.",
        needs=(needs.CONDITIONAL, needs.EXPIRY),
    )
    async def test_keep(self, lab: Lab, path: Path) -> None:
        item = await lab.place(lab.key(), ttl=A_MINUTE)
        # A time to live that started anew would now end later.
        await anyio.sleep(2 * lab.soon)
        etag = await path.set(lab, item.key, b"kept", ttl=KEEP)
        assert await lab.read(item.key) == Item(item.key, b"kept", etag, item.expires_at)
        etag = await path.set(lab, item.key, b"again", etag=etag, ttl=KEEP)
        assert await lab.read(item.key) == Item(item.key, b"again", etag, item.expires_at)

    @clause(
        "ETG-TTL-007",
        EXPIRING,
        "`ttl=KEEP` keeps no expiry where there is none to keep.",
        needs=needs.EXPIRY,
    )
    async def test_keep_nothing(self, lab: Lab, path: Path) -> None:
        absent, there_already = lab.key(), await lab.place(lab.key())
        for key in (absent, there_already.key):
            await path.set(lab, key, b"kept", ttl=KEEP)
            assert await expiry(lab, key) is None

    @clause(
        "ETG-TTL-008",
        EXPIRING,
        "`update` keeps the expiry, unless it is told otherwise.",
        needs=(needs.CONDITIONAL, needs.EXPIRY),
    )
    async def test_update_keeps_it(self, lab: Lab) -> None:
        item = await lab.place(lab.key(), ttl=A_MINUTE)
        await lab.store.update(item.key, lambda _: b"kept")
        assert await expiry(lab, item.key) == item.expires_at
        await lab.store.update(item.key, lambda _: b"cleared", ttl=None)
        assert await expiry(lab, item.key) is None

    @clause(
        "ETG-TTL-009",
        EXPIRING,
        "A write that conflicts changes no expiry.",
        needs=(needs.CONDITIONAL, needs.EXPIRY),
    )
    async def test_conflicts_change_none(self, lab: Lab, path: Path) -> None:
        for ttl in (None, A_MINUTE):
            item = await lab.place(lab.key(), ttl=ttl)
            for other in (None, 10 * A_MINUTE, KEEP):
                with conflict(item.key, expected="stale", actual=item.etag):
                    await path.set(lab, item.key, b"", etag="stale", ttl=other)
            assert await lab.read(item.key) == item

    @clause(
        "ETG-TTL-010",
        EXPIRING,
        "The time to live travels with the write, atomically: nobody sees the value without it.",
        needs=needs.EXPIRY,
    )
    async def test_it_is_never_late(self, lab: Lab, path: Path) -> None:
        key, level = lab.key(), lab.capabilities.freshest
        seen: list[Item[bytes]] = []

        async def watch() -> None:
            while True:
                if (item := await other.get(key, consistency=level)) is not None:
                    seen.append(item)
                await anyio.lowlevel.checkpoint()

        async with lab.open() as other, anyio.create_task_group() as tasks:
            tasks.start_soon(watch)
            for number in range(20):
                await path.set(lab, key, b"%d" % number, ttl=A_MINUTE)
            tasks.cancel_scope.cancel()
        assert all(item.expires_at is not None for item in seen)

    @clause(
        "ETG-TTL-011",
        EXPIRING,
        "A time to live may be a millisecond, as far as the resolution goes, or a thousand years.",
        needs=needs.EXPIRY,
    )
    async def test_short_and_long(self, lab: Lab, path: Path) -> None:
        brief, lasting = lab.key(), lab.key()
        await path.set(lab, lasting, b"", ttl=timedelta(days=365_000))
        moment = await expiry(lab, lasting)
        assert moment is not None
        assert moment.year > 2900
        await path.set(lab, brief, b"", ttl=lab.soon)
        await lab.gone(brief)

    @clause(
        "ETG-TTL-012",
        EXPIRING,
        "A time to live that is none is refused, and nothing is written.",
        needs=needs.EXPIRY,
    )
    async def test_impossible_ttls(self, lab: Lab, path: Path) -> None:
        item = await lab.place(lab.key())
        for ttl in (0, -1, float("nan"), float("inf"), timedelta(days=366_000)):
            with refused(InvalidArgument, f"ttl={ttl}"):
                await path.set(lab, item.key, b"", ttl=ttl)
        assert await lab.read(item.key) == item

    @clause(
        "ETG-TTL-013",
        EXPIRING,
        "Expiry is decided by the server's clock: that of a client is of no account.",
        needs=needs.SERVER_CLOCK,
        hooks="skew_clock",
    )
    async def test_the_clients_clock_does_not_count(self, lab: Lab, path: Path) -> None:
        honest = await lab.place(lab.key(), ttl=2 * A_MINUTE)
        assert honest.expires_at is not None
        for skew in (3600, -3600):
            await lab.hooks.skew_clock(skew)
            try:
                key = lab.key()
                await path.set(lab, key, b"", ttl=A_MINUTE)
                moment = await expiry(lab, key)
                assert await lab.read(honest.key) == honest
            finally:
                await lab.hooks.skew_clock(0)
            assert moment is not None
            assert abs(moment + A_MINUTE - honest.expires_at) < A_MINUTE / 2

    @clause(
        "ETG-TTL-014",
        EXPIRING,
        "Each item of a bulk call has its own time to live, or none.",
        needs=needs.EXPIRY,
    )
    async def test_bulk_items_have_their_own(self, lab: Lab) -> None:
        keys = lab.keys(30)
        requests = [Set(key, b"", ttl=(None, 60, 600)[n % 3]) for n, key in enumerate(keys)]
        for result in await lab.store.set_many(requests):
            done(result)
        moments = [await expiry(lab, key) for key in keys]
        assert all((moment is None) is (n % 3 == 0) for n, moment in enumerate(moments))
        shorter, longer = moments[1], moments[2]
        assert shorter is not None
        assert longer is not None
        assert shorter < longer


class NotExpiringClauses:
    """Where expiry is not claimed."""

    @clause(
        "ETG-TTL-090",
        EXPIRING,
        "A store without expiry refuses a time to live with `NotSupported`, and writes nothing.",
        needs=~needs.EXPIRY,
    )
    async def test_expiry_is_refused(self, lab: Lab, path: Path) -> None:
        item, absent = await lab.place(lab.key()), lab.key()
        for key in (item.key, absent):
            with not_supported("a time to live"):
                await path.set(lab, key, b"", ttl=60)
            with not_supported("a time to live"):
                await lab.store.touch(key, 60)
        assert await lab.read(item.key) == item
        assert await lab.read(absent) is None


class ExpiringClauses(LifetimeClauses, TouchingClauses, ExpiredClauses, NotExpiringClauses):
    """Records that expire."""

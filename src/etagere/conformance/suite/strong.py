"""Strong: what it promises, or a refusal."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import anyio

from etagere.conformance import needs
from etagere.conformance.clauses import Level, clause
from etagere.conformance.lab import Lab
from etagere.conformance.paths import Path
from etagere.conformance.suite.checks import conflict, done, listed, not_supported, refused
from etagere.errors import InvalidArgument
from etagere.operations import Item, Set

STRONG = Level.STRONG
CLAIMED = needs.STRONG


class FreshClauses:
    """A strong read sees every strong write that returned before it began."""

    @clause(
        "ETG-STRONG-001",
        STRONG,
        "A strong read sees every strong write that returned before it began, whoever wrote.",
        needs=CLAIMED,
    )
    async def test_reads_are_fresh(self, lab: Lab, path: Path) -> None:
        key = lab.key()
        async with lab.open(name="reader") as reader:
            for number in lab.rounds(50):
                value = b"%d" % number
                etag = await path.set(lab, key, value, consistency="strong")
                assert await reader.get(key, consistency="strong") == Item(key, value, etag)

    @clause(
        "ETG-STRONG-002",
        STRONG,
        "A strong read sees every strong delete that returned before it began.",
        needs=CLAIMED,
    )
    async def test_deletes_are_fresh(self, lab: Lab, path: Path) -> None:
        key = lab.key()
        async with lab.open(name="reader") as reader:
            for _ in range(20):
                await path.set(lab, key, b"", consistency="strong")
                assert await path.delete(lab, key, consistency="strong") is True
                assert await reader.get(key, consistency="strong") is None

    @clause(
        "ETG-STRONG-003",
        STRONG,
        "Strong bulk reads and listings see strong writes as well.",
        needs=CLAIMED,
    )
    async def test_bulk_reads_are_fresh(self, lab: Lab) -> None:
        async with lab.open(name="reader") as reader:
            for _ in range(5):
                keys = lab.keys(40)
                requests = [Set(key, key.encode()) for key in keys]
                results = await lab.store.set_many(requests, consistency="strong")
                etags = [done(result) for result in results]
                items = await reader.get_many(keys, consistency="strong")
                assert items == [
                    Item(key, key.encode(), await lab.told(key, etag))
                    for key, etag in zip(keys, etags, strict=True)
                ]
                if lab.capabilities.listing:
                    prefix = keys[0].partition("/")[0]
                    found = await listed(reader.keys(prefix=prefix, consistency="strong"))
                    assert found == keys

    @clause(
        "ETG-STRONG-004",
        STRONG,
        "Strong writes have the same preconditions, and conflict in the same way.",
        needs=(needs.CONDITIONAL, CLAIMED),
    )
    async def test_preconditions(self, lab: Lab, path: Path) -> None:
        key = lab.key()
        first = await path.set(lab, key, b"1", concurrency="first-write", consistency="strong")
        with conflict(key, expected=None, actual=first):
            await path.set(lab, key, b"2", concurrency="first-write", consistency="strong")
        second = await path.set(lab, key, b"3", etag=first, consistency="strong")
        with conflict(key, expected=first, actual=second):
            await path.set(lab, key, b"4", etag=first, consistency="strong")
        with conflict(key, expected=first, actual=second):
            await path.delete(lab, key, etag=first, consistency="strong")
        assert await lab.read(key) == Item(key, b"3", second)
        assert await path.delete(lab, key, etag=second, consistency="strong") is True
        assert await lab.read(key) is None

    @clause(
        "ETG-STRONG-005",
        STRONG,
        "Consistency is said per call: strong and eventual calls mix, each with its own answer.",
        needs=(needs.CONDITIONAL, CLAIMED),
    )
    async def test_levels_mix(self, lab: Lab) -> None:
        items: dict[str, Item[bytes] | None] = {}

        async def use(key: str, level: str) -> None:
            etag = await lab.store.set(key, b"1", consistency=level)
            await lab.store.set(key, b"2", etag=etag, consistency=level)
            items[key] = await lab.store.get(key, consistency="strong")

        keys = lab.keys(60)
        async with anyio.create_task_group() as tasks:
            for number, key in enumerate(keys):
                tasks.start_soon(use, key, ("strong", "eventual")[number % 2])
        assert [item and item.value for item in map(items.get, keys)] == [b"2"] * 60

    @clause(
        "ETG-STRONG-006",
        STRONG,
        "Strong touches, updates and deletions by prefix are offered too.",
        needs=(needs.CONDITIONAL, needs.TOUCH, CLAIMED),
    )
    async def test_all_other_calls(self, lab: Lab) -> None:
        key, level = lab.key(), "strong"
        item = await lab.store.update(key, lambda _: b"updated", consistency=level)
        assert await lab.store.get(key, consistency=level) == item
        assert await lab.store.exists(key, consistency=level) is True
        if not needs.EXPIRY.why_not(lab.capabilities):
            assert await lab.store.touch(key, 60, consistency=level) is True
        if lab.capabilities.listing:
            assert await lab.store.delete_prefix(key, consistency=level) == 1
            assert await lab.store.exists(key, consistency=level) is False

    @clause(
        "ETG-STRONG-007",
        STRONG,
        "A strong write that returned is there after the server was killed and started again.",
        needs=(CLAIMED, needs.DURABLE),
        hooks="restart",
        seconds=120,
    )
    async def test_survives_a_restart(self, lab: Lab, path: Path) -> None:
        keys = lab.keys(20)
        etags = [await path.set(lab, key, b"safe", consistency="strong") for key in keys]
        await lab.hooks.restart()
        async with lab.open(name="afterwards", timeout=60) as store:
            items = await store.get_many(keys, consistency="strong")
        assert items == [Item(key, b"safe", etag) for key, etag in zip(keys, etags, strict=True)]

    @clause(
        "ETG-STRONG-008", Level.CORE, "A consistency that does not exist is refused, not ignored."
    )
    async def test_unknown_levels(self, lab: Lab, path: Path) -> None:
        key = lab.key()
        for word in ("", "Strong", "linearizable"):
            with refused(InvalidArgument, f"consistency={word!r}"):
                await path.set(lab, key, b"", consistency=word)
            with refused(InvalidArgument, f"consistency={word!r}"):
                await lab.store.get(key, consistency=word)
        assert await lab.read(key) is None


class NotStrongClauses:
    """Where strong is not claimed."""

    @clause(
        "ETG-STRONG-090",
        STRONG,
        "A store that cannot give strong refuses it with `NotSupported`, on every call, and"
        " downgrades nothing silently.",
        needs=~needs.STRONG,
    )
    async def test_strong_is_refused(self, lab: Lab, path: Path) -> None:
        item, absent, level = await lab.place(lab.key()), lab.key(), "strong"
        for key in (item.key, absent):
            with not_supported("a strong set"):
                await path.set(lab, key, b"", consistency=level)
            with not_supported("a strong delete"):
                await path.delete(lab, key, consistency=level)
        assert await lab.read(item.key) == item
        assert await lab.read(absent) is None

    @clause(
        "ETG-STRONG-091",
        STRONG,
        "Strong reads and listings are refused as well where they are not offered.",
        needs=~needs.STRONG,
    )
    async def test_reads_are_refused(self, lab: Lab) -> None:
        item, store, level = await lab.place(lab.key()), lab.store, "strong"
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "get": lambda: store.get(item.key, consistency=level),
            "exists": lambda: store.exists(item.key, consistency=level),
            "get_many": lambda: store.get_many([item.key], consistency=level),
            "update": lambda: store.update(item.key, lambda _: b"", consistency=level),
            "touch": lambda: store.touch(item.key, None, consistency=level),
        }
        if lab.capabilities.listing:
            calls["keys"] = lambda: listed(store.keys(consistency=level))
            calls["delete_prefix"] = lambda: store.delete_prefix(item.key, consistency=level)
        for name, call in calls.items():
            with not_supported(f"a strong {name}"):
                await call()
        assert await lab.read(item.key) == item


class StrongClauses(FreshClauses, NotStrongClauses):
    """Strong means something, or is refused."""

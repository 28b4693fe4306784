"""Listing: keys by prefix, in UTF-8 byte order, page by page."""

from __future__ import annotations

import random
from typing import Any, Final

import anyio

from etagere.conformance import needs
from etagere.conformance.clauses import Level, clause
from etagere.conformance.lab import Lab
from etagere.conformance.suite.checks import done, listed, not_supported, refused
from etagere.errors import InvalidArgument
from etagere.operations import Set

LISTING = Level.LISTING
CLAIMED = needs.LISTING
NAMES: Final = (
    *("", "!", "A", "B", "a", "aa", "ab", "b", "~", "é", "e\u0301"),
    *("\ud7ff", "\ue000", "\uffff", "🦜", "\U0010ffff"),
)
SPECIAL: Final = (
    *("%", "_", "*", "?", "[", "]", "\\", "'", '"', "{", "}", "^", "-", "|", "/", ".", " "),
    *("[a-z]", "\\%", "%%", "__", "{a,b}", "é"),
)
EDGES: Final = ("\ud7ff", "\uffff", "\U0010ffff", "a\U0010ffff\U0010ffff")


async def filled(lab: Lab, stem: str, names: list[str] | tuple[str, ...]) -> list[str]:
    """Write keys in no order; return them in byte order."""
    keys = [stem + name for name in names]
    requests = [Set(key, key.encode()) for key in lab.random.sample(keys, len(keys))]
    for result in await lab.store.set_many(requests):
        done(result)
    return sorted(keys, key=str.encode)


async def keys_of(lab: Lab, **bounds: Any) -> list[str]:
    """Return what is listed, at the level that misses nothing."""
    return await listed(lab.store.keys(consistency=lab.capabilities.freshest, **bounds))


class OrderClauses:
    """Which keys are listed, and in which order."""

    @clause("ETG-LIST-001", LISTING, "Keys are listed in UTF-8 byte order.", needs=CLAIMED)
    async def test_byte_order(self, lab: Lab) -> None:
        stem = lab.key()
        keys = await filled(lab, stem, NAMES)
        assert await keys_of(lab, prefix=stem) == keys
        assert await keys_of(lab) == keys

    @clause("ETG-LIST-002", LISTING, "A prefix is taken as it stands.", needs=CLAIMED)
    async def test_a_prefix_is_no_pattern(self, lab: Lab) -> None:
        for special in SPECIAL:
            stem = lab.key()
            wanted = await filled(lab, stem + special, ("", "1", "x" + special))
            await filled(lab, stem, ("", "x", "xx", "a1", "ABC"))
            assert await keys_of(lab, prefix=stem + special) == wanted

    @clause("ETG-LIST-003", LISTING, "Upper and lower case are different prefixes.", needs=CLAIMED)
    async def test_case_matters(self, lab: Lab) -> None:
        stem = lab.key()
        lower, upper = await filled(lab, stem, ("a1", "a2")), await filled(lab, stem, ("A1", "A2"))
        assert await keys_of(lab, prefix=stem + "a") == lower
        assert await keys_of(lab, prefix=stem + "A") == upper

    @clause(
        "ETG-LIST-004",
        LISTING,
        "A prefix may end with the last character there is.",
        needs=CLAIMED,
    )
    async def test_prefixes_at_the_edge(self, lab: Lab) -> None:
        for edge in EDGES:
            stem = lab.key()
            keys = await filled(lab, stem + edge, ("", "!", "\U0010ffff"))
            await filled(lab, stem, ("", "b"))
            assert await keys_of(lab, prefix=stem + edge) == keys

    @clause("ETG-LIST-005", LISTING, "`after` and `limit` bound a listing.", needs=CLAIMED)
    async def test_bounds(self, lab: Lab) -> None:
        stem = lab.key()
        keys = await filled(lab, stem, [f"{number:03}" for number in range(50)])
        assert await keys_of(lab, prefix=stem, limit=0) == []
        assert await keys_of(lab, prefix=stem, limit=7) == keys[:7]
        assert await keys_of(lab, prefix=stem, limit=1000) == keys
        assert await keys_of(lab, prefix=stem, after=keys[6], limit=7) == keys[7:14]
        assert await keys_of(lab, prefix=stem, after=keys[6] + "!") == keys[7:]
        assert await keys_of(lab, prefix=stem, after=keys[-1]) == []
        assert await keys_of(lab, prefix=stem, after="\U0010ffff") == []
        assert await keys_of(lab, prefix=stem, after=" ") == keys
        assert await keys_of(lab, after=keys[20], limit=3) == keys[21:24]

    @clause(
        "ETG-LIST-006",
        LISTING,
        "The last key of one page is the `after` of the next: each key comes once.",
        needs=CLAIMED,
    )
    async def test_paging(self, lab: Lab) -> None:
        stem = lab.key()
        keys = await filled(lab, stem, [*NAMES, *(f"{number:03}" for number in range(20))])
        for size in (1, 7, 100):
            pages: list[str] = []
            while page := await keys_of(lab, prefix=stem, after=(pages or [""])[-1], limit=size):
                pages += page
                assert pages == keys[: len(pages)], "a page is not what comes after the last one"
            assert pages == keys

    @clause("ETG-LIST-007", LISTING, "Thousands of keys are listed, each once.", needs=CLAIMED)
    async def test_thousands(self, lab: Lab) -> None:
        stem = lab.key()
        keys = await filled(lab, stem, [f"{number:04}" for number in range(2500)])
        assert await keys_of(lab, prefix=stem) == keys
        assert await keys_of(lab, prefix=stem, limit=1500, after=keys[300]) == keys[301:1801]

    @clause("ETG-LIST-008", LISTING, "What is deleted or absent is not listed.", needs=CLAIMED)
    async def test_deleted_keys(self, lab: Lab) -> None:
        stem = lab.key()
        assert await keys_of(lab, prefix=stem) == []
        a, b, c = await filled(lab, stem, ("a", "b", "c"))
        await lab.store.delete(b)
        assert await keys_of(lab, prefix=stem) == [a, c]

    @clause("ETG-LIST-009", LISTING, "Bounds may be longer than any key.", needs=CLAIMED)
    async def test_long_bounds(self, lab: Lab) -> None:
        (key,) = await filled(lab, lab.key(), ("",))
        assert await keys_of(lab, prefix=key + "x" * 5000) == []
        assert await keys_of(lab, prefix=key, after=key + "x" * 5000) == []
        assert await keys_of(lab, prefix=key, after=key[:-1] + " " * 5000) == [key]

    @clause("ETG-LIST-010", LISTING, "Bounds that make no sense are refused.", needs=CLAIMED)
    async def test_impossible_bounds(self, lab: Lab) -> None:
        for bounds in ({"prefix": "\0"}, {"after": "\ud800"}, {"limit": -1}):
            with refused(InvalidArgument, str(bounds)):
                await keys_of(lab, **bounds)

    @clause(
        "ETG-LIST-011", LISTING, "Another store on the same data lists the same.", needs=CLAIMED
    )
    async def test_another_store(self, lab: Lab) -> None:
        stem, level = lab.key(), lab.capabilities.freshest
        keys = await filled(lab, stem, NAMES)
        async with lab.open() as other:
            assert await listed(other.keys(prefix=stem, consistency=level)) == keys


class ItemClauses:
    """What is built on listing."""

    @clause("ETG-LIST-020", LISTING, "`items` yields each key's item, in order.", needs=CLAIMED)
    async def test_items(self, lab: Lab) -> None:
        stem, level = lab.key(), lab.capabilities.freshest
        keys = await filled(lab, stem, NAMES)
        items = await listed(lab.store.items(prefix=stem, consistency=level))
        assert [(item.key, item.value) for item in items] == [(key, key.encode()) for key in keys]
        assert items == [await lab.read(key) for key in keys]

    @clause(
        "ETG-LIST-021",
        LISTING,
        "`delete_prefix` deletes every key with the prefix, and no other, and counts them.",
        needs=CLAIMED,
    )
    async def test_delete_prefix(self, lab: Lab) -> None:
        stem = lab.key()
        doomed = await filled(lab, stem + "%/", [f"{number:04}" for number in range(700)])
        kept = await filled(lab, stem, ("", "%", "%0", "x/1"))
        assert await lab.store.delete_prefix(stem + "%/") == len(doomed)
        assert await keys_of(lab, prefix=stem) == kept
        assert await lab.store.delete_prefix(stem + "%/") == 0
        with refused(InvalidArgument, "an empty prefix"):
            await lab.store.delete_prefix("")
        assert await keys_of(lab, prefix=stem) == kept

    @clause(
        "ETG-LIST-022",
        LISTING,
        "A listing that is given up leaves the store as usable as before.",
        needs=CLAIMED,
    )
    async def test_given_up(self, lab: Lab) -> None:
        stem = lab.key()
        keys = await filled(lab, stem, [f"{number:04}" for number in range(1500)])
        for _ in range(30):
            listing = lab.store.keys(prefix=stem)
            async for _key in listing:
                break
            await listing.aclose()
        assert await keys_of(lab, prefix=stem) == keys


class BusyClauses:
    """Listing while others write."""

    @clause(
        "ETG-LIST-030",
        LISTING,
        "A listing is complete for keys that are there throughout, whatever comes and goes.",
        needs=CLAIMED,
    )
    async def test_complete_while_others_write(self, lab: Lab) -> None:
        stem = lab.key()
        steady = await filled(lab, stem, [f"{number:04}" for number in range(0, 2000, 2)])

        async def come_and_go(choice: random.Random) -> None:
            while True:
                names = [f"{stem}{choice.randrange(1, 2000, 2):04}" for _ in range(40)]
                await lab.store.set_many(dict.fromkeys(names, b""))
                await lab.store.delete_many(names)

        async with anyio.create_task_group() as tasks:
            for _ in range(3):
                tasks.start_soon(come_and_go, random.Random(lab.random.random()))
            for _ in range(3):
                found = await keys_of(lab, prefix=stem)
                assert found == sorted(set(found)), "a key is listed twice, or out of order"
                assert set(steady) <= set(found), "a key that was there throughout is missing"
            tasks.cancel_scope.cancel()

    @clause(
        "ETG-LIST-031",
        LISTING,
        "Keys that are rewritten all the time are listed, each once, with a value of theirs.",
        needs=CLAIMED,
    )
    async def test_rewritten_keys(self, lab: Lab) -> None:
        stem, level = lab.key(), lab.capabilities.freshest
        keys = await filled(lab, stem, [f"{number:03}" for number in range(200)])

        async def rewrite() -> None:
            while True:
                await lab.store.set_many({key: key.encode() for key in keys})

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(rewrite)
            for _ in range(5):
                items = await listed(lab.store.items(prefix=stem, consistency=level))
                assert [item.key for item in items] == keys
                assert all(item.value == item.key.encode() for item in items)
            tasks.cancel_scope.cancel()


class NotListingClauses:
    """Where listing is not claimed."""

    @clause(
        "ETG-LIST-090",
        LISTING,
        "A store without listing refuses it with `NotSupported`, and deletes nothing.",
        needs=~needs.LISTING,
    )
    async def test_listing_is_refused(self, lab: Lab) -> None:
        item = await lab.place(lab.key())
        with not_supported("listing keys"):
            await listed(lab.store.keys(prefix=item.key))
        with not_supported("listing items"):
            await listed(lab.store.items(prefix=item.key))
        with not_supported("deleting by prefix"):
            await lab.store.delete_prefix(item.key)
        assert await lab.read(item.key) == item


class ListingClauses(OrderClauses, ItemClauses, BusyClauses, NotListingClauses):
    """Keys by prefix, in order."""

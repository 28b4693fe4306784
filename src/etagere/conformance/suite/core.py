"""Core: values and keys."""

from __future__ import annotations

from typing import Final

from etagere.conformance import needs
from etagere.conformance.clauses import Level, clause
from etagere.conformance.lab import Lab
from etagere.conformance.paths import Path
from etagere.conformance.suite.checks import done, refused, there
from etagere.conformance.suite.samples import IMPOSSIBLE_KEYS, KEYS, LOOK_ALIKES, VALUES
from etagere.errors import InvalidArgument, TooLarge
from etagere.operations import Item, Set

MIB: Final = 2**20
LARGE: Final = 8 * MIB
"""What every store should take without being asked twice, if it claims to."""


class ValueClauses:
    """Bytes in, the same bytes out."""

    @clause("ETG-CORE-001", Level.CORE, "`get` returns None where there is nothing.")
    async def test_nothing_is_none(self, lab: Lab) -> None:
        key = lab.key()
        assert await lab.read(key) is None
        assert await lab.store.exists(key) is False
        assert await lab.store.get_many([key, key]) == [None, None]

    @clause("ETG-CORE-002", Level.CORE, "`get` returns the value and the ETag of the last write.")
    async def test_what_was_set_is_read(self, lab: Lab, path: Path) -> None:
        key = lab.key()
        for value in (b"first", b"second"):
            etag = await path.set(lab, key, value)
            assert await lab.read(key) == Item(key, value, etag)

    @clause("ETG-CORE-003", Level.CORE, "Every way to read says the same.")
    async def test_all_reads_agree(self, lab: Lab) -> None:
        key, level = lab.key(), lab.capabilities.freshest
        item = await lab.place(key, b"value")
        assert await lab.store.get_many([key], consistency=level) == [item]
        assert await lab.store.exists(key, consistency=level) is True
        async with lab.open() as other:
            assert await other.get(key, consistency=level) == item
        if lab.capabilities.listing:
            listing = lab.store.items(prefix=key, consistency=level)
            assert [each async for each in listing] == [item]

    @clause("ETG-CORE-004", Level.CORE, "Bytes in, the same bytes out.")
    async def test_bytes_stay_as_they_are(self, lab: Lab, path: Path) -> None:
        for value in VALUES:
            key = lab.key()
            await path.set(lab, key, value)
            assert there(await lab.read(key)).value == value

    @clause("ETG-CORE-005", Level.CORE, "A value may have any length, up to the limit.")
    async def test_any_length(self, lab: Lab) -> None:
        edges = [2**power + offset for power in range(4, 17) for offset in (-1, 0, 1)]
        sizes = [size for size in edges if size <= lab.capabilities.max_value_bytes]
        values = {lab.key(f"{size}"): lab.random.randbytes(size) for size in sizes}
        for key, value in values.items():
            await lab.store.set(key, value)
        for key, value in values.items():
            assert there(await lab.read(key)).value == value

    @clause("ETG-CORE-006", Level.CORE, "A large value comes back as it is.")
    async def test_a_large_value(self, lab: Lab, path: Path) -> None:
        key = lab.key()
        value = lab.random.randbytes(min(LARGE, lab.capabilities.max_value_bytes))
        await path.set(lab, key, value)
        assert there(await lab.read(key)).value == value, "the value is another"

    @clause(
        "ETG-CORE-007",
        Level.CORE,
        "A value of exactly the limit is taken.",
        needs=needs.SMALL_VALUES,
    )
    async def test_a_value_at_the_limit(self, lab: Lab) -> None:
        key, value = lab.key(), lab.random.randbytes(lab.capabilities.max_value_bytes)
        await lab.store.set(key, value)
        assert there(await lab.read(key)).value == value, "the value is another"

    @clause(
        "ETG-CORE-008",
        Level.CORE,
        "A value over the limit is refused with `TooLarge`, and leaves no trace.",
        needs=needs.LIMITED_VALUES,
    )
    async def test_a_value_over_the_limit(self, lab: Lab, path: Path) -> None:
        key, absent = lab.key(), lab.key()
        item = await lab.place(key)
        for name in (key, absent):
            with refused(TooLarge, "a value over the limit"):
                await path.set(lab, name, bytes(lab.capabilities.max_value_bytes + 1))
        assert await lab.read(key) == item
        assert await lab.read(absent) is None


class KeyClauses:
    """A key is text, and stands for nothing but itself."""

    @clause("ETG-CORE-010", Level.CORE, "A key is any UTF-8 text without NUL.")
    async def test_any_text(self, lab: Lab, path: Path) -> None:
        for key in KEYS:
            await path.set(lab, key, key.encode())
        for key in KEYS:
            assert there(await lab.read(key)).value == key.encode()
        for key in KEYS:
            assert await path.delete(lab, key) is True
            assert await lab.read(key) is None

    @clause(
        "ETG-CORE-011",
        Level.CORE,
        "Keys that look alike are different keys.",
        needs=needs.CONDITIONAL,
    )
    async def test_look_alikes(self, lab: Lab) -> None:
        for key in LOOK_ALIKES:
            await lab.store.set(key, key.encode(), concurrency="first-write")
        for number, key in enumerate(LOOK_ALIKES):
            assert there(await lab.read(key)).value == key.encode()
            assert await lab.store.delete(key) is True
            assert await lab.read(key) is None
            for other in LOOK_ALIKES[number + 1 :]:
                assert await lab.store.exists(other, consistency=lab.capabilities.freshest)

    @clause("ETG-CORE-012", Level.CORE, "A key may be as long as the limit, in bytes.")
    async def test_keys_at_the_limit(self, lab: Lab, path: Path) -> None:
        limit = lab.capabilities.max_key_bytes
        for letter in ("x", "é", "🦜"):
            stem = letter * ((limit - 1) // len(letter.encode()))
            stem += "-" * (limit - 1 - len(stem.encode()))
            for end in ("a", "b"):
                await path.set(lab, stem + end, end.encode())
            for end in ("a", "b"):
                assert there(await lab.read(stem + end)).value == end.encode()

    @clause(
        "ETG-CORE-013",
        Level.CORE,
        "A key over the limit is refused with `TooLarge`, and never cut short.",
    )
    async def test_keys_over_the_limit(self, lab: Lab, path: Path) -> None:
        key = "x" * (lab.capabilities.max_key_bytes + 1)
        with refused(TooLarge, "a key over the limit"):
            await path.set(lab, key, b"")
        with refused(TooLarge, "a key over the limit"):
            await path.delete(lab, key)
        with refused(TooLarge, "a key over the limit"):
            await lab.store.get(key)
        assert await lab.read(key[:-1]) is None

    @clause(
        "ETG-CORE-014",
        Level.CORE,
        "An empty key, or one with NUL, `||` or half a surrogate pair, is refused.",
    )
    async def test_impossible_keys(self, lab: Lab, path: Path) -> None:
        for key in IMPOSSIBLE_KEYS:
            with refused(InvalidArgument, f"the key {key!r}"):
                await path.set(lab, key, b"")
            with refused(InvalidArgument, f"the key {key!r}"):
                await path.delete(lab, key)
            with refused(InvalidArgument, f"the key {key!r}"):
                await lab.store.get(key)


class LifeClauses:
    """What is written stays until it is deleted."""

    @clause("ETG-CORE-020", Level.CORE, "`delete` tells whether there was something to delete.")
    async def test_delete_tells(self, lab: Lab, path: Path) -> None:
        key = lab.key()
        assert await path.delete(lab, key) is False
        await path.set(lab, key, b"")
        assert await path.delete(lab, key) is True
        assert await path.delete(lab, key) is False

    @clause("ETG-CORE-021", Level.CORE, "What is deleted is absent, until it is written anew.")
    async def test_deleted_is_absent(self, lab: Lab, path: Path) -> None:
        key = lab.key()
        await lab.place(key, b"old")
        await path.delete(lab, key)
        assert await lab.read(key) is None
        etag = await path.set(lab, key, b"new")
        assert await lab.read(key) == Item(key, b"new", etag)

    @clause("ETG-CORE-022", Level.CORE, "What one store writes, another on the same data reads.")
    async def test_stores_share(self, lab: Lab, path: Path) -> None:
        key, level = lab.key(), lab.capabilities.freshest
        async with lab.open() as other:
            etag = await path.set(lab, key, b"shared")
            assert await other.get(key, consistency=level) == Item(key, b"shared", etag)
            assert await other.delete(key) is True
        assert await lab.read(key) is None

    @clause(
        "ETG-CORE-023",
        Level.CORE,
        "Data outlives the store that wrote it.",
        needs=needs.DURABLE,
    )
    async def test_data_outlives_its_store(self, lab: Lab) -> None:
        keys = lab.keys(20)
        async with lab.open() as first:
            await first.set_many([Set(key, key.encode()) for key in keys])
        async with lab.open() as second:
            items = await second.get_many(keys, consistency=lab.capabilities.freshest)
        assert [there(done(item)).value for item in items] == [key.encode() for key in keys]

    @clause("ETG-CORE-024", Level.CORE, "Writing or deleting one key leaves all others alone.")
    async def test_neighbours_are_left_alone(self, lab: Lab, path: Path) -> None:
        items = [await lab.place(key, key.encode()) for key in lab.keys(20)]
        victim, *others = lab.random.sample(items, len(items))
        await path.set(lab, victim.key, b"changed")
        await path.delete(lab, victim.key)
        for item in others:
            assert await lab.read(item.key) == item

    @clause(
        "ETG-CORE-025",
        Level.CORE,
        "`update` reads, changes and writes; it gets None for a key that is absent.",
        needs=needs.CONDITIONAL,
    )
    async def test_update(self, lab: Lab) -> None:
        key = lab.key()
        for count in range(1, 4):
            item = await lab.store.update(key, lambda old: (old or b"") + b"x")
            assert item.value == b"x" * count
            assert await lab.read(key) == item


class CoreClauses(ValueClauses, KeyClauses, LifeClauses):
    """Values and keys."""

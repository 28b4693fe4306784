"""Conditional: ETags, and the table of preconditions, for writing."""

from __future__ import annotations

from etagere.conformance import needs
from etagere.conformance.clauses import Level, clause
from etagere.conformance.lab import Lab
from etagere.conformance.paths import Path
from etagere.conformance.suite.checks import conflict, not_supported, refused, there
from etagere.conformance.suite.deleting import DeletingClauses
from etagere.conformance.suite.minting import MintingClauses
from etagere.conformance.suite.samples import foreign_etags
from etagere.errors import InvalidArgument
from etagere.operations import Item

CONDITIONAL = Level.CONDITIONAL


class MatchingClauses:
    """With an ETag: only if it is the key's."""

    @clause(
        "ETG-CAS-001",
        CONDITIONAL,
        "With the key's ETag, a write overwrites.",
        needs=needs.CONDITIONAL,
    )
    async def test_match(self, lab: Lab, path: Path) -> None:
        before = await lab.place(lab.key(), b"old")
        etag = await path.set(lab, before.key, b"new", etag=before.etag)
        assert await lab.read(before.key) == Item(before.key, b"new", etag)

    @clause(
        "ETG-CAS-002",
        CONDITIONAL,
        "With an older ETag, a write is a conflict, which tells the key, the expected and the"
        " actual ETag; nothing was changed.",
        needs=needs.CONDITIONAL,
    )
    async def test_stale(self, lab: Lab, path: Path) -> None:
        key = lab.key()
        stale = (await lab.place(key, b"old")).etag
        item = await lab.place(key, b"current")
        with conflict(key, expected=stale, actual=item.etag):
            await path.set(lab, key, b"lost", etag=stale)
        assert await lab.read(key) == item

    @clause(
        "ETG-CAS-003",
        CONDITIONAL,
        "With an ETag, a write of an absent key is a conflict; the key stays absent.",
        needs=needs.CONDITIONAL,
    )
    async def test_etag_of_an_absent_key(self, lab: Lab, path: Path) -> None:
        key, other = lab.key(), await lab.place(lab.key())
        for etag in (other.etag, "any"):
            with conflict(key, expected=etag, actual=None):
                await path.set(lab, key, b"", etag=etag)
            assert await lab.read(key) is None

    @clause(
        "ETG-CAS-004",
        CONDITIONAL,
        "An ETag in a foreign format is one that does not match.",
        needs=needs.CONDITIONAL,
    )
    async def test_foreign_etags(self, lab: Lab, path: Path) -> None:
        item = await lab.place(lab.key())
        for etag in foreign_etags(item.etag):
            with conflict(item.key, expected=etag, actual=item.etag):
                await path.set(lab, item.key, b"lost", etag=etag)
        assert await lab.read(item.key) == item

    @clause(
        "ETG-CAS-005",
        CONDITIONAL,
        "An ETag in a foreign format does not match an absent key either.",
        needs=needs.CONDITIONAL,
    )
    async def test_foreign_etags_of_an_absent_key(self, lab: Lab, path: Path) -> None:
        key = lab.key()
        for etag in foreign_etags("5b1d3f7a9c0e2468ace013579bdf0246"):
            with conflict(key, expected=etag, actual=None):
                await path.set(lab, key, b"lost", etag=etag)
        assert await lab.read(key) is None

    @clause(
        "ETG-CAS-006",
        CONDITIONAL,
        'The ETag counts with `concurrency="last-write"` and with "first-write" alike.',
        needs=needs.CONDITIONAL,
    )
    async def test_etag_with_either_option(self, lab: Lab, path: Path) -> None:
        item = await lab.place(lab.key())
        for option in ("last-write", "first-write"):
            with conflict(item.key, expected="stale", actual=item.etag):
                await path.set(lab, item.key, b"lost", etag="stale", concurrency=option)
            await path.set(lab, item.key, b"new", etag=item.etag, concurrency=option)
            item = there(await lab.read(item.key))
            assert item.value == b"new"

    @clause(
        "ETG-CAS-007",
        CONDITIONAL,
        "The ETag of one key does not match another.",
        needs=needs.CONDITIONAL,
    )
    async def test_etag_of_another_key(self, lab: Lab, path: Path) -> None:
        one, other = await lab.place(lab.key(), b"same"), await lab.place(lab.key(), b"same")
        with conflict(one.key, expected=other.etag, actual=one.etag):
            await path.set(lab, one.key, b"lost", etag=other.etag)
        assert await lab.read(one.key) == one

    @clause(
        "ETG-CAS-008",
        CONDITIONAL,
        "An ETag is good for one write.",
        needs=needs.CONDITIONAL,
    )
    async def test_an_etag_is_used_up(self, lab: Lab, path: Path) -> None:
        item = await lab.place(lab.key())
        await path.set(lab, item.key, b"first", etag=item.etag)
        with conflict(item.key, expected=item.etag, actual=await lab.version(item.key)):
            await path.set(lab, item.key, b"second", etag=item.etag)
        assert there(await lab.read(item.key)).value == b"first"

    @clause(
        "ETG-CAS-009",
        CONDITIONAL,
        "Whoever wrote in between, the older ETag is a conflict.",
        needs=needs.CONDITIONAL,
    )
    async def test_another_store_wrote(self, lab: Lab, path: Path) -> None:
        item = await lab.place(lab.key())
        async with lab.open() as other:
            await other.set(item.key, b"theirs")
        with conflict(item.key, expected=item.etag, actual=await lab.version(item.key)):
            await path.set(lab, item.key, b"ours", etag=item.etag)
        assert there(await lab.read(item.key)).value == b"theirs"

    @clause(
        "ETG-CAS-010",
        CONDITIONAL,
        "After a conflict, the store goes on as if it never was.",
        needs=needs.CONDITIONAL,
    )
    async def test_after_a_conflict(self, lab: Lab, path: Path) -> None:
        item = await lab.place(lab.key())
        for _ in range(20):
            with conflict(item.key, expected="stale", actual=item.etag):
                await path.set(lab, item.key, b"lost", etag="stale")
        assert await lab.read(item.key) == item
        await path.set(lab, item.key, b"new", etag=item.etag)
        assert there(await lab.read(item.key)).value == b"new"

    @clause(
        "ETG-CAS-011",
        CONDITIONAL,
        "`update` writes nothing over what others wrote in between; it reads again.",
        needs=needs.CONDITIONAL,
    )
    async def test_update_sees_others(self, lab: Lab) -> None:
        key, meddled = lab.key(), [False]

        async def change(old: bytes | None) -> bytes:
            if not meddled[0]:
                meddled[0] = True
                await lab.store.set(key, b"theirs")
            return (old or b"") + b"+ours"

        item = await lab.store.update(key, change)
        assert item.value == b"theirs+ours"
        assert there(await lab.read(key)).value == b"theirs+ours"


class FirstWriteClauses:
    """First-write without an ETag: only if the key is absent."""

    @clause(
        "ETG-CAS-020",
        CONDITIONAL,
        "First-write creates an absent key.",
        needs=needs.CONDITIONAL,
    )
    async def test_creates(self, lab: Lab, path: Path) -> None:
        key = lab.key()
        etag = await path.set(lab, key, b"created", concurrency="first-write")
        assert await lab.read(key) == Item(key, b"created", etag)

    @clause(
        "ETG-CAS-021",
        CONDITIONAL,
        "First-write of a key that is there is a conflict, whichever way it was created.",
        needs=needs.CONDITIONAL,
    )
    async def test_there_already(self, lab: Lab, path: Path) -> None:
        for option in ("last-write", "first-write"):
            item = await lab.place(lab.key(), concurrency=option)
            with conflict(item.key, expected=None, actual=item.etag):
                await path.set(lab, item.key, b"lost", concurrency="first-write")
            assert await lab.read(item.key) == item

    @clause(
        "ETG-CAS-022",
        CONDITIONAL,
        "First-write holds for one call: it does not stick.",
        needs=needs.CONDITIONAL,
    )
    async def test_does_not_stick(self, lab: Lab, path: Path) -> None:
        key = lab.key()
        await path.set(lab, key, b"1", concurrency="first-write")
        await path.set(lab, key, b"2")
        await path.set(lab, key, b"3", etag=await lab.version(key))
        await path.set(lab, key, b"4")
        assert there(await lab.read(key)).value == b"4"

    @clause(
        "ETG-CAS-023",
        CONDITIONAL,
        "First-write creates a key again that was deleted.",
        needs=needs.CONDITIONAL,
    )
    async def test_after_a_delete(self, lab: Lab, path: Path) -> None:
        key = lab.key()
        for value in (b"1", b"2", b"3"):
            await path.set(lab, key, value, concurrency="first-write")
            assert there(await lab.read(key)).value == value
            assert await path.delete(lab, key) is True

    @clause(
        "ETG-CAS-024",
        CONDITIONAL,
        '`""` and None both mean no ETag.',
        needs=needs.CONDITIONAL,
    )
    async def test_the_empty_etag(self, lab: Lab, path: Path) -> None:
        for none in ("", None):
            key = lab.key()
            await path.set(lab, key, b"created", etag=none, concurrency="first-write")
            item = there(await lab.read(key))
            with conflict(key, expected=None, actual=item.etag):
                await path.set(lab, key, b"lost", etag=none, concurrency="first-write")
            await path.set(lab, key, b"overwritten", etag=none)
            assert there(await lab.read(key)).value == b"overwritten"

    @clause("ETG-CAS-025", CONDITIONAL, "Last-write without an ETag overwrites, whatever is there.")
    async def test_last_write(self, lab: Lab, path: Path) -> None:
        key = lab.key()
        for value in (b"1", b"2", b"2", b"3"):
            await path.set(lab, key, value, concurrency="last-write")
            assert there(await lab.read(key)).value == value

    @clause("ETG-CAS-026", CONDITIONAL, "An option that does not exist is refused, not ignored.")
    async def test_unknown_options(self, lab: Lab, path: Path) -> None:
        item = await lab.place(lab.key())
        for word in ("", "first_write", "FIRST-WRITE", "lastwrite", "none"):
            with refused(InvalidArgument, f"concurrency={word!r}"):
                await path.set(lab, item.key, b"lost", concurrency=word)
        assert await lab.read(item.key) == item


class UnconditionalClauses:
    """Where writing on a condition is not claimed."""

    @clause(
        "ETG-CAS-090",
        CONDITIONAL,
        "A store that cannot write on a condition refuses one with `NotSupported`, and changes"
        " nothing.",
        needs=~needs.CONDITIONAL,
    )
    async def test_conditions_are_refused(self, lab: Lab, path: Path) -> None:
        item, absent = await lab.place(lab.key()), lab.key()
        for options in ({"etag": item.etag}, {"concurrency": "first-write"}):
            for key in (item.key, absent):
                with not_supported("a condition"):
                    await path.set(lab, key, b"lost", **options)
                with not_supported("a condition"):
                    await path.delete(lab, key, **options)
        assert await lab.read(item.key) == item
        assert await lab.read(absent) is None


class ConditionalClauses(
    MatchingClauses, FirstWriteClauses, DeletingClauses, MintingClauses, UnconditionalClauses
):
    """ETags and preconditions."""

"""Conditional: every write gives a fresh ETag."""

from __future__ import annotations

from etagere.conformance import needs
from etagere.conformance.clauses import Level, clause
from etagere.conformance.lab import Lab
from etagere.conformance.paths import Path
from etagere.conformance.suite.checks import conflict, executed
from etagere.minting import mint_etag
from etagere.operations import ABSENT, Read, Record, Write

CONDITIONAL = Level.CONDITIONAL


class MintingClauses:
    """An ETag stands for one write."""

    @clause(
        "ETG-CAS-040",
        CONDITIONAL,
        "Every write gives the key a fresh ETag, even if it writes the same value.",
    )
    async def test_every_write_changes_it(self, lab: Lab, path: Path) -> None:
        key, seen = lab.key(), set[str]()
        for _ in range(10):
            etag = await path.set(lab, key, b"same")
            assert etag
            assert await lab.version(key) == etag
            seen.add(etag)
        assert len(seen) == 10

    @clause(
        "ETG-CAS-041",
        CONDITIONAL,
        "An ETag is never used again: what was deleted and created anew has another (A-B-A).",
        needs=needs.CONDITIONAL,
    )
    async def test_a_b_a(self, lab: Lab, path: Path) -> None:
        old = await lab.place(lab.key(), b"same")
        assert await path.delete(lab, old.key) is True
        await path.set(lab, old.key, b"same")
        item = await lab.read(old.key)
        assert item is not None
        with conflict(old.key, expected=old.etag, actual=item.etag):
            await path.set(lab, old.key, b"lost", etag=old.etag)
        with conflict(old.key, expected=old.etag, actual=item.etag):
            await path.delete(lab, old.key, etag=old.etag)
        assert await lab.read(old.key) == item

    @clause("ETG-CAS-042", CONDITIONAL, "Over a key's whole life, no ETag comes twice.")
    async def test_none_comes_twice(self, lab: Lab) -> None:
        key, seen = lab.key(), list[str]()
        for number in range(40):
            if number % 4 == 3:
                await lab.store.delete(key)
            else:
                seen.append((await lab.place(key, b"same")).etag)
        assert len(set(seen)) == len(seen)

    @clause("ETG-CAS-043", CONDITIONAL, "Reading a key does not change its ETag.")
    async def test_reading_changes_nothing(self, lab: Lab) -> None:
        item = await lab.place(lab.key())
        for _ in range(3):
            await lab.store.get(item.key)
            await lab.store.get_many([item.key, item.key])
            await lab.store.exists(item.key)
        assert await lab.read(item.key) == item

    @clause(
        "ETG-CAS-044",
        CONDITIONAL,
        "A write that finds its own ETag in place succeeds and changes nothing: it may be sent"
        " again after a lost answer.",
        needs=(needs.WRITER_ETAGS, needs.CONDITIONAL),
    )
    async def test_sent_again(self, lab: Lab) -> None:
        key, first, second = lab.key(), mint_etag(), mint_etag()
        writes = [
            Write(key, b"1", first, ABSENT),
            Write(key, b"2", second, first),
        ]
        for write in writes:
            for _ in range(3):
                assert await executed(lab, write) is True
                found = await executed(lab, Read(key))
                assert found == Record(write.value, write.etag)

    @clause(
        "ETG-CAS-045",
        CONDITIONAL,
        "A write that is sent again after others wrote does not take effect again.",
        needs=(needs.WRITER_ETAGS, needs.CONDITIONAL),
    )
    async def test_sent_again_too_late(self, lab: Lab) -> None:
        key, first, second = lab.key(), mint_etag(), mint_etag()
        write = Write(key, b"1", first, ABSENT)
        assert await executed(lab, write) is True
        assert await executed(lab, Write(key, b"2", second, first)) is True
        assert await executed(lab, write) is not True
        assert await executed(lab, Read(key)) == Record(b"2", second)

"""Conditional: the table of preconditions, for deleting."""

from __future__ import annotations

from etagere.conformance import needs
from etagere.conformance.clauses import Level, clause
from etagere.conformance.lab import Lab
from etagere.conformance.paths import Path
from etagere.conformance.suite.checks import conflict
from etagere.conformance.suite.samples import foreign_etags

CONDITIONAL = Level.CONDITIONAL


class DeletingClauses:
    """The same table holds for deleting."""

    @clause(
        "ETG-CAS-030",
        CONDITIONAL,
        "With the key's ETag, a delete deletes.",
        needs=needs.CONDITIONAL,
    )
    async def test_delete_match(self, lab: Lab, path: Path) -> None:
        item = await lab.place(lab.key())
        assert await path.delete(lab, item.key, etag=item.etag) is True
        assert await lab.read(item.key) is None

    @clause(
        "ETG-CAS-031",
        CONDITIONAL,
        "With an older ETag, a delete is a conflict.",
        needs=needs.CONDITIONAL,
    )
    async def test_delete_stale(self, lab: Lab, path: Path) -> None:
        key = lab.key()
        stale = (await lab.place(key, b"old")).etag
        item = await lab.place(key, b"current")
        with conflict(key, expected=stale, actual=item.etag):
            await path.delete(lab, key, etag=stale)
        assert await lab.read(key) == item

    @clause(
        "ETG-CAS-032",
        CONDITIONAL,
        "With an ETag, a delete of an absent key is a conflict.",
        needs=needs.CONDITIONAL,
    )
    async def test_delete_etag_of_an_absent_key(self, lab: Lab, path: Path) -> None:
        item = await lab.place(lab.key())
        await lab.store.delete(item.key)
        for etag in (item.etag, "any"):
            with conflict(item.key, expected=etag, actual=None):
                await path.delete(lab, item.key, etag=etag)
        assert await lab.read(item.key) is None

    @clause(
        "ETG-CAS-033",
        CONDITIONAL,
        "A delete without precondition of an absent key succeeds and says that nothing was there.",
    )
    async def test_delete_of_an_absent_key(self, lab: Lab, path: Path) -> None:
        key = lab.key()
        for none in (None, ""):
            assert await path.delete(lab, key, etag=none) is False
        assert await lab.read(key) is None

    @clause(
        "ETG-CAS-034",
        CONDITIONAL,
        "A first-write delete without ETag wants the key absent: a conflict if it is there.",
        needs=needs.CONDITIONAL,
    )
    async def test_delete_first_write(self, lab: Lab, path: Path) -> None:
        item = await lab.place(lab.key())
        with conflict(item.key, expected=None, actual=item.etag):
            await path.delete(lab, item.key, concurrency="first-write")
        assert await lab.read(item.key) == item
        assert await path.delete(lab, lab.key(), concurrency="first-write") is False

    @clause(
        "ETG-CAS-035",
        CONDITIONAL,
        "The ETag of a delete counts with either option.",
        needs=needs.CONDITIONAL,
    )
    async def test_delete_with_either_option(self, lab: Lab, path: Path) -> None:
        for option in ("last-write", "first-write"):
            item = await lab.place(lab.key())
            with conflict(item.key, expected="stale", actual=item.etag):
                await path.delete(lab, item.key, etag="stale", concurrency=option)
            assert await lab.read(item.key) == item
            assert await path.delete(lab, item.key, etag=item.etag, concurrency=option) is True
            assert await lab.read(item.key) is None

    @clause(
        "ETG-CAS-036",
        CONDITIONAL,
        "An ETag in a foreign format does not match, and deletes nothing.",
        needs=needs.CONDITIONAL,
    )
    async def test_delete_foreign_etags(self, lab: Lab, path: Path) -> None:
        item = await lab.place(lab.key())
        for etag in foreign_etags(item.etag):
            with conflict(item.key, expected=etag, actual=item.etag):
                await path.delete(lab, item.key, etag=etag)
        assert await lab.read(item.key) == item

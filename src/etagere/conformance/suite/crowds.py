"""Bulk: many calls at once, which a store sends together."""

from __future__ import annotations

from functools import partial
from typing import Any

import anyio

from etagere.conformance import needs
from etagere.conformance.clauses import Level, clause
from etagere.conformance.lab import Lab
from etagere.conformance.suite.checks import check_conflict, done, found, gathered, placed
from etagere.operations import Item

BULK = Level.BULK


class CrowdClauses:
    """Calls at the same time, which a store sends together."""

    @clause(
        "ETG-BULK-020",
        BULK,
        "Of many calls at once, each gets its own answer.",
        needs=needs.CONDITIONAL,
    )
    async def test_each_its_own_answer(self, lab: Lab) -> None:
        answers: dict[str, Any] = {}

        async def use(key: str) -> None:
            etag = await lab.store.set(key, key.encode(), concurrency="first-write")
            item = await lab.store.get(key, consistency=lab.capabilities.freshest)
            answers[key] = item == Item(key, key.encode(), await lab.told(key, etag))

        keys = lab.keys(300)
        async with anyio.create_task_group() as tasks:
            for key in keys:
                tasks.start_soon(use, key)
        assert answers == dict.fromkeys(keys, True)

    @clause(
        "ETG-BULK-021",
        BULK,
        "The conflict of one call is nobody else's.",
        needs=needs.CONDITIONAL,
    )
    async def test_conflicts_are_ones_own(self, lab: Lab) -> None:
        items = await placed(lab, lab.keys(60))
        etags = [item.etag if n % 3 else "stale" for n, item in enumerate(items)]
        results = await gathered(
            partial(lab.store.set, item.key, b"new", etag=etag)
            for item, etag in zip(items, etags, strict=True)
        )
        after = await found(lab, [item.key for item in items])
        for n, (item, result) in enumerate(zip(items, results, strict=True)):
            if n % 3:
                assert after[n] == Item(item.key, b"new", await lab.told(item.key, done(result)))
            else:
                check_conflict(result, item.key, expected="stale", actual=item.etag)
                assert after[n] == item

    @clause("ETG-BULK-022", BULK, "Deletes at once: one of them finds something to delete.")
    async def test_deletes_at_once(self, lab: Lab) -> None:
        for key in lab.keys(10):
            await lab.place(key)
            results = await gathered([partial(lab.store.delete, key)] * 20)
            assert sorted(done(result) for result in results) == [False] * 19 + [True]
            assert await lab.read(key) is None

    @clause(
        "ETG-BULK-023",
        BULK,
        "Creations at once: one of them creates.",
        needs=needs.CONDITIONAL,
    )
    async def test_creations_at_once(self, lab: Lab) -> None:
        for key in lab.keys(10):
            create = partial(lab.store.set, key, b"", concurrency="first-write")
            results = await gathered([create] * 20)
            etag = await lab.version(key)
            lost = [result for result in results if not isinstance(result, str)]
            assert len(lost) == 19
            for error in lost:
                check_conflict(error, key, expected=None, actual=etag)

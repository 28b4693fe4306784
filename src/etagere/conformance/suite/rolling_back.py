"""Transactional: nothing, where one precondition does not hold."""

from __future__ import annotations

from datetime import timedelta

import anyio

from etagere.conformance import needs
from etagere.conformance.clauses import Level, clause
from etagere.conformance.lab import Lab
from etagere.conformance.suite.checks import check_conflict
from etagere.errors import ETagMismatch
from etagere.operations import Delete, Item, Set

TRANSACTIONAL = Level.TRANSACTIONAL
CLAIMED = needs.TRANSACTIONS


class Scene:
    """Four keys, three of them there, and a transaction that would change them all."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.kept, self.deleted, self.made, self.other = lab.together("a", "b", "c", "d")
        self.before: list[Item[bytes] | None] = []

    async def prepare(self) -> None:
        """Write what is there before."""
        expires = not needs.EXPIRY.why_not(self.lab.capabilities)
        await self.lab.place(self.kept, b"kept", ttl=timedelta(minutes=1) if expires else None)
        await self.lab.place(self.deleted, b"deleted")
        await self.lab.place(self.other, b"other")
        self.before = await self.now()

    async def now(self) -> list[Item[bytes] | None]:
        """Return what is there now."""
        keys = (self.kept, self.deleted, self.made, self.other)
        return [await self.lab.read(key) for key in keys]

    def changes(self) -> list[Set | Delete]:
        """Return operations that have no precondition."""
        return [Set(self.kept, b"changed"), Delete(self.deleted), Set(self.made, b"made")]

    async def fails(self, request: Set | Delete, position: int, *, actual: str | None) -> None:
        """Put a request that conflicts among the others: nothing may come of any."""
        requests = self.changes()
        requests.insert(position, request)
        try:
            await self.lab.store.transact(requests)
        except ETagMismatch as error:
            check_conflict(error, request.key, expected=request.etag, actual=actual, index=position)
        else:
            raise AssertionError(f"the transaction was done, with {request} at {position}")
        assert await self.now() == self.before, "something of the transaction was done"


class RollingBackClauses:
    """Or nothing."""

    @clause(
        "ETG-TXN-020",
        TRANSACTIONAL,
        "A set whose ETag is stale, at any place, undoes the whole transaction, and the error names"
        " the operation.",
        needs=(needs.CONDITIONAL, CLAIMED),
    )
    async def test_a_stale_set(self, lab: Lab) -> None:
        scene = Scene(lab)
        await scene.prepare()
        actual = await lab.version(scene.other)
        for position in range(4):
            await scene.fails(Set(scene.other, b"", etag="stale"), position, actual=actual)

    @clause(
        "ETG-TXN-021",
        TRANSACTIONAL,
        "A delete whose ETag is stale, at any place, undoes the whole transaction.",
        needs=(needs.CONDITIONAL, CLAIMED),
    )
    async def test_a_stale_delete(self, lab: Lab) -> None:
        scene = Scene(lab)
        await scene.prepare()
        actual = await lab.version(scene.other)
        for position in range(4):
            await scene.fails(Delete(scene.other, etag="stale"), position, actual=actual)

    @clause(
        "ETG-TXN-022",
        TRANSACTIONAL,
        "A first-write of a key that is there undoes the whole transaction.",
        needs=(needs.CONDITIONAL, CLAIMED),
    )
    async def test_first_write_of_what_is_there(self, lab: Lab) -> None:
        scene = Scene(lab)
        await scene.prepare()
        actual = await lab.version(scene.other)
        for position in range(4):
            for request in (
                Set(scene.other, b"", concurrency="first-write"),
                Delete(scene.other, concurrency="first-write"),
            ):
                await scene.fails(request, position, actual=actual)

    @clause(
        "ETG-TXN-023",
        TRANSACTIONAL,
        "An ETag for an absent key undoes the whole transaction.",
        needs=(needs.CONDITIONAL, CLAIMED),
    )
    async def test_an_etag_for_an_absent_key(self, lab: Lab) -> None:
        scene = Scene(lab)
        await scene.prepare()
        etag = await lab.version(scene.other)
        await lab.store.delete(scene.other)
        scene.before = await scene.now()
        for position in range(4):
            await scene.fails(Set(scene.other, b"", etag=etag), position, actual=None)
            await scene.fails(Delete(scene.other, etag=etag), position, actual=None)

    @clause(
        "ETG-TXN-024",
        TRANSACTIONAL,
        "Of several operations that conflict, the error names the first.",
        needs=(needs.CONDITIONAL, CLAIMED),
    )
    async def test_the_first_conflict_is_named(self, lab: Lab) -> None:
        a, b, c = lab.together("a", "b", "c")
        item = await lab.place(b)
        requests: list[Set | Delete] = [
            Delete(a),
            Set(b, b"", concurrency="first-write"),
            Set(c, b"", etag="stale"),
            Delete(b, etag="stale"),
        ]
        try:
            await lab.store.transact(requests)
        except ETagMismatch as error:
            check_conflict(error, b, expected=None, actual=item.etag, index=1)
        else:
            raise AssertionError("the transaction was done")

    @clause(
        "ETG-TXN-025",
        TRANSACTIONAL,
        "A transaction that is undone undoes no other that runs at the same time.",
        needs=(needs.CONDITIONAL, CLAIMED),
    )
    async def test_others_are_not_undone(self, lab: Lab) -> None:
        scenes = [lab.together("a", "b") for _ in range(20)]
        conflicts: list[int] = []

        async def run(number: int, a: str, b: str) -> None:
            etag = "stale" if number % 2 else None
            try:
                await lab.store.transact([Set(a, b"1"), Set(b, b"1", etag=etag)])
            except ETagMismatch:
                conflicts.append(number)

        async with anyio.create_task_group() as tasks:
            for number, (a, b) in enumerate(scenes):
                tasks.start_soon(run, number, a, b)
        assert sorted(conflicts) == list(range(1, 20, 2))
        for number, keys in enumerate(scenes):
            values = [item and item.value for item in [await lab.read(key) for key in keys]]
            assert values == ([None, None] if number % 2 else [b"1", b"1"])

    @clause(
        "ETG-TXN-026",
        TRANSACTIONAL,
        "After a transaction that was undone, its keys can be written at once.",
        needs=(needs.CONDITIONAL, CLAIMED),
    )
    async def test_no_lock_is_left(self, lab: Lab) -> None:
        scene = Scene(lab)
        await scene.prepare()
        actual = await lab.version(scene.other)
        for _ in range(10):
            await scene.fails(Set(scene.other, b"", etag="stale"), 3, actual=actual)
        async with lab.open(timeout=2.0) as other:
            await other.transact([*scene.changes(), Set(scene.other, b"", etag=actual)])
        assert await lab.read(scene.deleted) is None

"""Stores that choose the etags of writes themselves."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from etagere import (
    Certainty,
    Delete,
    ETagOrigin,
    Interrupted,
    InvalidArgument,
    OutcomeUnknown,
    Set,
    Store,
    Unavailable,
)
from etagere.memory import MemoryBackend
from etagere.minting import mint_etag
from etagere.operations import Consistency, Operation, Outcome, Stored, Transaction, Write

pytestmark = pytest.mark.anyio


class Minting(MemoryBackend):
    """Gives etags of its own, and fails the next writes as it is told."""

    capabilities = replace(MemoryBackend.capabilities, etags=ETagOrigin.SERVER)

    def __init__(self) -> None:
        super().__init__()
        self.failures: list[Exception] = []
        self.sent = 0

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        given = [minted(operation) for operation in operations]
        if given != list(operations):
            self.sent += 1
            if self.failures:
                raise self.failures.pop(0)
        outcomes = await super().execute(given, consistency)
        return [
            told(operation, outcome) for operation, outcome in zip(given, outcomes, strict=True)
        ]


def minted(operation: Operation) -> Operation:
    if isinstance(operation, Transaction):
        return Transaction(tuple(minted(part) for part in operation.operations))  # type: ignore[misc]
    if isinstance(operation, Write):
        return replace(operation, etag="s" + mint_etag())
    return operation


def told(operation: Operation, outcome: Outcome) -> Outcome:
    if isinstance(operation, Transaction) and isinstance(outcome, tuple):
        parts = zip(operation.operations, outcome, strict=True)
        return tuple(told(part, done) for part, done in parts)  # type: ignore[misc]
    return Stored(operation.etag) if isinstance(operation, Write) and outcome is True else outcome


async def test_its_etags_are_returned() -> None:
    async with Store(Minting()) as store:
        one = await store.set("a", b"1")
        two, three = await store.set_many({"b": b"2", "c": b"3"})
        four, gone = await store.transact([Set("d", b"4"), Delete("none")])
        items = await store.get_many(["a", "b", "c", "d"])
    assert [getattr(item, "etag", None) for item in items] == [one, two, three, four]
    assert gone is False


async def test_a_write_without_an_answer_is_neither_sent_again_nor_looked_for() -> None:
    backend = Minting()
    async with Store(backend) as store:
        etag = await store.set("a", b"1")
        backend.failures.append(Interrupted("cut"))
        with pytest.raises(OutcomeUnknown) as caught:
            await store.set("a", b"2", etag=etag)
        assert backend.sent == 2
        assert await store.settle(caught.value) is Certainty.UNKNOWN


async def test_a_write_that_was_not_sent_is_sent_again() -> None:
    backend = Minting()
    async with Store(backend) as store:
        backend.failures.append(Unavailable("away"))
        assert await store.set("a", b"1")
        assert backend.sent == 2


async def test_a_caller_may_bring_an_etag_of_its_own() -> None:
    async with Store(MemoryBackend()) as store:
        assert await store.set_many([Set("a", b"1", new_etag="mine")]) == ["mine"]
        again = Set("a", b"other", concurrency="first-write", new_etag="mine")
        assert await store.transact([again]) == ["mine"]
        item = await store.get("a")
        assert item is not None
        assert item.value == b"1"


@pytest.mark.parametrize("etag", ["", "?", "a b", "é", "a\n", "x" * 257, 5])
async def test_such_an_etag_must_be_fit_to_travel(etag: str) -> None:
    async with Store(MemoryBackend()) as store:
        with pytest.raises(InvalidArgument, match="ETag"):
            await store.set_many([Set("a", b"1", new_etag=etag)])

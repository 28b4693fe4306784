"""What a look into the store says about a write that was never answered."""

from __future__ import annotations

import pytest

from etagere import Certainty, Delete, OutcomeUnknown, Set, Store, Unavailable
from etagere.operations import (
    ABSENT,
    Consistency,
    Mutation,
    Read,
    Remove,
    Touch,
    Transaction,
    Write,
)
from etagere.settling import keys_of, verdict
from tests.core.scripted import ScriptedBackend, lose, overtaken, refuse, vanish

APPLIED, NOT_APPLIED, UNKNOWN = Certainty.APPLIED, Certainty.NOT_APPLIED, Certainty.UNKNOWN

blind = Write("k", b"", "new")
creation = Write("k", b"", "new", ABSENT)
conditional = Write("k", b"", "new", "old")


@pytest.mark.parametrize(
    ("operation", "found", "said"),
    [
        (blind, "new", APPLIED),
        (blind, "old", UNKNOWN),
        (blind, None, UNKNOWN),
        (creation, "new", APPLIED),
        (creation, "other", UNKNOWN),
        (creation, None, UNKNOWN),
        (conditional, "new", APPLIED),
        (conditional, "old", NOT_APPLIED),
        (conditional, "other", UNKNOWN),
        (conditional, None, UNKNOWN),
        (Remove("k"), None, APPLIED),
        (Remove("k"), "old", UNKNOWN),
        (Remove("k", "old"), "old", NOT_APPLIED),
        (Remove("k", "old"), "other", UNKNOWN),
        (Remove("k", "old"), None, UNKNOWN),
        (Remove("k", ABSENT), None, UNKNOWN),
        (Touch("k", 5), "old", UNKNOWN),
        (Touch("k", 5, "old"), "old", UNKNOWN),
        (Touch("k", 5, "old"), None, UNKNOWN),
    ],
)
def test_single(operation: Mutation, found: str | None, said: Certainty) -> None:
    assert verdict(operation, {"k": found}) is said


a, b = Write("a", b"", "a1", "a0"), Write("b", b"", "b1")


@pytest.mark.parametrize(
    ("parts", "found", "said"),
    [
        ((a, b), {"a": "a1", "b": "x"}, APPLIED),
        ((a, b), {"a": "x", "b": "b1"}, APPLIED),
        ((a, b), {"a": "a0", "b": "x"}, NOT_APPLIED),
        ((a, b), {"a": "x", "b": None}, UNKNOWN),
        ((a, Remove("a")), {"a": None}, UNKNOWN),
        ((a, Remove("a")), {"a": "a0"}, NOT_APPLIED),
        ((Remove("a", "a0"), b), {"a": "a0", "b": None}, NOT_APPLIED),
        ((Remove("a", "a0"), b), {"a": None, "b": "x"}, UNKNOWN),
        # Only the first part on a key tells what was to be replaced, only the last what is left.
        ((a, Write("a", b"", "a2", "a1")), {"a": "a2"}, APPLIED),
        ((a, Write("a", b"", "a2", "a1")), {"a": "a1"}, UNKNOWN),
        ((b, Write("b", b"", "b2", "b1")), {"b": "b1"}, UNKNOWN),
    ],
)
def test_transaction(
    parts: tuple[Write | Remove, ...], found: dict[str, str | None], said: Certainty
) -> None:
    assert verdict(Transaction(parts), found) is said


def test_the_keys_to_look_at() -> None:
    assert keys_of(blind) == ["k"]
    assert keys_of(Transaction((a, b, Remove("a")))) == ["a", "b"]


@pytest.mark.anyio
@pytest.mark.usefixtures("any_loop")
class TestStore:
    async def test_reads_where_nothing_is_missed(self) -> None:
        backend = ScriptedBackend(vanish)
        async with Store(backend) as store:
            with pytest.raises(OutcomeUnknown) as raised:
                await store.delete("k", etag="e0")
            assert await store.settle(raised.value) is UNKNOWN
        assert backend.batches[-1] == [Read("k")]
        assert backend.levels[-1] is Consistency.STRONG

    async def test_a_transaction(self) -> None:
        backend = ScriptedBackend()
        async with Store(backend) as store:
            etag = await store.set("a", b"")
            for act, said in [(vanish, NOT_APPLIED), (lose, UNKNOWN)]:
                backend.script.append(act)
                with pytest.raises(OutcomeUnknown) as raised:
                    await store.transact([Delete("a", etag=etag), Set("b", b""), Delete("b")])
                assert await store.settle(raised.value) is said

    async def test_says_that_it_cannot_look(self) -> None:
        backend = ScriptedBackend(vanish)
        async with Store(backend) as store:
            with pytest.raises(OutcomeUnknown) as raised:
                await store.delete("k")
            backend.script.extend([refuse] * 4)
            with pytest.raises(Unavailable, match="key 'k' was not read"):
                await store.settle(raised.value)

    async def test_a_write_that_a_later_one_hides(self) -> None:
        backend = ScriptedBackend(overtaken(lose, Write("k", b"", "o1")))
        async with Store(backend) as store:
            with pytest.raises(OutcomeUnknown) as raised:
                await store.set("k", b"")
            assert await store.settle(raised.value) is UNKNOWN

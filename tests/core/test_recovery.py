"""Lost answers: what is sent again, what is looked for, and what the caller is told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import anyio
import pytest

from etagere import (
    Certainty,
    Delete,
    EtagereError,
    ETagMismatch,
    NotReplicated,
    OutcomeUnknown,
    Set,
    Store,
    StoreFailed,
    Unavailable,
    recovery,
)
from etagere.errors import Interrupted
from etagere.operations import (
    Conflict,
    Consistency,
    Outcome,
    Read,
    Record,
    Remove,
    Touch,
    Transaction,
    Write,
)
from etagere.outcomes import error_of
from tests.core.scripted import (
    Act,
    ScriptedBackend,
    answering,
    fail,
    hang,
    lose,
    overtaken,
    raising,
    refuse,
    vanish,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("any_loop")]


OTHERS = Write("k", b"others", "o1")


async def record_of(backend: ScriptedBackend, key: str = "k") -> Record | None:
    (record,) = await backend.apply([Read(key)])
    assert record is None or isinstance(record, Record)
    return record


class TestReads:
    @pytest.mark.parametrize("act", [lose, refuse, raising(RuntimeError("?"))])
    async def test_are_sent_again(self, backend: ScriptedBackend, store: Store, act: Act) -> None:
        etag = await store.set("k", b"v")
        backend.script.append(act)
        item = await store.get("k")
        assert item is not None
        assert item.etag == etag
        assert backend.sizes == [1, 1, 1]

    async def test_that_fail_for_long_end_as_unavailable(
        self, backend: ScriptedBackend, store: Store
    ) -> None:
        attempts = 1 + len(recovery.PAUSES)
        backend.script.extend([lose] * attempts)
        with pytest.raises(Unavailable, match="key 'k' was not read: the answer was lost"):
            await store.get("k")
        assert len(backend.batches) == attempts
        assert await store.get("k") is None

    async def test_that_the_store_refuses_are_not_sent_again(
        self, backend: ScriptedBackend, store: Store
    ) -> None:
        backend.script.append(fail)
        with pytest.raises(StoreFailed, match="key 'k' was not read: the disk is full"):
            await store.get("k")
        assert len(backend.batches) == 1


class TestConditionalWrites:
    """Sent again: the etag that they expect can never come back."""

    @pytest.fixture
    async def etag(self, store: Store) -> str:
        return await store.set("k", b"old")

    @pytest.mark.parametrize("act", [lose, vanish, refuse])
    async def test_succeed_once(
        self, backend: ScriptedBackend, store: Store, etag: str, act: Act
    ) -> None:
        backend.script.append(act)
        new = await store.set("k", b"new", etag=etag)
        assert await record_of(backend) == Record(b"new", new)

    @pytest.mark.parametrize("losses", [1, 2, 3])
    async def test_a_lost_answer_is_not_a_conflict(
        self, backend: ScriptedBackend, store: Store, etag: str, losses: int
    ) -> None:
        backend.script.extend([lose] * losses)
        new = await store.set("k", b"new", etag=etag)
        assert await record_of(backend) == Record(b"new", new)

    @pytest.mark.parametrize("act", [lose, vanish])
    async def test_overtaken_are_unknown_and_not_a_conflict(
        self, backend: ScriptedBackend, store: Store, etag: str, act: Act
    ) -> None:
        backend.script.append(overtaken(act, OTHERS))
        with pytest.raises(OutcomeUnknown) as raised:
            await store.set("k", b"new", etag=etag)
        assert await store.settle(raised.value) is Certainty.UNKNOWN
        assert await record_of(backend) == Record(b"others", "o1")

    async def test_that_were_surely_not_sent_can_conflict(
        self, backend: ScriptedBackend, store: Store, etag: str
    ) -> None:
        backend.script.append(overtaken(refuse, OTHERS))
        with pytest.raises(ETagMismatch) as raised:
            await store.set("k", b"new", etag=etag)
        assert (raised.value.expected, raised.value.actual) == (etag, "o1")

    async def test_a_failure_of_the_second_sending_says_nothing_about_the_first(
        self, backend: ScriptedBackend, store: Store, etag: str
    ) -> None:
        for last in (fail, refuse):
            etag = await store.set("k", b"old")
            backend.script.extend([lose, *[last] * len(recovery.PAUSES)])
            with pytest.raises(OutcomeUnknown) as raised:
                await store.set("k", b"new", etag=etag)
            assert await store.settle(raised.value) is Certainty.APPLIED

    async def test_found_but_not_replicated_says_so(
        self, backend: ScriptedBackend, store: Store, etag: str
    ) -> None:
        backend.script.extend([lose, answering(NotReplicated("k", "e", "1 of 2 replicas"))])
        with pytest.raises(NotReplicated, match="1 of 2 replicas"):
            await store.set("k", b"new", etag=etag, consistency="strong")

    async def test_never_sent_at_all_is_unavailable(
        self, backend: ScriptedBackend, store: Store, etag: str
    ) -> None:
        backend.script.extend([refuse] * 4)
        with pytest.raises(Unavailable, match="'k' was not written: connection refused") as raised:
            await store.set("k", b"new", etag=etag)
        assert raised.value.certainty is Certainty.NOT_APPLIED
        assert await record_of(backend) == Record(b"old", etag)


class TestBlindWritesAndCreations:
    """Looked for, and never sent again."""

    @pytest.mark.parametrize("concurrency", ["last-write", "first-write"])
    async def test_found_in_place_are_a_success(
        self, backend: ScriptedBackend, store: Store, concurrency: str
    ) -> None:
        backend.script.append(lose)
        etag = await store.set("k", b"v", concurrency=concurrency)
        assert await record_of(backend) == Record(b"v", etag)
        assert self.sendings(backend, etag) == 1

    @pytest.mark.parametrize("concurrency", ["last-write", "first-write"])
    @pytest.mark.parametrize("act", [vanish, overtaken(lose, OTHERS), overtaken(lose, Remove("k"))])
    async def test_not_found_are_unknown(
        self, backend: ScriptedBackend, store: Store, concurrency: str, act: Act
    ) -> None:
        backend.script.append(act)
        with pytest.raises(OutcomeUnknown) as raised:
            await store.set("k", b"v", concurrency=concurrency)
        assert raised.value.key == "k"
        assert raised.value.etag is not None
        assert self.sendings(backend, raised.value.etag) == 1
        assert await store.settle(raised.value) is Certainty.UNKNOWN

    @pytest.mark.parametrize("together", [False, True])
    async def test_a_strong_one_is_found_only_with_its_guarantee(
        self, backend: ScriptedBackend, store: Store, together: bool
    ) -> None:
        """To see it on the primary says nothing about the replicas."""
        backend.script.extend([lose, answering(NotReplicated("k", "e", "1 of 2 replicas"))])
        calls = [
            lambda: store.set("k", b"v", consistency="strong"),
            lambda: store.transact([Set("k", b"v")], consistency="strong"),
        ]
        with pytest.raises(NotReplicated, match="1 of 2 replicas") as raised:
            await calls[together]()
        assert (raised.value.etag is None) == together
        assert set(backend.levels) == {Consistency.STRONG}

    async def test_found_by_a_later_look(self, backend: ScriptedBackend, store: Store) -> None:
        backend.script.extend([lose, refuse, vanish])
        etag = await store.set("k", b"v")
        assert await record_of(backend) == Record(b"v", etag)

    async def test_not_sent_are_sent_again(self, backend: ScriptedBackend, store: Store) -> None:
        backend.script.extend([refuse, refuse, lose])
        etag = await store.set("k", b"v", concurrency="first-write")
        assert await record_of(backend) == Record(b"v", etag)

    async def test_a_creation_that_conflicts_was_answered(
        self, backend: ScriptedBackend, store: Store
    ) -> None:
        backend.script.append(overtaken(refuse, OTHERS))
        with pytest.raises(ETagMismatch, match="was to be absent but is at ETag 'o1'"):
            await store.set("k", b"v", concurrency="first-write")

    @staticmethod
    def sendings(backend: ScriptedBackend, etag: str) -> int:
        return sum(
            isinstance(operation, Write) and operation.etag == etag and operation.expected != etag
            for batch in backend.batches
            for operation in batch
        )


class TestDeletes:
    @pytest.mark.parametrize("act", [lose, vanish])
    @pytest.mark.parametrize("conditional", [False, True])
    async def test_stay_unknown_and_are_sent_once(
        self, backend: ScriptedBackend, store: Store, act: Act, conditional: bool
    ) -> None:
        etag = await store.set("k", b"v")
        backend.script.append(act)
        with pytest.raises(OutcomeUnknown) as raised:
            await store.delete("k", etag=etag if conditional else None)
        assert raised.value.etag is None
        assert len(backend.batches) == 2
        gone = await record_of(backend) is None
        known = Certainty.UNKNOWN if gone == conditional else None
        known = known or (Certainty.APPLIED if gone else Certainty.NOT_APPLIED)
        assert await store.settle(raised.value) is known

    async def test_not_sent_are_sent_again(self, backend: ScriptedBackend, store: Store) -> None:
        await store.set("k", b"v")
        backend.script.append(refuse)
        assert await store.delete("k") is True


class TestTouches:
    async def test_never_take_effect_twice(self, backend: ScriptedBackend, store: Store) -> None:
        """The etag that a touch expects is still there after it: nothing tells the two apart."""
        etag = await store.set("k", b"v")
        backend.script.append(overtaken(lose, Touch("k", None, etag)))
        with pytest.raises(OutcomeUnknown):
            await store.touch("k", 50, etag=etag)
        assert await record_of(backend) == Record(b"v", etag)

    async def test_without_an_etag_stay_unknown(
        self, backend: ScriptedBackend, store: Store
    ) -> None:
        await store.set("k", b"v")
        backend.script.append(lose)
        with pytest.raises(OutcomeUnknown) as raised:
            await store.touch("k", 50)
        assert len(backend.batches) == 2
        assert await store.settle(raised.value) is Certainty.UNKNOWN

    async def test_not_sent_are_sent_again(self, backend: ScriptedBackend, store: Store) -> None:
        await store.set("k", b"v")
        backend.script.append(refuse)
        assert await store.touch("k", 50) is True


class TestTransactions:
    async def test_found_in_place_are_a_success(
        self, backend: ScriptedBackend, store: Store
    ) -> None:
        etag = await store.set("a", b"1")
        backend.script.append(lose)
        first, second, third = await store.transact(
            [Delete("a", etag=etag), Set("b", b"2"), Set("a", b"3")]
        )
        assert first is True
        assert await record_of(backend, "b") == Record(b"2", str(second))
        assert await record_of(backend, "a") == Record(b"3", str(third))

    @pytest.mark.parametrize(
        "act", [vanish, overtaken(lose, Write("a", b"", "o1"), Write("b", b"", "o2"))]
    )
    async def test_not_found_are_unknown(
        self, backend: ScriptedBackend, store: Store, act: Act
    ) -> None:
        backend.script.append(act)
        with pytest.raises(OutcomeUnknown, match="transaction on key 'a' and 1 more") as raised:
            await store.transact([Set("a", b"1"), Set("b", b"2")])
        assert raised.value.key is None
        assert raised.value.etag is None
        assert len([b for b in backend.batches if isinstance(b[0], Transaction)]) == 1

    async def test_one_that_deletes_its_only_trace_is_unknown(
        self, backend: ScriptedBackend, store: Store
    ) -> None:
        backend.script.append(lose)
        with pytest.raises(OutcomeUnknown):
            await store.transact([Set("a", b"1"), Delete("a")])
        assert len(backend.batches) == 1

    async def test_what_its_blind_deletes_found_is_not_made_up(
        self, backend: ScriptedBackend, store: Store
    ) -> None:
        backend.script.append(lose)
        with pytest.raises(OutcomeUnknown, match="what its deletes found is not known") as raised:
            await store.transact([Delete("a"), Set("b", b"2")])
        assert await store.settle(raised.value) is Certainty.APPLIED

    async def test_a_conflict_names_the_request(
        self, backend: ScriptedBackend, store: Store
    ) -> None:
        etag = await store.set("b", b"2")
        backend.script.append(refuse)
        with pytest.raises(ETagMismatch, match=r"key 'b' \(operation 1 of the trans") as raised:
            await store.transact([Set("a", b""), Set("b", b"", concurrency="first-write")])
        assert (raised.value.index, raised.value.actual) == (1, etag)


class TestBatches:
    async def test_only_those_that_failed_are_sent_again(
        self, backend: ScriptedBackend, store: Store
    ) -> None:
        gone, lost = Unavailable("not sent"), Interrupted("lost")
        backend.script.append(answering(Record(b"1", "e1"), gone, None, lost, StoreFailed("?")))
        await backend.apply([Write("b", b"2", "e2"), Write("d", b"4", "e4")])
        a, b, c, d, e = await store.get_many(list("abcde"))
        assert [getattr(item, "etag", None) for item in (a, b, c, d)] == ["e1", "e2", None, "e4"]
        assert isinstance(e, StoreFailed)
        assert backend.batches[1] == [Read("b"), Read("d")]

    async def test_items_on_one_key_keep_their_order(
        self, backend: ScriptedBackend, store: Store
    ) -> None:
        """One that was not sent must not be sent behind a later one that was applied."""

        async def second_only(backend: ScriptedBackend, operations: Any) -> Sequence[Outcome]:
            return [Unavailable("not sent"), *await backend.apply(operations[1:])]

        backend.script.append(second_only)
        first, second = await store.set_many([Set("k", b"1"), Set("k", b"2")])
        assert isinstance(second, str)
        assert await record_of(backend) == Record(b"2", second)
        assert isinstance(first, Unavailable)

    async def test_what_is_known_at_the_deadline_is_told(self) -> None:
        backend = ScriptedBackend(
            answering(True, Unavailable("not sent"), Conflict("o1"), Interrupted("lost")), hang
        )
        async with Store(backend, timeout=0.1) as store:
            a, b, c, d = await store.set_many(dict.fromkeys("abcd", b""))
        assert isinstance(a, str)
        assert isinstance(c, ETagMismatch)
        assert isinstance(d, OutcomeUnknown)
        assert isinstance(b, Unavailable | OutcomeUnknown)

    @pytest.mark.parametrize("count", [0, 1, 3])
    async def test_a_backend_that_answers_too_little_or_too_much(
        self, backend: ScriptedBackend, store: Store, count: int
    ) -> None:
        backend.script.append(answering(*[True] * count))
        results = await store.set_many({"a": b"", "b": b""})
        for result in results:
            assert isinstance(result, OutcomeUnknown)
            assert f"ScriptedBackend gave {count} outcomes for 2 operations" in str(result)

    async def test_a_backend_that_raises_what_it_should_not(
        self, backend: ScriptedBackend, store: Store
    ) -> None:
        bug = ZeroDivisionError("bug")
        backend.script.append(raising(bug))
        with pytest.raises(OutcomeUnknown, match="ScriptedBackend failed: ZeroDivision") as raised:
            await store.set("k", b"")
        assert raised.value.__cause__ is bug

    async def test_each_caller_has_an_error_of_its_own(
        self, backend: ScriptedBackend, store: Store
    ) -> None:
        backend.script.append(fail)
        a, b = await store.set_many({"a": b"", "b": b""})
        assert isinstance(a, StoreFailed)
        assert isinstance(b, StoreFailed)
        assert "key 'a'" in str(a)
        assert "key 'b'" in str(b)
        assert isinstance(a.__cause__, StoreFailed)

    async def test_the_pauses_are_bounded(self, backend: ScriptedBackend, store: Store) -> None:
        backend.script.extend([refuse] * 4)
        began = anyio.current_time()
        with pytest.raises(Unavailable):
            await store.get("k")
        assert anyio.current_time() - began >= sum(recovery.PAUSES) / 2


async def test_error_of_success_is_none() -> None:
    assert error_of(Read("k"), None) is None
    assert error_of(Remove("k"), False) is None
    assert isinstance(error_of(Remove("k"), Interrupted("?")), EtagereError)

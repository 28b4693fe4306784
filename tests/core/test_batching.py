"""Natural batching: who travels with whom, and what cancellation, deadlines and closing do."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from etagere import (
    Batching,
    Certainty,
    Closed,
    EtagereError,
    ETagMismatch,
    OutcomeUnknown,
    Set,
    Store,
    Unavailable,
)
from etagere.batching import weight
from etagere.operations import Consistency, Read, Remove, Transaction, Write
from tests.core.scripted import ScriptedBackend, hang

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("any_loop")]

SOON = 10.0
"""Seconds that no test should ever need."""


async def until(condition: Callable[[], object]) -> None:
    with anyio.fail_after(SOON):
        while not condition():
            await checkpoint()


async def a_moment() -> None:
    """Let every task run until it waits for something."""
    for _ in range(20):
        await checkpoint()


class Calls:
    """Calls that run side by side, and what became of each."""

    def __init__(self) -> None:
        self.results: dict[Any, Any] = {}
        self.scopes: dict[Any, anyio.CancelScope] = {}

    async def make(self, name: Any, call: Awaitable[Any]) -> None:
        with anyio.CancelScope() as self.scopes[name]:
            try:
                self.results[name] = await call
            except EtagereError as error:
                self.results[name] = error


class TestWhoTravelsTogether:
    async def test_alone_a_call_leaves_at_once(self) -> None:
        backend = ScriptedBackend()
        backend.close_gate()
        async with Store(backend) as store, anyio.create_task_group() as tasks:
            await a_moment()
            tasks.start_soon(store.get, "k")
            for _ in range(3):
                await checkpoint()
            assert backend.batches == [[Read("k")]]
            backend.gate.set()

    async def test_calls_that_arrive_during_a_flight_leave_together(self) -> None:
        backend = ScriptedBackend()
        async with Store(backend) as store:
            await self.crowd(store, backend, 100)
        assert backend.sizes == [1, 100]

    async def test_a_batch_has_a_limit_of_operations(self) -> None:
        backend = ScriptedBackend(batching=Batching(max_operations=40))
        async with Store(backend) as store:
            await self.crowd(store, backend, 100)
        assert backend.sizes == [1, 40, 40, 20]

    async def test_a_batch_has_a_limit_of_bytes(self) -> None:
        backend = ScriptedBackend(batching=Batching(max_bytes=100))
        async with Store(backend) as store:
            await self.crowd(store, backend, 10, value=b"x" * 30)
        assert backend.sizes == [1, 3, 3, 3, 1]

    async def test_a_value_over_the_limit_travels_alone(self) -> None:
        backend = ScriptedBackend(batching=Batching(max_bytes=100))
        async with Store(backend) as store:
            sizes = [10, 101, 10, 100, 500]
            results = await store.set_many([Set(f"k{n}", b"x" * n) for n in sizes])
        assert all(isinstance(etag, str) for etag in results)
        assert backend.sizes == [1, 1, 1, 1, 1]

    async def crowd(
        self, store: Store, backend: ScriptedBackend, count: int, value: bytes = b"v"
    ) -> None:
        """Let `count` calls arrive while one is in flight."""
        backend.close_gate()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(store.set, "first", b"")
            await backend.left(1)
            for number in range(count):
                tasks.start_soon(store.set, f"k{number}", value)
            await a_moment()
            backend.gate.set()

    async def test_each_kind_of_call_has_a_lane_of_its_own(self) -> None:
        backend = ScriptedBackend()
        backend.close_gate()
        async with Store(backend) as store, anyio.create_task_group() as tasks:
            for number in range(20):
                for level in Consistency:
                    tasks.start_soon(lambda n=number, c=level: store.get(f"k{n}", consistency=c))
                    tasks.start_soon(
                        lambda n=number, c=level: store.set(f"k{n}", b"", consistency=c)
                    )
            await backend.left(4)  # none waits for another kind
            backend.gate.set()
        seen = set[Any]()
        for batch, level in zip(backend.batches, backend.levels, strict=True):
            assert len({isinstance(operation, Read) for operation in batch}) == 1
            seen.add((isinstance(batch[0], Read), level))
        assert sum(backend.sizes) == 80
        assert len(seen) == 4

    async def test_as_many_flights_as_the_backend_wants(self) -> None:
        backend = ScriptedBackend(batching=Batching(reads=3, writes=1))
        backend.close_gate()
        async with Store(backend) as store, anyio.create_task_group() as tasks:
            for number in range(9):
                tasks.start_soon(store.get, f"k{number}")
                await a_moment()
            assert backend.flying == 3
            assert backend.sizes == [1, 1, 1]
            backend.gate.set()
        assert sum(backend.sizes) == 9

    async def test_ten_thousand_calls_at_once(self) -> None:
        backend = ScriptedBackend()
        async with Store(backend) as store:
            found: dict[str, Any] = {}

            async def write_and_read(key: str) -> None:
                etag = await store.set(key, key.encode())
                item = await store.get(key)
                assert item is not None
                found[key] = (item.key, item.value, item.etag == etag)

            async with anyio.create_task_group() as tasks:
                for number in range(5_000):
                    tasks.start_soon(write_and_read, f"k{number}")
        assert found == {f"k{n}": (f"k{n}", f"k{n}".encode(), True) for n in range(5_000)}
        assert len(backend.batches) < 200

    async def test_ten_thousand_operations_in_one_call(self) -> None:
        backend = ScriptedBackend()
        async with Store(backend) as store:
            keys = [f"k{number}" for number in range(10_000)]
            etags = await store.set_many({key: key.encode() for key in keys})
            items = await store.get_many(keys)
        assert [item.value for item in items] == [key.encode() for key in keys]
        assert [item.etag for item in items] == etags
        assert max(backend.sizes) == 512


class TestOrder:
    async def test_calls_on_one_key_take_effect_in_the_order_they_were_made(self) -> None:
        backend = ScriptedBackend(batching=Batching(max_operations=7))
        backend.close_gate()
        async with Store(backend) as store:
            async with anyio.create_task_group() as tasks:
                for number in range(100):
                    tasks.start_soon(store.set, "k", b"%d" % number)
                    await checkpoint()
                await a_moment()
                backend.gate.set()
            item = await store.get("k")
        sent = [int(write.value) for batch in backend.batches[:-1] for write in batch]
        assert sent == sorted(sent)
        assert item is not None
        assert item.value == b"99"

    async def test_a_bulk_call_longer_than_a_batch_keeps_its_order(self) -> None:
        backend = ScriptedBackend(batching=Batching(max_operations=10))
        async with Store(backend) as store:
            etags = await store.set_many([Set("k", b"%d" % n) for n in range(95)])
            item = await store.get("k")
        assert item is not None
        assert (item.value, item.etag) == (b"94", etags[94])
        assert len(set(etags)) == 95


class TestCancellation:
    async def test_a_call_that_waits_is_withdrawn(self) -> None:
        backend, calls = ScriptedBackend(), Calls()
        backend.close_gate()
        async with Store(backend) as store:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(calls.make, "first", store.set("a", b"1"))
                await backend.left(1)
                tasks.start_soon(calls.make, "second", store.set("b", b"2"))
                tasks.start_soon(calls.make, "third", store.set("c", b"3"))
                await a_moment()
                calls.scopes["second"].cancel()
                await a_moment()
                backend.gate.set()
            assert set(calls.results) == {"first", "third"}
            assert await store.get("b") is None
        assert backend.sizes == [1, 1, 1]

    async def test_a_call_that_has_left_is_left_to_its_fate(self) -> None:
        backend, calls = ScriptedBackend(), Calls()
        backend.close_gate()
        async with Store(backend) as store:
            await a_moment()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(calls.make, "both", store.set_many({"a": b"v", "b": b"v"}))
                await backend.left(1)
                calls.scopes["both"].cancel()
                await until(lambda: calls.scopes["both"].cancelled_caught)
                backend.gate.set()
            items = await store.get_many(["a", "b"])
        assert None not in items
        assert backend.cancelled == 0

    async def test_a_call_that_is_alone_is_cancelled_with_its_caller(self) -> None:
        backend, calls = ScriptedBackend(batching=Batching(inline=True)), Calls()
        backend.close_gate()
        async with Store(backend) as store:
            await a_moment()
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(calls.make, "alone", store.set("a", b"v"))
                await backend.left(1)
                for name in "bc":
                    tasks.start_soon(calls.make, name, store.set(name, b"v"))
                await a_moment()
                calls.scopes["alone"].cancel()
                await until(lambda: calls.scopes["alone"].cancelled_caught)
                backend.gate.set()
            assert set(calls.results) == {"b", "c"}
            await self.works(store, "after")
        assert backend.sizes[:2] == [1, 2]
        assert backend.cancelled == 1

    async def test_who_comes_while_one_call_is_alone_leaves_when_it_is_back(self) -> None:
        backend, calls = ScriptedBackend(batching=Batching(inline=True)), Calls()
        backend.close_gate()
        async with Store(backend) as store:
            await a_moment()
            async with anyio.create_task_group() as tasks:
                for name in "abcd":
                    tasks.start_soon(calls.make, name, store.set(name, b"v"))
                await a_moment()
                backend.gate.set()
        assert set(calls.results) == set("abcd")
        assert backend.sizes == [1, 3]

    async def test_a_call_that_has_left_in_a_crowd_is_left_to_its_fate(self) -> None:
        backend, calls = ScriptedBackend(), Calls()
        async with Store(backend) as store:
            await store.set_many({"x": b"", "y": b""})
            backend.close_gate()
            async with anyio.create_task_group() as tasks:
                for name in "abc":
                    tasks.start_soon(calls.make, name, store.set(name, b"v"))
                await backend.left(2)
                calls.scopes["c"].cancel()
                await until(lambda: calls.scopes["c"].cancelled_caught)
                backend.gate.set()
            assert set(calls.results) == {"a", "b"}
            item = await store.get("c")
        assert item is not None
        assert backend.cancelled == 0

    async def test_a_bulk_call_that_waits_is_withdrawn_as_a_whole(self) -> None:
        backend, calls = ScriptedBackend(), Calls()
        backend.close_gate()
        async with Store(backend) as store:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(calls.make, "first", store.set("a", b"1"))
                await backend.left(1)
                many = store.set_many({"b": b"2", "c": b"3", "d": b"4"})
                tasks.start_soon(calls.make, "many", many)
                await a_moment()
                calls.scopes["many"].cancel()
                await a_moment()
                backend.gate.set()
            assert await store.get_many(["b", "c", "d"]) == [None, None, None]

    @pytest.mark.parametrize("inline", [False, True])
    @pytest.mark.parametrize("bulk", [False, True])
    async def test_at_any_moment_it_harms_nobody(self, bulk: bool, inline: bool) -> None:
        backend, calls = ScriptedBackend(batching=Batching(inline=inline)), Calls()
        async with Store(backend) as store:

            async def doomed(key: str) -> None:
                if bulk:
                    await store.set_many({key: b"1", key + "+": b"2"})
                else:
                    await store.update(key, lambda old: (old or b"") + b"x")

            for steps in range(25):
                async with anyio.create_task_group() as tasks:
                    tasks.start_soon(calls.make, steps, doomed(f"doomed{steps}"))
                    tasks.start_soon(self.works, store, f"neighbour{steps}")
                    for _ in range(steps):
                        await checkpoint()
                    if steps in calls.scopes:
                        calls.scopes[steps].cancel()
                    tasks.start_soon(self.works, store, f"latecomer{steps}")
                await self.works(store, f"after{steps}")
            assert any(scope.cancelled_caught for scope in calls.scopes.values())
            assert calls.results != {}
        assert inline or backend.cancelled == 0
        assert backend.flying == 0

    async def works(self, store: Store, key: str) -> None:
        with anyio.fail_after(SOON):
            etag = await store.set(key, key.encode())
            item = await store.get(key)
        assert item is not None
        assert (item.key, item.value, item.etag) == (key, key.encode(), etag)

    @pytest.mark.parametrize("inline", [False, True])
    @pytest.mark.parametrize("seed", range(2))
    async def test_a_storm_of_it_leaves_the_store_healthy(self, seed: int, inline: bool) -> None:
        rng = random.Random(seed)
        backend = ScriptedBackend(batching=Batching(reads=2, max_operations=16, inline=inline))
        before = len(anyio.get_running_tasks())
        async with Store(backend) as store:

            async def use(number: int) -> None:
                key = f"k{number % 40}"
                with anyio.CancelScope() as scope:
                    tasks.start_soon(cancel_later, scope, rng.randrange(12))
                    await store.set(key, key.encode())
                    for item in await store.get_many([key, "k0"]):
                        assert item is None or item.value == item.key.encode()
                    await store.update(key, lambda _: key.encode())

            async def cancel_later(scope: anyio.CancelScope, steps: int) -> None:
                for _ in range(steps):
                    await checkpoint()
                scope.cancel()

            with anyio.fail_after(SOON):
                async with anyio.create_task_group() as tasks:
                    for number in range(1_000):
                        tasks.start_soon(use, number)
            await self.works(store, "after")
            for lane in store._engine._lanes.values():
                assert not lane._waiting
        assert backend.flying == 0
        assert backend.crowds_cancelled == 0
        await until(lambda: len(anyio.get_running_tasks()) == before)


class TestDeadlines:
    async def test_sent_and_not_answered(self) -> None:
        backend = ScriptedBackend(hang, hang)
        async with Store(backend, timeout=0.05) as store:
            with pytest.raises(OutcomeUnknown, match="key 'k' may or may not") as raised:
                await store.set("k", b"")
            assert raised.value.certainty is Certainty.UNKNOWN
            with pytest.raises(Unavailable, match=r"key 'k' was not read: .* in time"):
                await store.get("k")
            assert await store.get("k") is None
        assert backend.cancelled == 2

    async def test_never_sent_in_time_is_never_sent(self) -> None:
        backend, calls = ScriptedBackend(hang), Calls()
        async with Store(backend, timeout=0.1) as store, anyio.create_task_group() as tasks:
            tasks.start_soon(calls.make, "first", store.set("a", b"1"))
            await backend.left(1)
            # Both are due at once, and the second is still in the queue then.
            tasks.start_soon(calls.make, "second", store.set("b", b"2"))
        assert isinstance(calls.results["first"], OutcomeUnknown)
        # It may have left in the last moment; else it must say that nothing was sent.
        if len(backend.batches) == 1:
            assert isinstance(calls.results["second"], Unavailable)
            assert calls.results["second"].certainty is Certainty.NOT_APPLIED

    @pytest.mark.parametrize("inline", [False, True])
    async def test_an_overdue_call_that_is_alone(self, inline: bool) -> None:
        backend = ScriptedBackend(hang, batching=Batching(inline=inline))
        async with Store(backend, timeout=0.05) as store:
            await a_moment()
            with pytest.raises(OutcomeUnknown, match="did not answer in time"):
                await store.set("k", b"v")
            etag = await store.set("k", b"w")
            assert await store.set("k", b"x", etag=etag)
        assert backend.cancelled == 1

    async def test_who_waited_too_long_is_not_sent(self) -> None:
        """A backend that holds on to a cancelled batch makes the queue late."""
        backend, calls = ScriptedBackend(self.stubborn), Calls()
        async with Store(backend, timeout=0.05) as store:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(calls.make, "first", store.set("a", b"1"))
                await backend.left(1)
                for name in "bcd":
                    tasks.start_soon(calls.make, name, store.set(name, b"2"))
                await anyio.sleep(0.1)
                tasks.start_soon(calls.make, "young", store.set("y", b"2"))
                await a_moment()
                self.release.set()
            assert isinstance(calls.results["young"], str)
            assert all(isinstance(calls.results[name], Unavailable) for name in "bcd")
            assert await store.get_many(["b", "c", "d"]) == [None, None, None]
        assert backend.sizes == [1, 1, 3]

    async def stubborn(self, backend: ScriptedBackend, operations: Any) -> Any:
        self.release = anyio.Event()
        with anyio.CancelScope(shield=True):
            await self.release.wait()
        return await backend.apply(operations)

    async def test_a_shorter_one_for_a_call_that_has_left(self) -> None:
        backend = ScriptedBackend()
        backend.close_gate()
        async with Store(backend) as store:
            with pytest.raises(OutcomeUnknown, match="did not answer in time") as raised:
                await store.set("k", b"v", timeout=0.02)
            assert backend.flying == 1  # the batch goes on: others may be in it
            backend.gate.set()
            await until(lambda: backend.flying == 0)
            item = await store.get("k")
            assert item is not None
            assert item.etag == raised.value.etag
        assert backend.cancelled == 0

    async def test_a_shorter_one_for_a_call_that_waits(self) -> None:
        backend = ScriptedBackend()
        backend.close_gate()
        async with Store(backend) as store, anyio.create_task_group() as tasks:
            tasks.start_soon(store.set, "first", b"")
            await backend.left(1)
            with pytest.raises(Unavailable, match=r"key 'k' was not written: .* too busy"):
                await store.set("k", b"v", timeout=0.02)
            many = await store.set_many({"b": b"", "c": b""}, timeout=0.02)
            assert [type(result) for result in many] == [Unavailable, Unavailable]
            backend.gate.set()
            assert await store.get_many(["k", "b", "c"]) == [None, None, None]
        assert backend.sizes == [1, 3]

    async def test_a_shorter_one_that_is_met_changes_nothing(self) -> None:
        async with Store(ScriptedBackend()) as store:
            etag = await store.set("k", b"v", timeout=5)
            item = await store.get("k", timeout=5)
            assert item is not None
            assert item.etag == etag
            with pytest.raises(ETagMismatch):
                await store.set("k", b"v", concurrency="first-write", timeout=5)
            assert await store.get_many(["k", "x"], timeout=5) == [item, None]

    async def test_a_longer_one_travels_alone(self) -> None:
        backend = ScriptedBackend()
        backend.close_gate()
        calls = Calls()
        async with Store(backend, timeout=0.05) as store:
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(calls.make, "patient", store.set("a", b"", timeout=60))
                tasks.start_soon(calls.make, "bulk", store.set_many({"b": b""}, timeout=60))
                await backend.left(2)
                await a_moment()
                # The next is due long before those that are on their way.
                tasks.start_soon(calls.make, "hasty", store.set("c", b""))
                await until(lambda: "hasty" in calls.results)
                assert "patient" not in calls.results
                backend.gate.set()
            assert isinstance(calls.results["hasty"], OutcomeUnknown)
            assert isinstance(calls.results["patient"], str)
            assert len(calls.results["bulk"]) == 1
            assert isinstance(calls.results["bulk"][0], str)

    async def test_a_longer_one_ends_too(self) -> None:
        backend = ScriptedBackend(hang)
        async with Store(backend, timeout=0.01) as store:
            with anyio.fail_after(SOON), pytest.raises(OutcomeUnknown):
                await store.set("k", b"", timeout=0.05)

    async def test_ping_has_one(self) -> None:
        backend = ScriptedBackend()
        async with Store(backend) as store:
            await store.ping()
            backend.close_gate()
            with pytest.raises(Unavailable, match="the store did not answer in time"):
                await store.ping(timeout=0.02)


class TestLife:
    async def test_closing_answers_what_was_asked(self) -> None:
        backend, calls = ScriptedBackend(batching=Batching(max_operations=3)), Calls()
        backend.close_gate()
        async with anyio.create_task_group() as tasks:
            async with Store(backend) as store:
                for number in range(10):
                    tasks.start_soon(calls.make, number, store.set(f"k{number}", b""))
                await a_moment()
                backend.gate.set()
            assert backend.lives == ["open", "close"]
        assert sorted(calls.results) == list(range(10))
        assert all(isinstance(etag, str) for etag in calls.results.values())

    async def test_closing_answers_even_when_cancelled(self) -> None:
        backend, calls = ScriptedBackend(), Calls()
        backend.close_gate()
        async with anyio.create_task_group() as tasks:
            with anyio.CancelScope() as scope:
                async with Store(backend) as store:
                    tasks.start_soon(calls.make, "k", store.set("k", b""))
                    await backend.left(1)
                    tasks.start_soon(self.open_gate_later, backend)
                    scope.cancel()
                    await anyio.sleep_forever()
        assert isinstance(calls.results["k"], str)
        assert (backend.cancelled, backend.flying) == (0, 0)
        assert backend.lives == ["open", "close"]

    async def open_gate_later(self, backend: ScriptedBackend) -> None:
        await a_moment()
        backend.gate.set()

    async def test_closing_ends_though_the_backend_hangs(self) -> None:
        backend, calls = ScriptedBackend(hang), Calls()
        async with anyio.create_task_group() as tasks:
            with anyio.fail_after(SOON):
                async with Store(backend, timeout=0.05) as store:
                    tasks.start_soon(calls.make, "k", store.set("k", b""))
                    await backend.left(1)
        assert isinstance(calls.results["k"], OutcomeUnknown)
        assert backend.lives == ["open", "close"]

    async def test_an_error_in_the_body_comes_out_as_it_is(self) -> None:
        backend = ScriptedBackend()
        error = LookupError("mine")
        with pytest.raises(LookupError) as raised:
            async with Store(backend):
                raise error
        assert raised.value is error
        assert backend.lives == ["open", "close"]

    async def test_calls_outside_of_the_block_are_refused(self) -> None:
        for backend in (ScriptedBackend(), ScriptedBackend(batching=None)):
            store = Store(backend)
            await self.refuses(store)
            async with store:
                await store.set("k", b"")
            await self.refuses(store)

    async def refuses(self, store: Store) -> None:
        calls: list[Callable[[], Awaitable[Any]]] = [
            lambda: store.get("k"),
            lambda: store.set("k", b""),
            lambda: store.get_many(["k"]),
            lambda: store.set_many({}),
            lambda: store.transact([Set("k", b"")]),
            lambda: store.update("k", lambda _: b""),
            lambda: store.ping(),
            lambda: anext(store.keys()),
        ]
        for call in calls:
            with pytest.raises(Closed, match="inside its `async with` block"):
                await call()

    async def test_no_task_is_left_behind(self) -> None:
        before = set(anyio.get_running_tasks())
        backend = ScriptedBackend(hang, batching=Batching(reads=4, writes=4))
        async with Store(backend, timeout=0.02) as store:
            with pytest.raises(OutcomeUnknown):
                await store.set("k", b"", timeout=0.03)
            assert len(anyio.get_running_tasks()) > len(before)
        await until(lambda: set(anyio.get_running_tasks()) == before)


def test_weight_is_that_of_the_values() -> None:
    write = Write("k", b"12345", "e1")
    assert weight(write) == 5
    assert weight(Transaction((write, Remove("k"), write))) == 10
    assert weight(Remove("k")) == weight(Read("k")) == 0

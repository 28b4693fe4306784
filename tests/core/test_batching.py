"""Natural batching: who travels with whom, in which order, and what cancellation does."""

from __future__ import annotations

import random
from typing import Any

import anyio
import pytest
from anyio.lowlevel import checkpoint

from etagere import Batching, Set, Store
from etagere.batching import weight
from etagere.operations import Consistency, Read, Remove, Transaction, Write
from tests.core.calls import SOON, Calls, a_moment, until
from tests.core.scripted import ScriptedBackend

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("any_loop")]


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


def test_weight_is_that_of_the_values() -> None:
    write = Write("k", b"12345", "e1")
    assert weight(write) == 5
    assert weight(Transaction((write, Remove("k"), write))) == 10
    assert weight(Remove("k")) == weight(Read("k")) == 0

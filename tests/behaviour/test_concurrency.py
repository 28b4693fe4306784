"""Many tasks at once: no lost update, one winner, no mixed answers, whoever is cancelled."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import anyio
import pytest

from etagere import Delete, EtagereError, ETagMismatch, Item, Set, Store
from tests.behaviour.targets import BACKENDS, HTTP, SHARED, TARGETS, Target

pytestmark = pytest.mark.anyio

TASKS = 64


@pytest.fixture(scope="module")
async def stores(target: Target, store: Store) -> AsyncIterator[list[Store]]:
    """The store, and where several can share a database, three more on other connections."""
    async with AsyncExitStack() as stack:
        others = 3 if target.name.startswith((*SHARED, HTTP)) else 0
        yield [store] + [await stack.enter_async_context(target.open()) for _ in range(others)]


def plus_one(old: bytes | None) -> bytes:
    return b"%d" % (int(old or 0) + 1)


async def value_of(store: Store, key: str) -> bytes:
    item = await store.get(key, consistency="strong")
    assert item is not None
    return item.value


LEVELS = ["eventual", "strong"]


class TestCounters:
    async def test_6400_increments(self, store: Store, key: str) -> None:
        async def increment() -> None:
            for _ in range(100):
                await store.update(key, plus_one)

        async with anyio.create_task_group() as tasks:
            for _ in range(TASKS):
                tasks.start_soon(increment)
        assert await value_of(store, key) == b"6400"

    @pytest.mark.targets(*TARGETS)
    async def test_increments_from_several_stores(self, stores: list[Store], key: str) -> None:
        async def increment(store: Store) -> None:
            for _ in range(10):
                await store.update(key, plus_one, attempts=10_000)

        async with anyio.create_task_group() as tasks:
            for store in stores:
                for _ in range(4):
                    tasks.start_soon(increment, store)
        assert await value_of(stores[0], key) == b"%d" % (40 * len(stores))

    @pytest.mark.targets(*TARGETS)
    async def test_increments_by_hand(self, stores: list[Store], key: str) -> None:
        """The retry loop of the guide: read, change, write if nobody else did."""

        async def increment(store: Store) -> None:
            done = 0
            while done < 5:
                item = await store.get(key, consistency="strong")
                assert item is not None
                try:
                    await store.set(key, plus_one(item.value), etag=item.etag)
                except ETagMismatch:
                    conflicts[key] += 1
                else:
                    done += 1

        conflicts = Counter[str]()
        await stores[0].set(key, b"0")
        async with anyio.create_task_group() as tasks:
            for number in range(16):
                tasks.start_soon(increment, stores[number % len(stores)])
        assert await value_of(stores[0], key) == b"80"
        assert conflicts[key] > 0


@pytest.mark.targets(*TARGETS)
class TestRaces:
    """Everybody starts with the same knowledge; exactly one may win."""

    async def race(self, attempts: list[Any]) -> list[Any]:
        """Run all at once; return what the winners got. The others must have lost, not failed."""
        results: list[Any] = []
        lost = 0

        async def attempt(call: Any) -> None:
            nonlocal lost
            try:
                results.append(await call())
            except ETagMismatch:
                lost += 1

        async with anyio.create_task_group() as tasks:
            for call in attempts:
                tasks.start_soon(attempt, call)
        assert len(results) + lost == len(attempts)
        return results

    async def test_200_rounds_on_one_etag(
        self, target: Target, stores: list[Store], key: str
    ) -> None:
        etag = await stores[0].set(key, b"start")
        for round_ in range(20 if target.name == HTTP else 200):
            values = [b"%d:%d" % (round_, n) for n in range(TASKS)]
            winners = await self.race(
                [
                    lambda n=n, value=value, etag=etag: stores[n % len(stores)].set(
                        key, value, etag=etag
                    )
                    for n, value in enumerate(values)
                ]
            )
            assert len(winners) == 1
            item = await stores[0].get(key, consistency="strong")
            assert item is not None
            assert item.etag == winners[0] != etag
            assert item.value in values
            etag = item.etag

    async def test_creators(self, stores: list[Store], key: str) -> None:
        for round_ in range(10):
            name = f"{key}/{round_}"
            winners = await self.race(
                [
                    lambda n=n, name=name: stores[n % len(stores)].set(
                        name, b"%d" % n, concurrency="first-write"
                    )
                    for n in range(TASKS)
                ]
            )
            item = await stores[0].get(name, consistency="strong")
            assert item is not None
            assert winners == [item.etag]

    @pytest.mark.targets(*BACKENDS)
    async def test_deleters(self, stores: list[Store], key: str) -> None:
        for _ in range(20):
            etag = await stores[0].set(key, b"")
            winners = await self.race(
                [
                    lambda n=n, etag=etag: stores[n % len(stores)].delete(key, etag=etag)
                    for n in range(TASKS)
                ]
            )
            assert winners == [True]
            assert await stores[0].exists(key, consistency="strong") is False

    @pytest.mark.targets(*BACKENDS)
    async def test_blind_deleters(self, stores: list[Store], key: str) -> None:
        for _ in range(20):
            await stores[0].set(key, b"")
            found = await self.race(
                [lambda n=n: stores[n % len(stores)].delete(key) for n in range(TASKS)]
            )
            assert Counter(found) == {True: 1, False: TASKS - 1}

    @pytest.mark.targets(*BACKENDS)
    async def test_a_writer_and_a_deleter(self, stores: list[Store], key: str) -> None:
        for round_ in range(20):
            etag = await stores[0].set(key, b"old")
            calls = [
                lambda etag=etag: stores[0].set(key, b"new", etag=etag),
                lambda etag=etag: stores[-1].delete(key, etag=etag),
            ]
            (winner,) = await self.race(calls if round_ % 2 else calls[::-1])
            item = await stores[0].get(key, consistency="strong")
            assert (item is None) if winner is True else (item is not None)

    async def test_transactions(self, stores: list[Store], key: str) -> None:
        names = [f"{key}/{n}" for n in range(3)]
        for _ in range(20):
            etags = [str(etag) for etag in await stores[0].set_many(dict.fromkeys(names, b""))]

            def claim(n: int, etags: list[str] = etags) -> Any:
                # In different orders: nobody may wait for the other for ever.
                order = [0, 1, 2] if n % 2 else [2, 1, 0]
                return stores[n % len(stores)].transact(
                    [Set(names[i], b"%d" % n, etag=etags[i]) for i in order]
                )

            winners = await self.race([lambda n=n, c=claim: c(n) for n in range(16)])
            assert len(winners) == 1
            values = {await value_of(stores[0], name) for name in names}
            assert len(values) == 1


class TestCrowds:
    async def test_ten_thousand_calls(self, store: Store, key: str) -> None:
        async def use(number: int) -> None:
            name = f"{key}/{number}"
            etag = await store.set(name, name.encode(), concurrency="first-write")
            item = await store.get(name)
            assert item is not None
            answers[number] = (item.key, item.value, item.etag) == (name, name.encode(), etag)

        answers: dict[int, bool] = {}
        async with anyio.create_task_group() as tasks:
            for number in range(5_000):
                tasks.start_soon(use, number)
        assert answers == dict.fromkeys(range(5_000), True)
        assert await store.delete_prefix(key) == 5_000

    async def test_all_kinds_at_once(self, stores: list[Store], key: str) -> None:
        """Nothing waits for ever on anything, and every answer belongs to its question."""
        rng = random.Random(1)
        names = [f"{key}/{n}" for n in range(20)]

        async def use(number: int) -> None:
            store = stores[number % len(stores)]
            for _ in range(10):
                one, two = rng.sample(names, 2)
                level = rng.choice(["eventual", "strong"])
                await store.set(one, one.encode(), ttl=rng.choice([None, 60]), consistency=level)
                await store.set_many({one: one.encode(), two: two.encode()}, consistency=level)
                for item in await store.get_many([one, two, one], consistency=level):
                    assert not isinstance(item, EtagereError)
                    assert item is None or item.value == item.key.encode()
                await store.transact([Set(two, two.encode()), Set(one, one.encode())])
                await store.delete_many([two, Delete(one)], consistency=level)
                await store.touch(one, 30)
                async for item in store.items(prefix=key, limit=5):
                    assert item.value == item.key.encode()

        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                for number in range(24):
                    tasks.start_soon(use, number)


class TestCancellation:
    @pytest.mark.targets(*TARGETS)
    @pytest.mark.parametrize("seed", range(4))
    async def test_at_random_moments(self, target: Target, key: str, seed: int) -> None:
        """Callers give up at any moment; the others get their own answers, and soon."""
        rng = random.Random(seed)
        async with target.open() as store:

            async def use(number: int) -> None:
                name = f"{key}/{number % 30}"
                with anyio.move_on_after(rng.expovariate(1 / 0.004)):
                    await store.set(name, name.encode(), consistency=rng.choice(LEVELS))
                    for item in await store.get_many([name, f"{key}/0"]):
                        assert item is None or item.value == item.key.encode()
                    await store.update(name, lambda _: name.encode())
                    await store.transact([Set(name, name.encode()), Delete(f"{key}/none")])
                    async for item in store.items(prefix=key, limit=3):
                        assert item.value == item.key.encode()

            with anyio.fail_after(60):
                for _ in range(3):
                    async with anyio.create_task_group() as tasks:
                        for number in range(150):
                            tasks.start_soon(use, number)
                            if number % 10 == 0:
                                await anyio.sleep(rng.random() / 500)
                    await self.is_healthy(store, key)

    async def test_of_everybody_at_once(self, target: Target, key: str) -> None:
        async with target.open() as store:
            for milliseconds in range(12):
                with anyio.move_on_after(milliseconds / 1000):
                    async with anyio.create_task_group() as tasks:
                        for number in range(100):
                            tasks.start_soon(store.set, f"{key}/{number}", b"%d" % number)
                            tasks.start_soon(store.get, f"{key}/{number}")
                await self.is_healthy(store, key)

    async def test_of_short_deadlines(self, target: Target, key: str) -> None:
        """A store whose own deadline is much too short cancels its batches all the time."""
        async with target.open(timeout=0.003) as store:
            outcomes = Counter[str]()

            async def use(number: int) -> None:
                try:
                    await store.set(f"{key}/{number}", b"", consistency=LEVELS[number % 2])
                    outcomes["done"] += 1
                except EtagereError as error:
                    outcomes[error.certainty] += 1

            for _ in range(5):
                async with anyio.create_task_group() as tasks:
                    for number in range(100):
                        tasks.start_soon(use, number)
            assert sum(outcomes.values()) == 500
            async with target.open() as other:
                await self.is_healthy(other, key)
            with anyio.fail_after(30):
                while True:
                    try:
                        await store.set(key, b"", timeout=10)
                        break
                    except EtagereError:
                        await anyio.sleep(0.01)

    async def is_healthy(self, store: Store, key: str) -> None:
        with anyio.fail_after(20):
            values = {f"{key}/after{n}": b"%d" % n for n in range(50)}
            etags = await store.set_many(values)
            items = await store.get_many(values, consistency="strong")
            assert items == [
                Item(name, value, str(etag))
                for (name, value), etag in zip(values.items(), etags, strict=True)
            ]
            await store.ping()

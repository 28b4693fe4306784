"""What only asyncio has: `Task.cancel`, `wait_for`, and futures that are cancelled on their own."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import anyio
import pytest

from etagere import OutcomeUnknown, Store
from etagere.operations import Operation, Outcome
from tests.conftest import ALL_LOOPS
from tests.core.scripted import ScriptedBackend, answer, hang, raising

pytestmark = pytest.mark.anyio


@pytest.fixture(scope="module", params=ALL_LOOPS[:2])
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return request.param


async def works(store: Store, key: str) -> None:
    async with asyncio.timeout(10):
        etag = await store.set(key, b"v")
        item = await store.get(key)
    assert item is not None
    assert (item.key, item.etag) == (key, etag)


async def test_a_caller_that_is_cancelled_natively_harms_nobody() -> None:
    backend = ScriptedBackend()
    async with Store(backend) as store:
        for steps in range(20):
            doomed = asyncio.create_task(store.set(f"doomed{steps}", b""))
            neighbour = asyncio.create_task(works(store, f"neighbour{steps}"))
            for _ in range(steps):
                await asyncio.sleep(0)
            doomed.cancel()
            await asyncio.gather(doomed, return_exceptions=True)
            await neighbour
            await works(store, f"after{steps}")
    assert backend.crowds_cancelled == 0


async def test_wait_for_leaves_the_batch_alone() -> None:
    backend = ScriptedBackend()
    backend.close_gate()
    async with Store(backend) as store:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(store.set_many({"k": b"v", "l": b"v"}), 0.02)
        backend.gate.set()
        assert await store.get("k") is not None
    assert backend.cancelled == 0


@pytest.mark.parametrize("timeout", [None, 5.0, 60.0])
async def test_a_future_that_a_driver_cancels_does_not_end_a_lane(timeout: float | None) -> None:
    backend = ScriptedBackend(raising(asyncio.CancelledError()))
    async with Store(backend) as store:
        async with asyncio.timeout(10):
            with pytest.raises(OutcomeUnknown, match="failed: CancelledError"):
                await store.set("k", b"v", timeout=timeout)
        await works(store, "k")


async def test_nor_in_a_backend_without_lanes() -> None:
    backend = ScriptedBackend(raising(asyncio.CancelledError()), batching=None)
    async with Store(backend) as store:
        with pytest.raises(OutcomeUnknown, match="failed: CancelledError"):
            await store.set("k", b"v")
        await works(store, "k")


async def test_a_backend_without_lanes_can_be_cancelled() -> None:
    backend = ScriptedBackend(hang, batching=None)
    async with Store(backend) as store:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(store.set("k", b"v"), 0.02)
        await works(store, "k")
    assert backend.cancelled == 1


async def test_closing_while_the_task_is_cancelled_again_and_again() -> None:
    backend = ScriptedBackend()
    backend.close_gate()

    async def use() -> None:
        async with Store(backend) as store:
            calls.append(asyncio.create_task(store.set("k", b"v")))
            await asyncio.sleep(3600)

    calls: list[asyncio.Task[str]] = []
    user = asyncio.create_task(use())
    await backend.left(1)
    for _ in range(3):
        user.cancel()
        for _ in range(5):
            await asyncio.sleep(0)
    backend.gate.set()
    with pytest.raises(asyncio.CancelledError):
        await user
    assert isinstance(await calls[0], str)
    assert backend.lives == ["open", "close"]
    assert backend.cancelled == 0


def test_an_interrupted_program_closes_its_store() -> None:
    backend: ScriptedBackend

    async def slow(backend: Any, operations: Sequence[Operation]) -> Sequence[Outcome]:
        asyncio.get_running_loop().call_soon(main.cancel)
        await asyncio.sleep(0.05)
        return await answer(backend, operations)

    async def program() -> None:
        nonlocal backend, main
        main = asyncio.current_task()
        backend = ScriptedBackend(slow)
        async with Store(backend) as store:
            await store.set("k", b"v")

    main: Any = None
    with pytest.raises(asyncio.CancelledError):
        asyncio.run(program())
    assert backend.lives == ["open", "close"]
    assert backend.memory._records != {}


async def test_a_store_serves_tasks_of_any_origin() -> None:
    async with Store(ScriptedBackend()) as store, anyio.create_task_group() as tasks:
        tasks.start_soon(works, store, "anyio")
        async with asyncio.TaskGroup() as group:
            group.create_task(works(store, "asyncio"))
        await asyncio.gather(*(works(store, f"gathered{n}") for n in range(10)))

"""The order in which groups of tasks are cancelled: one and the same in all runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

import anyio
import pytest
from anyio._backends import _asyncio as backend

from etagere_sim.kernel.agenda import Agenda
from etagere_sim.kernel.loop import simulate

RUNS = 200
Seen = list[str]


async def leave_mark(seen: Seen, name: str) -> None:
    try:
        await anyio.sleep_forever()
    finally:
        seen.append(name)


async def flat(seen: Seen) -> None:
    async with anyio.create_task_group() as group:
        for number in range(12):
            group.start_soon(leave_mark, seen, f"{number}")
        await anyio.sleep(0.001)
        group.cancel_scope.cancel()


async def nested(seen: Seen) -> None:
    async def inner(name: str) -> None:
        async with anyio.create_task_group() as group:
            for number in range(4):
                group.start_soon(leave_mark, seen, f"{name}.{number}")

    async with anyio.create_task_group() as group:
        for number in range(5):
            group.start_soon(inner, f"{number}")
        await anyio.sleep(0.001)
        group.cancel_scope.cancel()


async def scopes(seen: Seen) -> None:
    async def scoped(name: str) -> None:
        with anyio.CancelScope(), anyio.move_on_after(5), anyio.CancelScope():
            await leave_mark(seen, name)

    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:
            for number in range(12):
                group.start_soon(scoped, f"{number}")
            await anyio.sleep(0.001)
            scope.cancel()


async def standard(seen: Seen) -> None:
    async def fail() -> None:
        await asyncio.sleep(0.001)
        raise LookupError

    try:
        async with asyncio.TaskGroup() as group:
            for number in range(12):
                group.create_task(leave_mark(seen, f"{number}"))
            group.create_task(fail())
    except* LookupError:
        pass


@pytest.mark.parametrize("work", [flat, nested, scopes, standard])
def test_cancellation_has_one_order(work: Callable[[Seen], Coroutine[None, None, None]]):
    orders = set()
    for _ in range(RUNS):
        seen: Seen = []
        simulate(Agenda(), work, seen)
        orders.add(tuple(seen))
    assert len(orders) == 1
    (order,) = orders
    assert len(order) == (20 if work is nested else 12)


def test_flat_groups_are_cancelled_in_the_order_of_their_tasks():
    for work in (flat, scopes, standard):
        seen: Seen = []
        simulate(Agenda(), work, seen)
        assert seen == [str(number) for number in range(12)]


def test_outside_nothing_is_changed():
    before = backend.CancelScope, backend.WorkerThread

    async def main() -> bool:
        return backend.CancelScope is not before[0]

    assert simulate(Agenda(), main)
    assert (backend.CancelScope, backend.WorkerThread) == before

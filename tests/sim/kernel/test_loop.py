"""asyncio and anyio in virtual time."""

from __future__ import annotations

import asyncio
import threading
import time

import anyio
import anyio.to_thread
import pytest

from etagere_sim.kernel.agenda import Agenda, Deadlock
from etagere_sim.kernel.choosers import AtRandom
from etagere_sim.kernel.loop import simulate
from etagere_sim.kernel.streams import stream


def test_an_hour_passes_in_no_time():
    async def main() -> float:
        await anyio.sleep(3600)
        return anyio.current_time()

    agenda = Agenda()
    started = time.process_time()
    assert simulate(agenda, main) == 3600.0
    assert agenda.now == 3_600_000.0
    assert time.process_time() - started < 60


def test_it_is_the_agendas_time():
    async def main() -> list[float]:
        agenda.after(1500.0, "", lambda _: event.set())
        await event.wait()
        return [anyio.current_time(), agenda.now]

    agenda, event = Agenda(), asyncio.Event()
    assert simulate(agenda, main) == [1.5, 1500.0]


def test_timeouts_and_cancellation_are_anyios():
    async def main() -> tuple[bool, float]:
        with anyio.move_on_after(0.25) as scope:
            await anyio.sleep_forever()
        return scope.cancelled_caught, anyio.current_time()

    assert simulate(Agenda(), main) == (True, 0.25)


@pytest.mark.parametrize("seed", range(200))
def test_a_timer_is_never_early_by_a_rounding(seed):
    async def main() -> None:
        await anyio.sleep(begin)
        with anyio.move_on_after(span):
            await anyio.sleep_forever()

    random = stream(seed, "timers")
    begin, span = random.uniform(0, 0.02), random.uniform(0, 0.008)
    agenda = Agenda()
    simulate(agenda, main)
    assert agenda.steps < 50


def test_errors_come_out_of_it():
    async def main() -> None:
        raise LookupError("as outside")

    with pytest.raises(LookupError, match="as outside"):
        simulate(Agenda(), main)


def test_a_deadlock_says_who_waits_for_what():
    async def main() -> None:
        event = anyio.Event()
        async with anyio.create_task_group() as group:
            group.start_soon(event.wait, name="the waiter")
            await anyio.sleep(0.002)

    with pytest.raises(Deadlock) as caught:
        simulate(Agenda(), main)
    assert "at 2 ms nothing is left" in str(caught.value)
    assert "the waiter waits in" in str(caught.value)
    assert "Event.wait, line" in str(caught.value)


def test_a_loop_that_is_closed_bears_no_witness():
    async def main() -> None: ...

    agenda = Agenda()
    simulate(agenda, main)
    assert agenda.witnesses == []


def test_anyio_gets_no_thread():
    async def main() -> None:
        await anyio.to_thread.run_sync(time.sleep, 0)

    before = threading.active_count()
    with pytest.raises(RuntimeError, match="no threads in a simulation"):
        simulate(Agenda(), main)
    assert threading.active_count() == before


def test_asyncio_gets_no_thread():
    async def main() -> None:
        await asyncio.to_thread(time.sleep, 0)

    with pytest.raises(RuntimeError, match="no threads in a simulation"):
        simulate(Agenda(), main)


def test_no_thread_gets_in():
    async def main() -> list[str]:
        loop, errors = asyncio.get_running_loop(), []

        def intrude() -> None:
            try:
                loop.call_soon_threadsafe(errors.append, "got in")
            except RuntimeError as error:
                errors.append(str(error))

        thread = threading.Thread(target=intrude)
        thread.start()
        thread.join()
        await anyio.sleep(1)
        return errors

    assert simulate(Agenda(), main) == [
        "there are no threads in a simulation: await what takes virtual time"
    ]


def test_outside_threads_are_allowed_again():
    async def main() -> None: ...

    async def outside() -> int:
        return await anyio.to_thread.run_sync(threading.get_ident)

    simulate(Agenda(), main)
    assert anyio.run(outside) != threading.get_ident()


def test_a_chooser_gives_each_seed_its_own_order():
    async def main() -> list[int]:
        seen: list[int] = []

        async def tell(number: int) -> None:
            await anyio.sleep(0.001)
            seen.append(number)

        async with anyio.create_task_group() as group:
            for number in range(6):
                group.start_soon(tell, number)
        return seen

    orders = [
        tuple(simulate(Agenda(AtRandom(stream(seed, "order"))), main)) for seed in [*range(30)] * 2
    ]
    assert len(set(orders)) > 20
    assert orders[:30] == orders[30:]


def test_tasks_are_named_by_their_number_in_the_loop():
    async def main() -> list[str]:
        tasks = [asyncio.create_task(anyio.sleep(0)) for _ in range(2)]
        return [task.get_name() for task in tasks]

    assert simulate(Agenda(), main) == simulate(Agenda(), main) == ["task 2", "task 3"]

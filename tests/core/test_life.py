"""`Store`: opening, housekeeping, closing."""

from __future__ import annotations

import gc
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import anyio
import pytest

from etagere import (
    Batching,
    Closed,
    InvalidArgument,
    OutcomeUnknown,
    Set,
    Store,
    StoreFailed,
    TypedStore,
    Unavailable,
    engine,
)
from etagere.memory import MemoryBackend
from tests.core.calls import SOON, Calls, a_moment, until
from tests.core.scripted import ScriptedBackend, hang, refuse

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("any_loop")]


class TestOpening:
    async def test_a_database_that_is_down_does_not_stop_it(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Down(ScriptedBackend):
            async def open(self) -> None:
                raise Unavailable("connection refused")

        backend = Down(refuse, refuse, refuse, refuse)
        async with Store(backend) as store:
            with pytest.raises(Unavailable, match="connection refused"):
                await store.get("k")
            await store.set("k", b"")
        assert "Down is not available yet: connection refused" in caplog.text

    async def test_a_database_that_does_not_answer_does_not_stop_it(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        class Slow(ScriptedBackend):
            async def open(self) -> None:
                await anyio.sleep_forever()

        async with Store(Slow(), timeout=0.05) as store:
            await store.set("k", b"")
        assert "Slow is not available yet" in caplog.text

    async def test_a_backend_that_cannot_open_at_all_is_closed(self) -> None:
        class Broken(ScriptedBackend):
            async def open(self) -> None:
                raise StoreFailed("not a database")

        backend = Broken()
        with pytest.raises(StoreFailed, match="not a database"):
            async with Store(backend):
                pass
        assert backend.lives == ["close"]

    @pytest.mark.parametrize("batching", [None, Batching()])
    async def test_it_opens_only_once(self, batching: Batching | None) -> None:
        backend = ScriptedBackend(batching=batching)
        store = Store(backend)
        async with store:
            with pytest.raises(Closed, match="open another one"):
                async with store:
                    pass
            await store.set("k", b"")
        with pytest.raises(Closed, match="open another one"):
            async with store:
                pass
        assert backend.lives == ["open", "close"]

    async def test_a_backend_that_does_not_close(
        self, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        class Clinging(ScriptedBackend):
            async def close(self) -> None:
                await anyio.sleep_forever()

        monkeypatch.setattr(engine, "CLOSING_SECONDS", 0.02)
        async with Store(Clinging()):
            pass
        assert "Clinging did not close in time" in caplog.text

    @pytest.mark.parametrize("timeout", [0, -1, float("nan")])
    async def test_a_timeout_is_more_than_nothing(self, timeout: float) -> None:
        with pytest.raises(InvalidArgument, match="a timeout is more than 0 seconds"):
            Store(ScriptedBackend(), timeout=timeout)

    @pytest.mark.parametrize("batching", [None, Batching()])
    @pytest.mark.parametrize("timeout", [0, -1, float("nan")])
    async def test_so_is_that_of_a_call(self, batching: Batching | None, timeout: float) -> None:
        async with Store(ScriptedBackend(batching=batching)) as store:
            for call in (
                lambda: store.get("k", timeout=timeout),
                lambda: store.set_many({"k": b""}, timeout=timeout),
                lambda: store.ping(timeout=timeout),
            ):
                with pytest.raises(InvalidArgument, match="a timeout is more than 0 seconds"):
                    await call()

    async def test_a_typed_view_is_a_view(self, store: Store) -> None:
        view = store.typed(list[int])
        assert isinstance(view, TypedStore)
        assert view.store is store


class TestClosing:
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


class TestHousekeeping:
    async def test_goes_on_in_the_background(self, caplog: pytest.LogCaptureFixture) -> None:
        class Busy(ScriptedBackend):
            turns = 0

            async def maintain(self) -> float | None:
                self.turns += 1
                if self.turns == 3:
                    done.set()
                    return None
                return 0.001

        done = anyio.Event()
        backend = Busy()
        async with Store(backend):
            with anyio.fail_after(10):
                await done.wait()
        assert backend.turns == 3

    @pytest.mark.parametrize(
        ("error", "said"),
        [
            (Unavailable("down"), "housekeeping did not work, and will be tried again: down"),
            (ZeroDivisionError("bug"), "housekeeping failed"),
        ],
    )
    async def test_failures_are_logged_and_tried_again(
        self,
        error: Exception,
        said: str,
        caplog: pytest.LogCaptureFixture,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        class Unlucky(ScriptedBackend):
            turns = 0

            async def maintain(self) -> float | None:
                self.turns += 1
                if self.turns == 2:
                    done.set()
                    return None
                raise error

        done = anyio.Event()
        monkeypatch.setattr(engine, "MAINTENANCE_RETRY_SECONDS", 0.001)
        with caplog.at_level(logging.INFO, logger="etagere"):
            async with Store(Unlucky()) as store:
                with anyio.fail_after(10):
                    await done.wait()
                await store.set("k", b"")
        assert said in caplog.text

    async def test_is_given_up_at_once_when_the_store_closes(self) -> None:
        class Long(ScriptedBackend):
            async def maintain(self) -> float | None:
                started.set()
                await anyio.sleep_forever()
                raise AssertionError

        started = anyio.Event()
        with anyio.fail_after(10):
            async with Store(Long()):
                await started.wait()


class TestMemory:
    """The reference backend has no lanes: each call goes straight to it."""

    @pytest.fixture
    async def store(self) -> AsyncIterator[Store]:
        async with Store(MemoryBackend()) as store:
            yield store

    async def test_bulk_and_single(self, store: Store) -> None:
        etags = await store.set_many({"a": b"1", "b": b"2"}, timeout=5)
        assert [item and item.etag for item in await store.get_many(["a", "b"])] == etags
        assert await store.delete("a", timeout=5) is True
        await store.ping()

    async def test_forgets_everything_on_closing(self) -> None:
        backend = MemoryBackend()
        async with Store(backend) as store:
            await store.set("k", b"")
        assert backend._records == {}

    async def test_a_loop_of_calls_can_be_cancelled(self, store: Store) -> None:
        with anyio.move_on_after(0.01) as scope:
            for _ in range(20_000):
                await store.set("k", b"")
        assert scope.cancelled_caught

    async def test_neighbours_get_their_turn(self, store: Store) -> None:
        turns = []

        async def use(name: str) -> None:
            for _ in range(3):
                await store.set("k", b"")
                turns.append(name)

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(use, "a")
            tasks.start_soon(use, "b")
        assert turns not in ([*"aaabbb"], [*"bbbaaa"])


async def test_no_reference_cycle_keeps_a_closed_store() -> None:
    gc.collect()
    async with Store(ScriptedBackend()) as store:
        await store.set("k", b"")
    assert store._engine._flights is None

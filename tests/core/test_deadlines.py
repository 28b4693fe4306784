"""Deadlines: of the store and of single calls, of what was sent and of what was not."""

from __future__ import annotations

from typing import Any

import anyio
import pytest

from etagere import Batching, Certainty, ETagMismatch, OutcomeUnknown, Store, Unavailable
from tests.core.calls import SOON, Calls, a_moment, until
from tests.core.scripted import ScriptedBackend, hang

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("any_loop")]


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

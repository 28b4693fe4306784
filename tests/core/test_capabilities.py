"""`Store`: what a backend does not offer, and backends that misbehave."""

from __future__ import annotations

from typing import Any

import pytest

from etagere import (
    KEEP,
    Capabilities,
    Clock,
    Consistency,
    Delete,
    Feature,
    InvalidArgument,
    NotReplicated,
    NotSupported,
    OutcomeUnknown,
    Reach,
    Set,
    Store,
    TooLarge,
    TransactionScope,
    Unavailable,
)
from etagere.operations import Read, Record
from tests.core.scripted import ScriptedBackend, answering, raising

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("any_loop")]


ANY_LOOP = frozenset({"asyncio", "trio"})


POOR = Capabilities(why_not_strong="add replicas to the URL", durable=False, event_loops=ANY_LOOP)
UNCONDITIONAL = Capabilities(
    conditional=False, touching=False, clock=Clock.SERVER, event_loops=ANY_LOOP
)


class TestCapabilities:
    async def test_what_is_not_offered_is_refused(self) -> None:
        backend = ScriptedBackend(capabilities=POOR)
        async with Store(backend) as store:
            assert store.capabilities is POOR
            await store.set("k", b"")
            await store.set("k", b"", ttl=KEEP)
            await store.touch("k", None)
            sent = len(backend.batches)
            for call, message in [
                (store.get("k", consistency="strong"), "strong consistency: add replicas"),
                (store.set("k", b"", consistency="strong"), "strong consistency: add replicas"),
                (store.set("k", b"", ttl=5), "keys that expire"),
                (store.touch("k", 5), "keys that expire"),
                (store.transact([Set("k", b"")]), "transactions"),
                (anext(store.keys()), "listing keys"),
                (store.delete_prefix("k"), "listing keys"),
                (anext(store.items()), "listing keys"),
            ]:
                with pytest.raises(NotSupported, match=f"does not offer {message}"):
                    await call
            assert len(backend.batches) == sent

    async def test_a_condition_is_refused_where_it_cannot_be_kept(self) -> None:
        backend = ScriptedBackend(capabilities=UNCONDITIONAL)
        async with Store(backend) as store:
            await store.set("k", b"")
            await store.delete("k")
            sent = len(backend.batches)
            for call, message in [
                (store.set("k", b"", etag="e"), "writing on a condition"),
                (store.set("k", b"", concurrency="first-write"), "writing on a condition"),
                (store.set_many([Set("k", b"", etag="e")]), "writing on a condition"),
                (store.delete("k", etag="e"), "writing on a condition"),
                (store.update("k", lambda _: b""), "writing on a condition"),
                (store.touch("k", 5), "to change only when a key expires"),
                (store.touch("k", None), "to change only when a key expires"),
            ]:
                with pytest.raises(NotSupported, match=f"does not offer {message}"):
                    await call
            assert not [
                each
                for batch in backend.batches[sent:]
                for each in batch
                if not isinstance(each, Read)
            ]

    async def test_update_and_settle_do_without_strong(self) -> None:
        backend = ScriptedBackend(capabilities=POOR)
        async with Store(backend) as store:
            await store.update("k", lambda _: b"v")
        assert set(backend.levels) == {Consistency.EVENTUAL}

    async def test_require_names_what_is_missing(self) -> None:
        backend = ScriptedBackend(capabilities=POOR)
        wanted = ["ttl", Feature.STRONG, "listing"]
        with pytest.raises(NotSupported) as raised:
            async with Store(backend, require=wanted):
                pass
        assert str(raised.value) == (
            "ScriptedBackend does not offer strong, ttl, listing here (add replicas to the URL)"
        )
        assert backend.lives == []

    async def test_a_reason_is_given_only_for_what_is_missing(self) -> None:
        with pytest.raises(NotSupported) as raised:
            async with Store(ScriptedBackend(capabilities=POOR), require=["ttl"]):
                pass
        assert str(raised.value) == "ScriptedBackend does not offer ttl here"

    async def test_require_looks_again_once_the_database_answers(self) -> None:
        class Disappointing(ScriptedBackend):
            async def ping(self) -> None:
                self.capabilities = POOR

        backend = Disappointing()
        with pytest.raises(NotSupported, match="does not offer strong here"):
            async with Store(backend, require={"strong"}):
                pass
        assert backend.lives == ["open", "close"]
        async with Store(Disappointing(), require={"durable"} - {"durable"}) as store:
            assert store.capabilities.strong

    async def test_require_needs_an_answer(self) -> None:
        class Down(ScriptedBackend):
            async def ping(self) -> None:
                raise Unavailable("connection refused")

        backend = Down()
        with pytest.raises(Unavailable, match="the store did not answer: connection refused"):
            async with Store(backend, require={"strong"}):
                pass
        assert backend.lives == ["open", "close"]

    async def test_an_unknown_feature_lists_the_known_ones(self) -> None:
        with pytest.raises(InvalidArgument, match="no feature 'speed' to require; there are cond"):
            async with Store(ScriptedBackend(), require=["speed"]):
                pass

    async def test_what_is_met_opens(self) -> None:
        async with Store(ScriptedBackend(), require=Feature) as store:
            assert store.capabilities.features() == frozenset(Feature)

    async def test_limits_can_narrow_on_opening(self) -> None:
        class Narrowing(ScriptedBackend):
            async def open(self) -> None:
                self.capabilities = Capabilities(max_key_bytes=2, event_loops=ANY_LOOP)

        async with Store(Narrowing()) as store:
            with pytest.raises(TooLarge):
                await store.get("kkk")

    async def test_an_event_loop_that_the_backend_does_not_know(self) -> None:
        other = Capabilities(event_loops=frozenset({"curio", "twisted"}))
        backend = ScriptedBackend(capabilities=other)
        with pytest.raises(NotSupported, match="ScriptedBackend runs on curio, twisted, not "):
            async with Store(backend):
                pass
        assert backend.lives == []


class TestBackendsThatMisbehave:
    @pytest.mark.parametrize("nonsense", [None, False, Record(b"", "e"), (True,), 7])
    async def test_no_outcome_that_makes_no_sense_passes_for_a_success(
        self, backend: ScriptedBackend, store: Store, nonsense: Any
    ) -> None:
        backend.script.append(answering(nonsense))
        with pytest.raises(OutcomeUnknown, match=r"'k' .* makes no sense"):
            await store.set("k", b"")
        backend.script.append(answering(nonsense))
        (result,) = await store.set_many({"k": b""})
        assert isinstance(result, OutcomeUnknown)

    @pytest.mark.parametrize("nonsense", [True, False, (True,), 7])
    async def test_nor_in_reads(
        self, backend: ScriptedBackend, store: Store, nonsense: Any
    ) -> None:
        backend.script.append(answering(nonsense))
        with pytest.raises(Unavailable, match=r"'k' .* makes no sense"):
            await store.get("k")
        backend.script.append(answering(nonsense))
        (result,) = await store.get_many(["k"])
        assert isinstance(result, Unavailable)

    @pytest.mark.parametrize("nonsense", [None, (True,), Record(b"", "e")])
    async def test_nor_in_deletes(
        self, backend: ScriptedBackend, store: Store, nonsense: Any
    ) -> None:
        for call in (lambda: store.delete("k"), lambda: store.touch("k", 5)):
            backend.script.append(answering(nonsense))
            with pytest.raises(OutcomeUnknown, match=r"'k' .* makes no sense"):
                await call()
        backend.script.append(answering(nonsense))
        (result,) = await store.delete_many(["k"])
        assert isinstance(result, OutcomeUnknown)

    @pytest.mark.parametrize("nonsense", [None, True, (True,), (True, True, True)])
    async def test_nor_in_transactions(
        self, backend: ScriptedBackend, store: Store, nonsense: Any
    ) -> None:
        backend.script.append(answering(nonsense))
        with pytest.raises(OutcomeUnknown, match=r"'k' and 1 more .* makes no sense"):
            await store.transact([Set("k", b""), Delete("x")])

    async def test_an_error_for_one_operation_is_raised_as_it_is(
        self, backend: ScriptedBackend, store: Store
    ) -> None:
        error = NotReplicated("k", "e", "0 of 2 replicas")
        backend.script.append(answering(error))
        with pytest.raises(NotReplicated, match="0 of 2 replicas"):
            await store.set("k", b"", consistency="strong")
        backend.script.append(answering(NotSupported("keys in different slots")))
        with pytest.raises(NotSupported, match="different slots"):
            await store.transact([Set("k", b"")])


async def test_unexpected_errors_become_ours(store: Store, backend: ScriptedBackend) -> None:
    backend.script.extend([raising(KeyError("k"))] * 4)
    with pytest.raises(Unavailable, match="ScriptedBackend failed"):
        await store.get("k")


def test_capabilities_are_values() -> None:
    assert POOR.features() == {Feature.CONDITIONAL}
    assert UNCONDITIONAL.features() == {Feature.TTL, Feature.DURABLE}
    assert POOR.missing(["durable", "ttl"]) == [Feature.TTL, Feature.DURABLE]
    full = Capabilities(
        reach=Reach.ALWAYS, transactions=TransactionScope.SAME_SLOT, clock=Clock.SERVER
    )
    assert full.features() == {
        Feature.CONDITIONAL,
        Feature.TOUCH,
        Feature.STRONG,
        Feature.STRONG_ACROSS_FAILOVER,
        Feature.TRANSACTIONS,
        Feature.TTL,
        Feature.DURABLE,
    }

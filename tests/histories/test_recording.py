"""What clients and backends do is what their history says."""

from __future__ import annotations

import threading
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import anyio
import pytest
from msgspec.structs import replace

from etagere import (
    KEEP,
    Delete,
    ETagMismatch,
    InvalidArgument,
    NotReplicated,
    OutcomeUnknown,
    Set,
    Store,
    Unavailable,
)
from etagere.backend import ETagOrigin
from etagere.errors import Interrupted
from etagere.histories.files import load_history
from etagere.histories.history import NEVER, Call, Kind, Status
from etagere.histories.identities import session_of, value_identity
from etagere.histories.recorded import RecordedStore
from etagere.histories.recording import Recorder
from etagere.histories.sessions import check_sessions
from etagere.histories.verdicts import Answer
from etagere.histories.versioned import check_versioned
from etagere.layers.recording import Recording
from etagere.memory import MemoryBackend
from etagere.operations import Consistency, Read, Record, Remove, Stored, Transaction, Write
from tests.core.scripted import (
    ScriptedBackend,
    answer,
    answering,
    fail,
    hang,
    lose,
    overtaken,
    refuse,
    vanish,
)

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("any_loop")]

EVENTUAL = Consistency.EVENTUAL


def calls_of(recorder: Recorder) -> list[Call]:
    return list(recorder.history().calls)


def last(recorder: Recorder) -> Call:
    return calls_of(recorder)[-1]


# --- clients ------------------------------------------------------------------------------------


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture
async def client(recorder: Recorder) -> AsyncIterator[RecordedStore]:
    async with Store(MemoryBackend()) as store:
        yield recorder.client("c1", store)


class TestAClient:
    async def test_gets_and_sets(self, recorder: Recorder, client: RecordedStore) -> None:
        assert await client.get("k") is None
        etag = await client.set("k", b"v1", consistency="strong")
        item = await client.get("k")
        assert item is not None
        newer = await client.set("k", b"v2", etag=etag, ttl=30)
        with pytest.raises(ETagMismatch):
            await client.set("k", b"v3", etag=etag, ttl=KEEP)
        with pytest.raises(ETagMismatch):
            await client.set("k", b"v4", concurrency="first-write")
        common = {"client": "c1", "key": "k", "consistency": EVENTUAL}
        assert calls_of(recorder) == [
            Call(kind=Kind.GET, start=1, finish=2, status=Status.OK, found=False, **common),
            Call(
                kind=Kind.SET, start=3, finish=4, status=Status.OK, value="v1", etag=etag,
                client="c1", key="k", consistency=Consistency.STRONG,
            ),
            Call(
                kind=Kind.GET, start=5, finish=6, status=Status.OK, value="v1", etag=etag,
                found=True, **common,
            ),
            Call(
                kind=Kind.SET, start=7, finish=8, status=Status.OK, value="v2", etag=newer,
                expected=etag, ttl=30_000, **common,
            ),
            Call(
                kind=Kind.SET, start=9, finish=10, status=Status.MISMATCH, value="v3",
                expected=etag, actual=newer, ttl=0, **common,
            ),
            Call(
                kind=Kind.SET, start=11, finish=12, status=Status.MISMATCH, value="v4",
                expected="", actual=newer, **common,
            ),
        ]  # fmt: skip

    async def test_deletes_and_touches(self, recorder: Recorder, client: RecordedStore) -> None:
        etag = await client.set("k", b"v")
        assert await client.touch("k", 60, etag=etag) is True
        assert await client.delete("k", etag=etag) is True
        assert await client.delete("k") is False
        with pytest.raises(ETagMismatch):
            await client.delete("k", etag=etag)
        told = [
            (c.kind, c.status, c.found, c.expected, c.actual, c.ttl) for c in calls_of(recorder)[1:]
        ]
        assert told == [
            (Kind.TOUCH, Status.OK, True, etag, None, 60_000),
            (Kind.DELETE, Status.OK, True, etag, None, None),
            (Kind.DELETE, Status.OK, False, None, None, None),
            (Kind.DELETE, Status.MISMATCH, None, etag, "", None),
        ]

    async def test_transactions(self, recorder: Recorder, client: RecordedStore) -> None:
        etag, existed = await client.transact([Set("a", b"1"), Delete("b")])
        done = last(recorder)
        told = [(part.key, part.etag, part.found) for part in done.parts]
        assert told == [("a", etag, None), ("b", None, existed)]
        assert {(p.start, p.finish, p.status) for p in done.parts} == {(*done.span, Status.OK)}
        with pytest.raises(ETagMismatch):
            await client.transact([Set("b", b"2"), Set("a", b"3", concurrency="first-write")])
        conflict = last(recorder)
        assert (conflict.status, conflict.index) == (Status.MISMATCH, 1)
        assert [(p.status, p.actual) for p in conflict.parts] == [
            (Status.FAIL, None),
            (Status.MISMATCH, etag),
        ]
        assert await client.transact([]) == []
        assert last(recorder) == conflict

    async def test_many(self, recorder: Recorder, client: RecordedStore) -> None:
        etag = await client.set("a", b"0")
        one, other = await client.set_many([Set("a", b"1", etag=etag), Set("b", b"2", etag="old")])
        items = await client.get_many(iter(["a", "b"]))
        assert await client.delete_many(["a", Delete("b")]) == [True, False]
        assert isinstance(other, ETagMismatch)
        assert [item.value for item in items if not isinstance(item, Exception) and item] == [b"1"]
        told = [(c.kind, c.key, c.status, c.etag, c.found) for c in calls_of(recorder)[1:]]
        assert told == [
            (Kind.SET, "a", Status.OK, one, None),
            (Kind.SET, "b", Status.MISMATCH, None, None),
            (Kind.GET, "a", Status.OK, one, True),
            (Kind.GET, "b", Status.OK, None, False),
            (Kind.DELETE, "a", Status.OK, None, True),
            (Kind.DELETE, "b", Status.OK, None, False),
        ]
        assert await client.set_many({"c": b"3"}) == [last(recorder).etag]

    @pytest.mark.parametrize("key", ["", "a||b", "a\0b", "\ud800", 7])
    async def test_what_is_refused_had_no_effect(
        self, recorder: Recorder, client: RecordedStore, key: Any, tmp_path: Path
    ) -> None:
        with pytest.raises(InvalidArgument):
            await client.set(key, b"v")
        assert last(recorder).status is Status.FAIL
        with Recorder(tmp_path / "run.jsonl") as on_disk, pytest.raises(InvalidArgument):
            await on_disk.client("c1", client._store).get(key)
        (call,) = load_history(tmp_path / "run.jsonl").calls
        assert call.status is Status.FAIL

    async def test_calls_of_several_clients_are_concurrent(self, recorder: Recorder) -> None:
        backend = ScriptedBackend()
        backend.close_gate()
        async with Store(backend) as store, anyio.create_task_group() as tasks:
            for name in ("c1", "c2"):
                tasks.start_soon(recorder.client(name, store).get, "k")
            await backend.left(1)
            backend.gate.set()
        one, other = calls_of(recorder)
        assert one.start < other.finish
        assert other.start < one.finish


class TestWhatIsNotAnswered:
    async def test_a_lost_answer(self, recorder: Recorder) -> None:
        backend = ScriptedBackend(lose, vanish, vanish, vanish)
        async with Store(backend) as store:
            client = recorder.client("c1", store)
            with pytest.raises(OutcomeUnknown) as failure:
                await client.set("k", b"v")
            await client.get("k")
        unknown, read = calls_of(recorder)
        assert (unknown.status, unknown.finish) == (Status.INFO, NEVER)
        assert unknown.etag == failure.value.etag == read.etag
        assert (unknown.client, read.client) == ("c1", "c1~2")
        assert session_of(read.client) == "c1"

    async def test_a_cancelled_call(self, recorder: Recorder) -> None:
        backend = ScriptedBackend(hang)
        async with Store(backend, timeout=0.5) as store:
            client = recorder.client("c1", store)
            async with anyio.create_task_group() as tasks:
                tasks.start_soon(client.set, "k", b"v")
                await backend.left(1)
                tasks.cancel_scope.cancel()
            backend.gate.set()
            call = last(recorder)
            assert (call.status, call.finish, call.value) == (Status.INFO, NEVER, "v")
            with anyio.move_on_after(0):
                await client.set_many({"a": b"1", "b": b"2"})
        assert [c.status for c in calls_of(recorder)[1:]] == [Status.INFO, Status.INFO]
        assert recorder.client_of("c1") == "c1~3"

    @pytest.mark.parametrize("act", [refuse, fail])
    async def test_what_was_not_applied(self, recorder: Recorder, act: Any) -> None:
        async with Store(ScriptedBackend(*[act] * 8)) as store:
            client = recorder.client("c1", store)
            for call in (client.set("k", b"v"), client.get("k")):
                with pytest.raises(Exception, match="was not"):
                    await call
        assert {call.status for call in calls_of(recorder)} == {Status.FAIL}
        assert recorder.client_of("c1") == "c1"

    async def test_a_write_that_a_failover_may_lose(self, recorder: Recorder) -> None:
        late = answering(NotReplicated("k", None, "one replica of two"))
        async with Store(ScriptedBackend(late)) as store:
            with pytest.raises(NotReplicated) as failure:
                await recorder.client("c1", store).set("k", b"v", consistency="strong")
        call = last(recorder)
        assert (call.status, call.etag) == (Status.INFO, failure.value.etag)

    async def test_an_etag_that_the_database_would_have_made_up(self, recorder: Recorder) -> None:
        capabilities = replace(MemoryBackend.capabilities, etags=ETagOrigin.SERVER)
        async with Store(ScriptedBackend(*[vanish] * 9, capabilities=capabilities)) as store:
            with pytest.raises(OutcomeUnknown):
                await recorder.client("c1", store).set("k", b"v")
        assert (last(recorder).status, last(recorder).etag) == (Status.INFO, None)


class TestAForeignClient:
    def test_says_how_it_went(self, recorder: Recorder) -> None:
        with recorder.calling("c1", "set", "k", value="v1", expected="") as call:
            call.ok(etag="e1")
        with recorder.calling("c1", Kind.GET, "k", consistency="eventual") as call:
            call.ok(etag="e1", value=b"v1")
        with recorder.calling("c1", "delete", "k", expected="e0") as call:
            call.mismatch(actual="e1")
        with recorder.calling("c1", "delete", "k") as call:
            call.fail()
        told = [(c.kind, c.status, c.etag, c.value, c.actual) for c in calls_of(recorder)]
        assert told == [
            (Kind.SET, Status.OK, "e1", "v1", None),
            (Kind.GET, Status.OK, "e1", "v1", None),
            (Kind.DELETE, Status.MISMATCH, None, None, "e1"),
            (Kind.DELETE, Status.FAIL, None, None, None),
        ]

    def test_that_says_nothing_leaves_it_unknown(self, recorder: Recorder) -> None:
        with recorder.calling("c1", "set", "k", value="v1"):
            pass
        with pytest.raises(ConnectionError), recorder.calling("c1", "set", "k", value="v2"):
            raise ConnectionError
        with pytest.raises(Unavailable), recorder.calling("c1", "set", "k", value="v3"):
            raise Unavailable("down")
        assert [(c.client, c.status) for c in calls_of(recorder)] == [
            ("c1", Status.INFO),
            ("c1~2", Status.INFO),
            ("c1~3", Status.FAIL),
        ]

    def test_an_answer_that_makes_no_sense(self, recorder: Recorder) -> None:
        with (
            recorder.calling("c1", "set", "k", value="v1") as call,
            pytest.raises(InvalidArgument, match="without a precondition"),
        ):
            call.mismatch()
        with recorder.calling("c1", "delete", "k") as call:
            call.ok(found=True)
            with pytest.raises(InvalidArgument, match="answered already"):
                call.fail()
        with pytest.raises(InvalidArgument, match="a get has a key"):
            recorder.calling("c1", "get", "")
        # A mistake in telling says nothing of the effect, and takes back nothing.
        assert [c.status for c in calls_of(recorder)] == [Status.INFO, Status.OK]

    def test_in_threads(self, recorder: Recorder, tmp_path: Path) -> None:
        path = tmp_path / "run.jsonl"

        def work(name: str) -> None:
            for number in range(200):
                with on_disk.calling(name, "set", "k", value=f"{name}-{number}") as call:
                    call.ok(etag=f"{name}-{number}")

        with Recorder(path) as on_disk:
            threads = [threading.Thread(target=work, args=(f"t{n}",)) for n in range(4)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()
        history = load_history(path)
        assert list(history.calls) == calls_of(on_disk)
        assert len(history.calls) == 800


# --- the layer ----------------------------------------------------------------------------------


class TestTheLayer:
    async def run(self, recorder: Recorder, *script: Any) -> Store:
        return Store(Recording(ScriptedBackend(*script), recorder))

    async def test_every_kind_of_operation(self, recorder: Recorder) -> None:
        async with await self.run(recorder) as store:
            await store.get("k")
            etag = await store.set("k", b"v", consistency="strong", ttl=5)
            await store.get("k")
            with pytest.raises(ETagMismatch):
                await store.delete("k", etag="old")
            await store.touch("k", None)
            await store.transact([Set("a", b"1"), Delete("k")])
            await store.delete("k")
        told = [
            (c.kind, c.status, c.etag, c.value, c.found, c.expected, c.actual, c.ttl)
            for c in calls_of(recorder)
        ]
        assert told == [
            (Kind.GET, Status.OK, None, None, False, None, None, None),
            (Kind.SET, Status.OK, etag, "v", None, None, None, 5000),
            (Kind.GET, Status.OK, etag, "v", True, None, None, None),
            (Kind.DELETE, Status.MISMATCH, None, None, None, "old", etag, None),
            (Kind.TOUCH, Status.OK, None, None, True, None, None, None),
            (Kind.TRANSACTION, Status.OK, None, None, None, None, None, None),
            (Kind.DELETE, Status.OK, None, None, False, None, None, None),
        ]
        assert [(p.key, p.found) for p in calls_of(recorder)[5].parts] == [("a", None), ("k", True)]
        assert [c.consistency for c in calls_of(recorder)[:2]] == ["eventual", "strong"]

    async def test_a_client_is_what_does_one_thing_at_a_time(self, recorder: Recorder) -> None:
        async with await self.run(recorder) as store:
            await store.get_many(["a", "b", "c"])
            await store.get("d")
        clients = [call.client for call in calls_of(recorder)]
        assert sorted(clients[:3]) == ["store/1", "store/2", "store/3"]
        assert clients[3] in clients[:3]

    async def test_a_call_without_answer_keeps_its_client(self, recorder: Recorder) -> None:
        async with await self.run(recorder, vanish) as store:
            with pytest.raises(OutcomeUnknown):
                await store.delete("k")
            await store.get("k")
        assert [call.client for call in calls_of(recorder)] == ["store/1", "store/2"]

    async def test_a_conditional_write_that_is_sent_again_is_one_call(
        self, recorder: Recorder
    ) -> None:
        async with await self.run(recorder) as store:
            etag = await store.set("k", b"v1")
        recorder = Recorder()
        backend = ScriptedBackend(lose)
        await backend.memory.execute([Write("k", b"v1", etag)], EVENTUAL)
        async with Store(Recording(backend, recorder)) as store:
            newer = await store.set("k", b"v2", etag=etag)
        (call,) = calls_of(recorder)
        assert (call.status, call.etag, call.expected) == (Status.OK, newer, etag)
        assert len(backend.batches) == 2

    async def test_a_write_that_was_overwritten_meanwhile_stays_unknown(
        self, recorder: Recorder
    ) -> None:
        backend = ScriptedBackend(overtaken(lose, Write("k", b"x", "theirs")))
        await backend.memory.execute([Write("k", b"v1", "e1")], EVENTUAL)
        async with Store(Recording(backend, recorder)) as store:
            with pytest.raises(OutcomeUnknown):
                await store.set("k", b"v2", etag="e1")
        (call,) = calls_of(recorder)
        assert (call.status, call.finish) == (Status.INFO, NEVER)

    @pytest.mark.parametrize("act", [lose, vanish])
    async def test_a_blind_write_that_is_looked_for(self, recorder: Recorder, act: Any) -> None:
        async with await self.run(recorder, act) as store:
            try:
                etag = await store.set("k", b"v")
            except OutcomeUnknown as error:
                assert act is vanish
                etag = error.etag or ""
        (call,) = calls_of(recorder)
        assert call.status is (Status.OK if act is lose else Status.INFO)
        assert (call.etag, call.expected) == (etag, None)

    async def test_a_transaction_that_is_looked_for(self, recorder: Recorder) -> None:
        async with await self.run(recorder, lose) as store:
            one, other = await store.transact([Set("a", b"1"), Set("b", b"2")])
        (call,) = calls_of(recorder)
        assert (call.kind, call.status) == (Kind.TRANSACTION, Status.OK)
        assert [part.etag for part in call.parts] == [one, other]

    async def test_what_was_refused_and_sent_again_is_two_calls(self, recorder: Recorder) -> None:
        async with await self.run(recorder, refuse) as store:
            await store.set("k", b"v")
        assert [call.status for call in calls_of(recorder)] == [Status.FAIL, Status.OK]

    async def test_cancelled(self, recorder: Recorder) -> None:
        layer = Recording(ScriptedBackend(hang), recorder)
        with anyio.move_on_after(0.01):
            await layer.execute([Read("a"), Write("b", b"v", "e")], EVENTUAL)
        read, write = calls_of(recorder)
        assert read.status is write.status is Status.INFO
        assert write.etag == "e"

    @pytest.mark.parametrize(
        ("outcome", "status"),
        [
            (Interrupted("no answer"), Status.INFO),
            (NotReplicated("k", None, "late"), Status.INFO),
            (Unavailable("down"), Status.FAIL),
            (None, Status.INFO),
            (Record(b"v", "e"), Status.INFO),
        ],
    )
    async def test_outcomes_of_a_write(
        self, recorder: Recorder, outcome: Any, status: Status
    ) -> None:
        layer = Recording(ScriptedBackend(answering(outcome)), recorder)
        await layer.execute([Write("k", b"v", "e")], EVENTUAL)
        assert last(recorder).status is status

    async def test_etags_that_the_database_makes_up(self, recorder: Recorder) -> None:
        capabilities = replace(MemoryBackend.capabilities, etags=ETagOrigin.SERVER)
        one, lost = Write("k", b"v", "e"), Write("k", b"w", "f")
        backend = ScriptedBackend(
            answering(Stored("7")),
            vanish,
            answering((Stored("8"), True)),
            capabilities=capabilities,
        )
        layer = Recording(backend, recorder)
        await layer.execute([one], EVENTUAL)
        with pytest.raises(Interrupted):
            await layer.execute([lost], EVENTUAL)
        await layer.execute([Transaction((one, Remove("l")))], EVENTUAL)
        written, unanswered, transaction = calls_of(recorder)
        assert [written.etag, unanswered.etag] == ["7", None]
        assert [(part.etag, part.found) for part in transaction.parts] == [
            ("8", None),
            (None, True),
        ]

    async def test_too_few_outcomes(self, recorder: Recorder) -> None:
        layer = Recording(ScriptedBackend(answering(True)), recorder)
        await layer.execute([Write("a", b"v", "e"), Write("b", b"w", "f")], EVENTUAL)
        assert {call.status for call in calls_of(recorder)} == {Status.INFO}


# --- the recorder -------------------------------------------------------------------------------


async def test_a_file_has_what_the_memory_has(tmp_path: Path) -> None:
    path = tmp_path / "run.jsonl"
    with Recorder(path, initial=b"v0") as recorder:
        async with Store(Recording(MemoryBackend(), recorder)) as store:
            client = recorder.client("c1", store)
            await client.set("k", b"v")
            await client.get_many(["k", "l"])
        assert recorder.history().initial == "v0"
    assert list(load_history(path).calls) == calls_of(recorder)
    assert load_history(path).initial == "v0"


async def test_what_took_place_is_linearizable(tmp_path: Path) -> None:
    """Clients that lose answers race; both histories of the run check, from memory and disk."""
    seen, done = Recorder(tmp_path / "seen.jsonl"), Recorder(tmp_path / "done.jsonl")
    script = [lose if number % 7 == 3 else answer for number in range(200)]

    async def work(name: str) -> None:
        client = seen.client(name, store)
        for number in range(20):
            item = await client.get("k", consistency="strong")
            with suppress(ETagMismatch, OutcomeUnknown):
                await client.set(
                    "k",
                    f"{name}-{number}".encode(),
                    etag=item.etag if item and number % 2 else None,
                    consistency="strong",
                )

    store = Store(Recording(ScriptedBackend(*script), done))
    async with store, anyio.create_task_group() as tasks:
        for name in ("c1", "c2", "c3"):
            tasks.start_soon(work, name)
    for recorder, name in ((seen, "seen"), (done, "done")):
        recorder.close()
        loaded = load_history(tmp_path / f"{name}.jsonl")
        assert list(loaded.calls) == calls_of(recorder)
        assert check_versioned(loaded).findings == []
        assert check_versioned(loaded).answer is Answer.YES
    assert check_sessions(seen.history()).kept


async def test_without_memory(tmp_path: Path) -> None:
    with Recorder(tmp_path / "run.jsonl", keep=False) as recorder:
        async with Store(MemoryBackend()) as store:
            await recorder.client("c1", store).set("k", b"v")
    assert calls_of(recorder) == []
    assert len(load_history(tmp_path / "run.jsonl").calls) == 1


async def test_what_comes_after_the_end_is_not_in_the_file(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "run.jsonl")
    async with Store(MemoryBackend()) as store:
        with recorder.calling("c1", "get", "k") as call:
            recorder.close()
            call.ok(found=False)
        await recorder.client("c1", store).get("k")
    (unanswered,) = load_history(tmp_path / "run.jsonl").calls
    assert unanswered.status is Status.INFO
    assert len(calls_of(recorder)) == 2


async def test_another_tick() -> None:
    ticks = iter([100, 250, 300, 1000])
    recorder = Recorder(tick=lambda: next(ticks))
    for _ in range(2):
        with recorder.calling("c1", "get", "k") as call:
            call.ok(found=False)
    assert [call.span for call in calls_of(recorder)] == [(100, 250), (300, 1000)]


@pytest.mark.parametrize(
    ("value", "identity"),
    [
        (b"", ""),
        (b"v1", "v1"),
        ("ü".encode(), "ü"),
        (b"x" * 48, "x" * 48),
        (b"x" * 49, "blake2b:0a2ae4d8ba94491b102bc2c2a6889645"),
        (b"\xff", "blake2b:6da6440737d89ae8dded8ee4a1259bdd"),
    ],
)
def test_what_a_value_is_called(value: bytes, identity: str) -> None:
    assert value_identity(value) == identity


def test_no_value_can_pass_for_a_digest() -> None:
    digest = value_identity(b"x" * 100)
    assert value_identity(digest.encode()) not in (digest, value_identity(b"x" * 100))

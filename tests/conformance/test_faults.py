"""The clauses about faults: what they find, and what they do not blame."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import anyio
import pytest
from anyio import to_thread

from etagere import Certainty, Interrupted, OutcomeUnknown, Set
from etagere.conformance.clauses import REGISTRY
from etagere.conformance.faults import deeds
from etagere.conformance.faults.cancelled import CANCELLED, by_scope, by_task, ways
from etagere.conformance.faults.losing import losing
from etagere.conformance.hooks import Hooks
from etagere.conformance.lab import Lab
from etagere.conformance.results import Outcome, Result
from etagere.conformance.running import Run, Settings
from etagere.conformance.session import conduct
from etagere.conformance.subjects import Subject, subject_of_url
from tests.conformance.hooks import ReplicatedPostgresHooks, ServerHooks
from tests.servers import PostgresServer, ValkeyServer, postgres, valkey

SEED = 11
FAULTS = frozenset(name for name in REGISTRY if name.startswith("ETG-FAULT"))
PROXIED = frozenset(name for name in FAULTS if REGISTRY[name].proxied)


def hold(subject: Subject, *clauses: str) -> Run:
    """Hold a store to the clauses about faults, or to some."""
    return conduct([subject], Settings(seed=SEED, clauses=frozenset(clauses) or FAULTS))


def failures(run: Run) -> list[Result]:
    return [result for result in run.results if result.outcome is Outcome.FAILED]


def told(run: Run) -> str:
    return "\n".join(f"{each.clause} {each.variant}: {each.message}" for each in failures(run))


def clauses_of(run: Run) -> set[str]:
    return {result.clause for result in run.results}


def reasons(run: Run, *clauses: str) -> set[str]:
    return {each.reason for each in run.deselected if each.clause in clauses}


class PromotingHooks(Hooks):
    """Loses the primary, and makes one of its standbys the new one."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server

    async def kill_primary(self) -> None:
        await to_thread.run_sync(self._fail_over)

    def _fail_over(self) -> None:
        (standby,) = self._server.standbys
        self._server.kill()
        standby.promote()
        # Nobody is left who could confirm anything to it.
        standby.sql("ALTER SYSTEM SET synchronous_standby_names = ''")
        standby.sql("SELECT pg_reload_conf()")


class Blank:
    """A probe that finds nothing."""

    async def get(self, key: str) -> tuple[bytes, str] | None:
        return None


def blank(url: str) -> Blank:
    return Blank()


class TestSoundStores:
    def test_memory(self) -> None:
        run = hold(subject_of_url("memory://"))
        assert not failures(run), told(run)
        assert {result.variant for result in run.results} == {"asyncio", "trio"}
        (reason,) = reasons(run, *PROXIED)
        assert "its URL names no address of a server" in reason
        assert reasons(run, "ETG-FAULT-060") != set()
        assert reasons(run, "ETG-FAULT-070") == {"it needs a probe"}

    def test_redis(self) -> None:
        with valkey(appendonly=True) as server:
            run = hold(subject_of_url(f"{server.url}?acks=0", hooks=ServerHooks(server)))
        assert not failures(run), told(run)
        assert clauses_of(run) >= PROXIED | {"ETG-FAULT-060", "ETG-FAULT-061"}

    def test_postgresql(self) -> None:
        with postgres(durable=True) as server:
            url = server.database_url(server.create_database())
            run = hold(subject_of_url(url, hooks=ServerHooks(server)))
        assert not failures(run), told(run)
        assert clauses_of(run) >= PROXIED | {"ETG-FAULT-060", "ETG-FAULT-061"}

    def test_a_replica_that_is_paused(self) -> None:
        with postgres(standbys=2, sync="ANY 1 (s1, s2)") as server:
            standbys = ",".join(standby.address for standby in server.standbys)
            hooks = ReplicatedPostgresHooks(server)
            subject = subject_of_url(f"{server.url}?standbys={standbys}", hooks=hooks)
            run = hold(subject, "ETG-FAULT-065")
        assert not failures(run), told(run)
        assert clauses_of(run) == {"ETG-FAULT-065"}

    def test_a_primary_that_is_killed(self) -> None:
        with postgres(standbys=1, sync="ANY 1 (s1)") as server:
            (standby,) = server.standbys
            url = f"{server.url}?standbys={standby.address}&reads=primary"
            run = hold(subject_of_url(url, hooks=PromotingHooks(server)), "ETG-FAULT-062")
        assert not failures(run), told(run)
        assert clauses_of(run) == {"ETG-FAULT-062"}


@pytest.fixture(scope="module")
def server() -> Iterator[ValkeyServer]:
    with valkey() as server:
        yield server


class TestBrokenStores:
    @pytest.mark.parametrize(
        ("flaw", "clause"),
        [
            ("errors-are-conflicts", "ETG-FAULT-010"),
            ("lost-reply-is-not-applied", "ETG-FAULT-011"),
            ("lost-reply-is-not-applied", "ETG-FAULT-012"),
            ("retries-blindly", "ETG-FAULT-011"),
            ("never-reconnects", "ETG-FAULT-022"),
        ],
    )
    def test_behind_a_proxy(self, server: ValkeyServer, flaw: str, clause: str) -> None:
        url = f"broken://{server.host}:{server.port}/{flaw}?over=redis"
        (failed,) = failures(hold(subject_of_url(url), clause))
        assert failed.clause == clause
        assert failed.operations

    @pytest.mark.parametrize(
        ("flaw", "clause"),
        [
            ("conflict-with-itself", "ETG-FAULT-001"),
            ("cancelled-write-half-done", "ETG-FAULT-040"),
            ("replies-mixed-up", "ETG-FAULT-041"),
            ("connections-leak", "ETG-FAULT-043"),
        ],
    )
    def test_in_process(self, flaw: str, clause: str) -> None:
        failed = failures(hold(subject_of_url(f"broken://{flaw}"), clause))
        assert {each.variant for each in failed} == {"asyncio", "trio"}

    def test_a_probe_sees_through_a_lie(self) -> None:
        subject = subject_of_url("memory://", probe=blank)
        failed = failures(hold(subject, "ETG-FAULT-070", "ETG-FAULT-071"))
        assert {each.clause for each in failed} == {"ETG-FAULT-070", "ETG-FAULT-071"}


@pytest.mark.anyio
@pytest.mark.usefixtures("any_loop")
class TestMeans:
    """What the clauses are made of."""

    def lab(self, **options: Any) -> Lab:
        return Lab(subject_of_url("memory://", **options), "memory://", SEED)

    async def test_an_answer_is_lost_once_and_the_write_is_done(self) -> None:
        async with self.lab() as lab, losing(lab) as (store, layer):
            layer.lose_next()
            await store.set("a", b"1")
            assert layer.lost == 1
            layer.lose_if(lambda: True)
            with pytest.raises(OutcomeUnknown):
                await store.set("b", b"2")
            assert [item and item.value for item in [await lab.read("a"), await lab.read("b")]] == [
                b"1",
                b"2",
            ]

    async def test_a_deed_that_is_half_done_is_found(self) -> None:
        async with self.lab() as lab:
            deed = await deeds.transaction(lab, 0)
            replaced, *_ = deed.before
            await lab.store.set(replaced, deed.after[replaced] or b"")
            with pytest.raises(AssertionError, match="half behind"):
                await deeds.took_effect(lab, deed)

    @pytest.mark.parametrize("applied", [True, False])
    async def test_what_is_said_of_a_deed_is_checked(self, applied: bool) -> None:
        async with self.lab() as lab:
            deed = await deeds.blind_set(lab, 0)
            done = await deed.do(lab.store) if applied else "an etag"
            assert not isinstance(done, Interrupted)
            if applied:
                assert await deeds.check(lab, deed, done) is True
                with pytest.raises(AssertionError, match="not to be applied, and is"):
                    await deeds.check(lab, deed, deeds.EtagereError("nothing was written"))
            else:
                with pytest.raises(AssertionError, match="was said to be applied, and is not"):
                    await deeds.check(lab, deed, done)
            assert await deeds.check(lab, deed, CANCELLED) is applied

    async def test_a_new_value_under_an_old_etag_is_half_done(self) -> None:
        async with self.lab() as lab:
            deed = await deeds.blind_set(lab, 0)
            (request,), (item,) = deed.requests, deed.before.values()
            assert isinstance(request, Set)
            assert item is not None
            found: deeds.Items = {item.key: deeds.Item(item.key, request.value, item.etag)}
            assert not deeds.is_done(deed, found)

    async def test_calls_are_cancelled_at_the_moment_that_is_asked_for(self) -> None:
        ticks = 0

        async def tick(count: int) -> int:
            nonlocal ticks
            for _ in range(count):
                ticks += 1
                await anyio.lowlevel.checkpoint()
            return count

        for cancel in ways():
            ticks = 0
            assert await cancel(partial(tick, 1000), 5) is CANCELLED
            assert 1 <= ticks <= 10
            assert await cancel(partial(tick, 2), 0.2) == 2

    async def test_a_call_that_does_not_end_is_a_failure(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("etagere.conformance.faults.cancelled.AT_ONCE", 0.05)

        async def stubborn() -> None:
            with anyio.CancelScope(shield=True):
                await anyio.sleep(0.3)

        with pytest.raises(BaseExceptionGroup) as raised:
            await by_scope(stubborn, 1)
        assert raised.group_contains(AssertionError, match="has not ended")


@pytest.mark.anyio
async def test_a_task_that_does_not_end_is_a_failure(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("etagere.conformance.faults.cancelled.AT_ONCE", 0.05)
    released = anyio.Event()

    async def deaf() -> Certainty:
        try:
            await released.wait()
        except BaseException:
            with anyio.CancelScope(shield=True):
                await released.wait()
        return Certainty.UNKNOWN

    with pytest.raises(AssertionError, match="has not ended"):
        await by_task(deaf, 1)
    released.set()

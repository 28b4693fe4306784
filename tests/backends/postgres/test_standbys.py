"""A primary and two standbys: what strong buys, what eventual may miss, and who takes over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from itertools import count

import pytest

from etagere.backend import Feature, Reach
from etagere.errors import NotReplicated, NotSupported, Unavailable
from etagere.operations import ABSENT, Conflict, Mutation, Read, Remove, Touch, Transaction, Write
from etagere_postgres.replication import LOCAL
from tests.backends.postgres.support import (
    EVENTUAL,
    STRONG,
    connected,
    do,
    held,
    opened,
    until,
    value,
    write,
)
from tests.servers import PostgresServer, postgres, postgres_binaries, tcp_proxy

pytestmark = pytest.mark.anyio

tables = count(1)


@pytest.fixture(scope="module", params=list(postgres_binaries()) or [None])
def cluster(request: pytest.FixtureRequest) -> Iterator[PostgresServer]:
    """A primary whose commits wait for one of two standbys."""
    with postgres(standbys=2, sync="ANY 1 (s1, s2)", version=request.param) as primary:
        yield primary


@pytest.fixture
def url(cluster: PostgresServer) -> str:
    """The URL of the primary alone, with a table of the test's own."""
    return f"{cluster.url}?table=t{next(tables)}&ack_timeout=0.4"


def with_standbys(url: str, cluster: PostgresServer, how_many: int = 2) -> str:
    addresses = ",".join(standby.address for standby in cluster.standbys[:how_many])
    return f"{url}&standbys={addresses}"


@asynccontextmanager
async def paused(cluster: PostgresServer, how_many: int = 2) -> AsyncIterator[None]:
    """Let standbys show nothing new inside."""
    await replayed(cluster)
    chosen = cluster.standbys[:how_many]
    for standby in chosen:
        await asyncio.to_thread(standby.pause_replay)
    try:
        yield
    finally:
        for standby in chosen:
            await asyncio.to_thread(standby.resume_replay)


async def replayed(cluster: PostgresServer) -> None:
    """Return when the standbys show all that the primary has."""
    async with connected(cluster.url) as behind:
        now = await behind.fetchval("SELECT pg_current_wal_lsn()::text")
        behind_it = (
            "SELECT count(*) = 2 FROM pg_stat_replication WHERE replay_lsn >= $1::text::pg_lsn"
        )
        await until(lambda: behind.fetchval(behind_it, now), "the standbys to catch up")


# --- strong writes --------------------------------------------------------------------------------


async def test_a_quorum_makes_strong_reach_across_failover(url: str):
    async with opened(url) as backend:
        assert backend.capabilities.reach is Reach.FAILOVER
        assert Feature.STRONG_ACROSS_FAILOVER in backend.capabilities.features()
        # An eventual write needs no transaction to commit without the standbys.
        assert backend._cluster.guarantee(EVENTUAL) == LOCAL
        first = write("k", b"1")
        batch = [first, write("l", expected=ABSENT), Touch("m", 1000), Remove("n")]
        assert await backend.execute(batch, STRONG) == [True, True, False, False]
        assert await do(backend, write("k", b"2", expected=first.etag), STRONG) is True
        assert await do(backend, Transaction((Remove("k"), write("o"))), STRONG) == (True, True)


async def test_an_acknowledged_strong_write_shows_on_a_standby(url: str, cluster: PostgresServer):
    async with opened(with_standbys(url, cluster, 1)) as backend:
        async with paused(cluster, 0):
            pass
        # With the other standby out of the way, the one that is read has to have acknowledged.
        await asyncio.to_thread(cluster.standbys[1].pause_replay)
        try:
            for number in range(50):
                assert await do(backend, write("k", b"%d" % number), STRONG) is True
                assert await value(backend, "k", EVENTUAL) == b"%d" % number
        finally:
            await asyncio.to_thread(cluster.standbys[1].resume_replay)


async def test_without_acknowledgement_a_strong_write_is_not_replicated(
    url: str, cluster: PostgresServer
):
    async with opened(url) as backend:
        old = write("old")
        batch = [old, write("gone"), write("soon"), write("stays")]
        assert await backend.execute(batch, EVENTUAL) == [True] * 4
        async with paused(cluster):
            asked: list[Mutation] = [
                write("new", b"n", expected=ABSENT),
                write("old", b"o", expected=old.etag),
                write("stays", expected="wrong"),
                Remove("gone"),
                Remove("never"),
                Touch("soon", 60_000),
                Transaction((write("t"), Remove("none"))),
            ]
            began = time.monotonic()
            outcomes = await backend.execute(asked, STRONG)
            assert 0.3 < time.monotonic() - began < 2
            assert [type(outcome) for outcome in outcomes] == [
                NotReplicated,
                NotReplicated,
                Conflict,
                NotReplicated,
                bool,
                NotReplicated,
                NotReplicated,
            ]
            assert (outcomes[0].key, outcomes[0].etag) == ("new", asked[0].etag)
            assert "synchronous_standby_names" in str(outcomes[0])
            # It is in place, for readers of the primary.
            assert await value(backend, "new", STRONG) == b"n"
            assert await value(backend, "old", STRONG) == b"o"
            assert await value(backend, "gone", STRONG) is None
        assert await do(backend, write("new", b"again"), STRONG) is True


@pytest.mark.parametrize("expected", [None, ABSENT, "the one before"])
async def test_a_write_that_is_in_place_but_not_replicated_is_not_a_success(
    url: str, cluster: PostgresServer, expected: str | None
):
    async with opened(url) as backend:
        if expected:
            await backend.execute([Write("k", b"", expected)], EVENTUAL)
        once = write("k", b"once", expected=expected)
        async with paused(cluster):
            assert isinstance(await do(backend, once, STRONG), NotReplicated)
            assert isinstance(await do(backend, once, STRONG), NotReplicated)
        assert await do(backend, once, STRONG) is True
        assert await value(backend, "k") == b"once"


async def test_neighbours_do_not_wait_for_a_strong_writes_standbys(
    url: str, cluster: PostgresServer
):
    async with opened(url) as backend:
        assert await do(backend, write("other"), STRONG) is True
        async with paused(cluster):
            strong = asyncio.create_task(do(backend, write("k", b"strong"), STRONG))
            await asyncio.sleep(0.05)
            assert await do(backend, write("other", b"eventual")) is True
            assert await value(backend, "other", STRONG) == b"eventual"
            assert await do(backend, Transaction((write("other"),))) == (True,)
            assert not strong.done()
            assert isinstance(await strong, NotReplicated)


async def test_a_standby_that_is_down_is_not_missed_by_a_quorum(url: str, cluster: PostgresServer):
    async with opened(url) as backend:
        await asyncio.to_thread(cluster.standbys[0].freeze)
        try:
            for number in range(5):
                assert await do(backend, write(f"k{number}"), STRONG) is True
        finally:
            await asyncio.to_thread(cluster.standbys[0].thaw)


async def test_somebody_who_ends_the_wait_on_the_server_does_not_make_it_a_success(
    url: str, cluster: PostgresServer
):
    async with opened(url + "0") as backend, connected(cluster.url) as behind:
        assert await do(backend, write("k"), STRONG) is True
        async with paused(cluster):
            strong = asyncio.create_task(do(backend, write("k", b"new"), STRONG))
            waits = "SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
            pid = await until(lambda: behind.fetchval(waits), "the commit to wait")
            await behind.execute("SELECT pg_cancel_backend($1)", pid)
            assert isinstance(await strong, NotReplicated)
            assert await value(backend, "k", STRONG) == b"new"


async def test_a_caller_who_gives_up_waiting_leaves_the_connection_usable(
    url: str, cluster: PostgresServer
):
    async with opened(url + "0") as backend, connected(cluster.url) as behind:
        assert await do(backend, write("k"), STRONG) is True
        async with paused(cluster):
            strong = asyncio.create_task(do(backend, write("k", b"new"), STRONG))
            waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
            await until(lambda: behind.fetchval(waits), "the commit to wait")
            strong.cancel()
            await asyncio.wait([strong])
            assert await until(lambda: _has(backend, "k", b"new"), "the write to show", seconds=5)
        before = await behind.fetchval("SELECT count(*) FROM pg_stat_activity")
        assert await do(backend, write("k", b"newer"), STRONG) is True
        assert await behind.fetchval("SELECT count(*) FROM pg_stat_activity") <= before


async def _has(backend, key: str, expected: bytes) -> bool:
    return await value(backend, key, STRONG) == expected


async def test_a_commit_whose_answer_is_lost_is_unknown(url: str, cluster: PostgresServer):
    async with tcp_proxy(cluster.host, cluster.port) as proxy:
        proxied = url.replace(cluster.address, f"{proxy.host}:{proxy.port}")
        async with opened(proxied) as backend:
            await do(backend, write("k"), STRONG)
            proxy.drop_replies(containing=b"COMMIT\0")
            outcome = await do(backend, write("k", b"new"), STRONG)
            assert type(outcome).__name__ == "Interrupted"
            assert await value(backend, "k", STRONG) == b"new"


# --- what strong takes ----------------------------------------------------------------------------


async def test_standbys_that_nobody_waits_for_do_not_make_a_quorum():
    async with postgres(standbys=1) as server:
        async with opened(server.url) as backend:
            assert backend.capabilities.reach is Reach.NONE
            assert "synchronous_standby_names" in backend.capabilities.why_not_strong
            refusal = await do(backend, write("k"), STRONG)
            assert isinstance(refusal, NotSupported)
            assert "acks=0" in str(refusal)
            assert await value(backend, "k") is None
            assert await do(backend, write("k")) is True
            # The server is told; no restart is needed here.
            await asyncio.to_thread(
                server.sql, "ALTER SYSTEM SET synchronous_standby_names = 'ANY 1 (*)'"
            )
            await asyncio.to_thread(server.sql, "SELECT pg_reload_conf()")

            async def strong() -> bool:
                await backend.maintain()
                return backend.capabilities.reach is Reach.FAILOVER

            await until(strong, "the backend to notice")
            assert await do(backend, write("k", b"strong"), STRONG) is True
        async with opened(server.url + "?acks=0") as backend:
            assert backend.capabilities.reach is Reach.PRIMARY
            await asyncio.to_thread(server.standbys[0].pause_replay)
            assert await do(backend, write("k", b"alone"), STRONG) is True
        async with opened(server.url + "?acks=2") as backend:
            assert backend.capabilities.reach is Reach.NONE


async def test_where_sessions_do_not_commit_locally_each_transaction_does():
    # As behind pgbouncer, where sessions keep the server's own settings.
    server = postgres(standbys=1, sync="s1")
    async with server:
        url = server.url + "?pgbouncer=yes&ack_timeout=0.3"
        async with opened(url) as backend:
            assert await do(backend, write("k"), STRONG) is True
            await do(backend, write("expires", ttl=1))
            await asyncio.to_thread(server.standbys[0].freeze)
            async with asyncio.timeout(5):
                assert await do(backend, write("k", b"eventual")) is True
                assert await do(backend, Transaction((write("l"),))) == (True,)
                await backend.maintain()
                assert server.sql("SELECT count(*) FROM etagere WHERE key = 'expires'") == "0"
                assert isinstance(await do(backend, write("k"), STRONG), NotReplicated)


# --- reads ----------------------------------------------------------------------------------------


async def test_an_eventual_read_may_be_stale_and_a_strong_one_is_not(
    url: str, cluster: PostgresServer
):
    async with opened(with_standbys(url, cluster)) as backend:
        await do(backend, write("k", b"old"))
        async with paused(cluster):
            await do(backend, write("k", b"new"))
            await do(backend, write("l"))
            assert await value(backend, "k", EVENTUAL) == b"old"
            assert await value(backend, "k", STRONG) == b"new"
            assert [page async for page in backend.scan("", "", None, EVENTUAL)] == [["k"]]
            assert [page async for page in backend.scan("", "", None, STRONG)] == [["k", "l"]]
        await replayed(cluster)
        assert await value(backend, "k", EVENTUAL) == b"new"


async def test_reads_stay_at_the_primary_when_told_so(url: str, cluster: PostgresServer):
    async with opened(with_standbys(url, cluster) + "&reads=primary") as backend:
        await do(backend, write("k", b"old"))
        async with paused(cluster):
            await do(backend, write("k", b"new"))
            assert await value(backend, "k", EVENTUAL) == b"new"


async def test_a_standby_without_the_table_yet_leaves_the_read_to_the_primary(
    url: str, cluster: PostgresServer
):
    async with paused(cluster), opened(with_standbys(url, cluster)) as backend:
        await do(backend, write("k", b"new"))
        assert await value(backend, "k", EVENTUAL) == b"new"


async def test_without_standbys_the_primary_reads_until_one_is_back(
    url: str, cluster: PostgresServer
):
    standby = cluster.standbys[0]
    async with opened(with_standbys(url, cluster, 1)) as backend:
        await do(backend, write("k", b"1"))
        await replayed(cluster)
        assert await value(backend, "k", EVENTUAL) == b"1"
        await asyncio.to_thread(standby.kill)
        assert await value(backend, "k", EVENTUAL) == b"1"
        await backend.maintain()
        assert await do(backend, write("k", b"2")) is True
        assert await value(backend, "k", EVENTUAL) == b"2"
        await asyncio.to_thread(standby.restart)
        await asyncio.to_thread(cluster.wait_for_standbys)
        await backend.maintain()
        async with paused(cluster):
            await do(backend, write("k", b"3"))
            assert await value(backend, "k", EVENTUAL) == b"2"  # so it came from the standby


async def test_a_standby_that_hangs_costs_one_read_its_time_and_not_the_next(
    url: str, cluster: PostgresServer
):
    standby = cluster.standbys[0]
    async with tcp_proxy(standby.host, standby.port) as proxy:
        proxy.replies.hold()
        far = f"{url}&standbys={proxy.host}:{proxy.port}&connect_timeout=0.5"
        async with opened(far) as backend:
            await do(backend, write("k"))
            assert await value(backend, "k", EVENTUAL) == b"v"
            began = time.monotonic()
            assert await value(backend, "k", EVENTUAL) == b"v"
            assert time.monotonic() - began < 0.4
            proxy.replies.release()


async def test_standbys_serve_reads_while_the_primary_is_down():
    async with postgres(standbys=1) as server:
        url = f"{server.url}?standbys={server.standbys[0].address}"
        async with opened(url) as backend:
            await do(backend, write("k"))
            await asyncio.to_thread(server.wait_for_standbys)
            await until(lambda: held(backend, "k"), "the standby to show it")
            await asyncio.to_thread(server.kill)
            assert await value(backend, "k", EVENTUAL) == b"v"
            outcome = await do(backend, Read("k"), STRONG)
            assert isinstance(outcome, Unavailable)
            assert "is a standby, which takes no writes" in str(outcome)
            assert isinstance(await do(backend, write("k")), Unavailable)


async def test_a_standby_alone_takes_no_writes(url: str, cluster: PostgresServer):
    standby = cluster.standbys[0]
    alone = url.replace(cluster.address, standby.address)
    with pytest.raises(Unavailable, match="is a standby"):
        async with opened(alone):
            pass


# --- failover -------------------------------------------------------------------------------------


async def test_after_a_failover_the_new_primary_is_found_with_every_strong_write():
    async with postgres(standbys=2, sync="ANY 2 (s1, s2)") as server:
        hosts = ",".join([server.standbys[0].address, server.address, server.standbys[1].address])
        async with opened(f"postgres://postgres@{hosts}/postgres?ack_timeout=0.5") as backend:
            acknowledged = []
            for number in range(30):
                operation = write(f"k{number}")
                if await do(backend, operation, STRONG) is True:
                    acknowledged.append(operation)
            assert len(acknowledged) == 30
            await asyncio.to_thread(server.kill)
            assert isinstance(await do(backend, write("between")), Unavailable)
            await asyncio.to_thread(server.standbys[1].promote)
            assert await do(backend, write("after")) is True
            found = await backend.execute([Read(op.key) for op in acknowledged], STRONG)
            assert [record.etag for record in found] == [op.etag for op in acknowledged]
            # The new primary still waits for the old names: its writes stand, unreplicated.
            assert isinstance(await do(backend, write("strong"), STRONG), NotReplicated)

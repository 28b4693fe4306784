"""Servers that are down, go away, answer too late or refuse; callers that are cancelled."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator
from contextlib import suppress

import asyncpg
import pytest

from etagere.errors import (
    Closed,
    ConfigurationError,
    Interrupted,
    StoreFailed,
    Unavailable,
)
from etagere.operations import Read, Remove, Transaction, Write
from etagere_postgres import PostgresBackend
from etagere_postgres.commits import committed
from etagere_postgres.replication import LOCAL, REPLICATED
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
from tests.servers import PostgresServer, TcpProxy, free_port, postgres, tcp_proxy

pytestmark = pytest.mark.anyio


@pytest.fixture
async def proxy(postgres_server: PostgresServer) -> AsyncIterator[TcpProxy]:
    async with tcp_proxy(postgres_server.host, postgres_server.port) as proxy:
        yield proxy


@pytest.fixture
def proxied_url(proxy: TcpProxy, postgres_url: str) -> str:
    """The URL of the same database as `postgres_url`, through the proxy."""
    database = postgres_url.rpartition("/")[2]
    return f"postgres://postgres@{proxy.host}:{proxy.port}/{database}"


# --- getting there --------------------------------------------------------------------------------


async def test_a_server_that_is_down_is_unavailable_until_it_is_up():
    server = postgres()
    backend = PostgresBackend.from_url(f"postgres://postgres@127.0.0.1:{free_port()}/postgres")
    with pytest.raises(Unavailable, match="cannot be reached"):
        await backend.open()
    assert isinstance(await do(backend, write("k")), Unavailable)
    await backend.close()
    async with server:
        backend = PostgresBackend.from_url(server.url)
        await asyncio.to_thread(server.shut_down)
        with pytest.raises(Unavailable):
            await backend.open()
        with pytest.raises(Unavailable):
            await backend.ping()
        await asyncio.to_thread(server.restart)
        # No second `open`: the first call that works finds and makes all it needs.
        assert await do(backend, write("k", b"late")) is True
        await backend.ping()
        await backend.close()


async def test_a_host_that_does_not_answer_is_given_up_in_time(proxied_url: str, proxy: TcpProxy):
    proxy.replies.hold()
    backend = PostgresBackend.from_url(proxied_url + "?connect_timeout=0.2")
    began = time.monotonic()
    with pytest.raises(Unavailable, match="connect_timeout"):
        await backend.open()
    assert time.monotonic() - began < 2
    proxy.replies.release()
    await backend.close()


@pytest.mark.parametrize(
    ("login", "says"),
    [
        ("postgres://nobody-here@{}/postgres", "nobody-here"),
        ("postgres://postgres@{}/no-such-database", "no-such-database"),
        ("postgres://postgres@{}/postgres?sslmode=bogus", "sslmode"),
        ("postgres://postgres@{}/postgres?sslmode=require", "SSL"),
    ],
)
async def test_a_wrong_login_is_told_from_a_server_that_is_down(
    postgres_server: PostgresServer, login: str, says: str
):
    backend = PostgresBackend.from_url(login.format(postgres_server.address))
    with pytest.raises((ConfigurationError, Unavailable), match=says):
        await backend.open()
    await backend.close()


async def test_too_many_connections_are_a_passing_trouble():
    limits = {"max_connections": "6", "superuser_reserved_connections": "0"}
    server = postgres(settings=limits | {"max_wal_senders": "0"})
    async with server, opened(server.url) as backend:
        crowd = [await asyncpg.connect(server.url) for _ in range(5)]
        assert isinstance(await do(backend, write("k")), Unavailable)
        for connection in crowd:
            await connection.close()
        assert await do(backend, write("k")) is True


async def test_a_closed_backend_says_so(postgres_url: str):
    async with opened(postgres_url) as backend:
        await do(backend, write("k"))
    for operation in (Read("k"), write("k")):
        assert isinstance(await do(backend, operation), Closed)


# --- on the way -----------------------------------------------------------------------------------


async def test_a_lost_answer_is_not_a_lost_write(
    proxied_url: str, postgres_url: str, proxy: TcpProxy
):
    async with opened(proxied_url) as backend, opened(postgres_url) as direct:
        await do(backend, write("warm"))
        sent = write("k", b"sent")
        proxy.drop_replies(containing=sent.etag.encode())
        outcome = await do(backend, sent)
        assert isinstance(outcome, Interrupted)
        assert outcome.__cause__ is not None
        assert await value(direct, "k") == b"sent"
        # Sent again it is not a conflict, though a precondition would be one for anybody else.
        assert await do(backend, sent) is True
        again = Write("k", b"sent", sent.etag, expected="what was there before")
        assert await do(backend, again) is True


@pytest.mark.parametrize("answer", ["COMMIT", "lock", "BEGIN"])
async def test_a_transaction_is_uncertain_only_once_its_commit_is_sent(
    proxied_url: str, postgres_url: str, proxy: TcpProxy, answer: str
):
    words = {
        "COMMIT": b"COMMIT\0",
        "lock": b"ON CONFLICT (key) DO UPDATE SET etag",
        "BEGIN": b"BEGIN",
    }
    async with opened(proxied_url) as backend, opened(postgres_url) as direct:
        await do(backend, write("warm"))
        proxy.drop_replies(containing=words[answer])
        outcome = await do(backend, Transaction((write("a"), write("b"))))
        if answer == "COMMIT":
            assert isinstance(outcome, Interrupted)
            assert await value(direct, "a") == b"v"
        else:
            assert isinstance(outcome, Unavailable)
            assert await value(direct, "a") is None


async def test_a_commit_that_is_answered_too_late_is_unknown(
    proxied_url: str, postgres_url: str, proxy: TcpProxy
):
    async with connected(proxied_url) as connection:

        async def work() -> list[bool]:
            proxy.replies.hold()
            asyncio.get_running_loop().call_later(0.3, proxy.replies.release)
            return [True]

        with pytest.raises(Interrupted, match="in time"):
            await committed(connection, REPLICATED, 0.1, [write("k")], work)
        assert await connection.fetchval("SELECT 1") == 1


async def test_a_commit_that_the_server_makes_a_rollback_is_no_success(postgres_url: str):
    async with connected(postgres_url) as connection:

        async def work() -> list[bool]:
            with suppress(asyncpg.DivisionByZeroError):
                await connection.execute("SELECT 1 / 0")
            return [True]

        with pytest.raises(Unavailable, match="ROLLBACK"):
            await committed(connection, LOCAL, 1.0, [write("k")], work)


async def test_what_is_known_is_told_when_the_rest_is_lost(
    proxied_url: str, postgres_url: str, proxy: TcpProxy
):
    async with opened(proxied_url) as backend, opened(postgres_url) as direct:
        await do(direct, write("there"))
        # Statements and their answers have been seen once, so that each takes one round trip.
        await backend.execute([write("x", expected="-"), Remove("x"), write("y")], EVENTUAL)
        proxy.drop_replies(containing=b"SELECT key, etag")
        outcomes = await backend.execute(
            [write("there", expected="wrong"), write("new"), write("there2", expected="wrong")],
            EVENTUAL,
        )
        assert isinstance(outcomes[0], Unavailable)
        assert isinstance(outcomes[2], Unavailable)
        assert outcomes[1] is True or isinstance(outcomes[1], Unavailable)
        assert (await value(direct, "new") == b"v") is (outcomes[1] is True)


async def test_an_idle_connection_that_died_is_replaced_before_anything_is_sent(
    proxied_url: str, proxy: TcpProxy
):
    async with opened(proxied_url) as backend:
        for _ in range(3):
            assert await do(backend, write("k")) is True
            assert await value(backend, "k") == b"v"
            proxy.cut()
            await asyncio.sleep(0)
            outcomes = [await do(backend, write("k")) for _ in range(2)]
            assert outcomes[-1] is True


async def test_a_killed_server_is_found_again_and_has_what_was_acknowledged():
    async with postgres(durable=True) as server, opened(server.url) as backend:
        acknowledged: list[str] = []
        stop = asyncio.Event()

        async def keep_writing() -> None:
            number = 0
            while not stop.is_set():
                operation = write(f"k{number}")
                if await do(backend, operation, STRONG) is True:
                    acknowledged.append(operation.key)
                number += 1
                await asyncio.sleep(0)

        writing = asyncio.create_task(keep_writing())
        await until(lambda: len(acknowledged) > 50, "some writes")
        await asyncio.to_thread(server.kill)
        before = len(acknowledged)
        assert isinstance(await do(backend, write("down")), Unavailable)
        await asyncio.to_thread(server.restart)
        await until(lambda: len(acknowledged) > before + 50, "writes after the crash")
        stop.set()
        await writing
        found = await backend.execute([Read(key) for key in acknowledged], STRONG)
        assert all(found)


async def test_a_server_that_shuts_down_in_order_is_a_passing_trouble():
    async with postgres() as server, opened(server.url) as backend:
        assert await do(backend, write("k")) is True
        await asyncio.to_thread(server.restart)
        assert await do(backend, write("k", b"new")) is True
        assert await value(backend, "k") == b"new"


# --- refusals -------------------------------------------------------------------------------------


async def test_rights_that_are_taken_away_fail_with_what_is_missing(
    postgres_server: PostgresServer, postgres_url: str
):
    database = postgres_url.rpartition("/")[2]
    url = f"postgres://reader@{postgres_server.address}/{database}"
    async with opened(postgres_url) as owner, connected(postgres_url) as behind:
        first = write("k")
        await do(owner, first)
        await behind.execute(
            "CREATE ROLE reader LOGIN; GRANT SELECT ON etagere, etagere_migrations TO reader"
        )
        async with opened(url) as backend:
            assert await value(backend, "k") == b"v"
            for operation in (
                write("k"),
                write("k", expected=first.etag),
                Remove("k"),
                Transaction((write("k"),)),
            ):
                outcome = await do(backend, operation)
                assert isinstance(outcome, StoreFailed)
                assert "permission denied" in str(outcome)
                assert outcome.__cause__ is not None
            assert await value(backend, "k") == b"v"
        await behind.execute("DROP OWNED BY reader; DROP ROLE reader")


async def test_a_failure_of_one_kind_does_not_stop_the_others(postgres_url: str):
    async with opened(postgres_url) as backend, connected(postgres_url) as behind:
        await behind.execute(
            "ALTER TABLE etagere ADD CONSTRAINT no_nines CHECK (value <> '9'::bytea)"
        )
        batch = [
            write("a", b"9"),
            Remove("b"),
            Transaction((write("c"),)),
            Transaction((write("d"),)),
        ]
        outcomes = await backend.execute(batch, EVENTUAL)
        assert isinstance(outcomes[0], StoreFailed)
        assert outcomes[1:] == [False, (True,), (True,)]


async def test_a_statement_that_the_server_cancels_is_not_written(postgres_url: str):
    async with (
        opened(postgres_url) as backend,
        connected(postgres_url) as behind,
        connected(postgres_url) as watching,
    ):
        await do(backend, write("k", b"old"))
        async with behind.transaction():
            await behind.execute("UPDATE etagere SET value = 'x'")
            waiting = asyncio.create_task(do(backend, write("k", b"new")))
            blocked = "SELECT pid FROM pg_locks WHERE NOT granted"
            pid = await until(lambda: watching.fetchval(blocked), "the write to wait")
            await watching.execute("SELECT pg_cancel_backend($1)", pid)
            assert isinstance(await waiting, Unavailable)
        assert await value(backend, "k") == b"x"


async def test_a_primary_that_takes_no_writes_is_unavailable(postgres_url: str):
    async with opened(postgres_url) as backend, connected(postgres_url) as behind:
        await do(backend, write("k"))
        database = postgres_url.rpartition("/")[2]
        await behind.execute(f"ALTER DATABASE {database} SET default_transaction_read_only = on")
        await behind.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )
        outcome = await until(
            lambda: _refused(backend), "a connection that may only read", seconds=10
        )
        assert "takes no writes" in str(outcome)
        await behind.execute("SET default_transaction_read_only = off")
        await behind.execute(f"ALTER DATABASE {database} RESET default_transaction_read_only")
        assert await do(backend, write("k", b"again")) is True


async def _refused(backend: PostgresBackend) -> Unavailable | None:
    outcome = await do(backend, write("k"))
    return outcome if isinstance(outcome, Unavailable) and "read-only" in str(outcome) else None


# --- cancellation ---------------------------------------------------------------------------------


async def sessions(url: str) -> list[str]:
    """Return what the other sessions of a database are doing."""
    async with connected(url) as behind:
        rows = await behind.fetch(
            "SELECT state FROM pg_stat_activity WHERE datname = current_database()"
            " AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        )
    return [row["state"] for row in rows]


async def test_a_storm_of_cancellations_leaves_nothing_behind(postgres_url: str):
    async with opened(postgres_url) as backend:
        await backend.execute([write(f"k{number}") for number in range(50)], EVENTUAL)
        tasks_before = asyncio.all_tasks()
        for _ in range(150):
            number = random.randrange(50)
            operation = random.choice(
                [
                    Read(f"k{number}"),
                    write(f"k{number}", b"%d" % number),
                    Transaction((write(f"k{number}", b"%d" % number), Remove("none"))),
                ]
            )
            level = random.choice([EVENTUAL, STRONG])
            call = asyncio.create_task(backend.execute([operation], level))
            await asyncio.sleep(random.uniform(0, 0.002))
            call.cancel()
            await asyncio.wait([call])
        # Whoever comes next gets an answer, and the right one.
        for number in range(50):
            assert await value(backend, f"k{number}") in (b"v", b"%d" % number)
            assert await do(backend, write(f"k{number}", b"end"), STRONG) is True
        found = await asyncio.gather(*(value(backend, f"k{number}") for number in range(50)))
        assert found == [b"end"] * 50
        await until(lambda: asyncio.all_tasks() <= tasks_before, "tasks to end")
        assert set(await sessions(postgres_url)) == {"idle"}
        assert len(await sessions(postgres_url)) <= 5


async def test_a_cancelled_transaction_lets_go_of_its_locks(postgres_url: str):
    async with (
        opened(postgres_url) as backend,
        connected(postgres_url) as behind,
        connected(postgres_url) as watching,
    ):
        await backend.execute([write("a"), write("b")], EVENTUAL)
        async with behind.transaction():
            await behind.execute("SELECT FROM etagere WHERE key = 'b' FOR UPDATE")
            call = asyncio.create_task(do(backend, Transaction((write("a"), write("b")))))
            blocked = "SELECT pid FROM pg_locks WHERE NOT granted"
            await until(lambda: watching.fetchval(blocked), "the transaction to wait for b")
            call.cancel()
            await asyncio.wait([call])
            await watching.execute("UPDATE etagere SET value = 'free' WHERE key = 'a'")
        assert await value(backend, "a") == b"free"
        assert await do(backend, Transaction((write("a"), write("b")))) == (True, True)


async def test_cancelled_while_connecting_nothing_is_left_open(proxied_url: str, proxy: TcpProxy):
    backend = PostgresBackend.from_url(proxied_url)
    for wait in (0.0, 0.001, 0.003, 0.01, 0.02, 0.05):
        call = asyncio.create_task(backend.execute([Read("k")], EVENTUAL))
        await asyncio.sleep(wait)
        call.cancel()
        await asyncio.wait([call])
    assert await do(backend, write("k")) is True
    assert await held(backend, "k") is not None
    await backend.close()
    await until(lambda: not proxy._links, "connections to end")


async def test_a_server_that_hangs_does_not_hold_its_callers(
    proxied_url: str, proxy: TcpProxy, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("etagere_postgres.lanes.RECOVERY_SECONDS", 0.2)
    monkeypatch.setattr("etagere_postgres.lanes.GOODBYE_SECONDS", 0.2)
    backend = PostgresBackend.from_url(proxied_url + "?connect_timeout=0.2")
    await do(backend, write("k"))
    proxy.requests.hold()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.1):
            await backend.execute([write("k", b"late")], EVENTUAL)
    assert isinstance(await do(backend, write("k")), Unavailable)
    proxy.cut()
    proxy.requests.release()
    assert await do(backend, write("k", b"new")) is True
    await backend.close()


async def test_closing_ends_what_is_under_way(
    proxied_url: str, postgres_url: str, proxy: TcpProxy, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("etagere_postgres.lanes.GOODBYE_SECONDS", 0.1)
    backend = PostgresBackend.from_url(proxied_url)
    await do(backend, write("k"))
    proxy.requests.hold()
    writing = asyncio.create_task(do(backend, write("k", b"late")))  # on its connection
    reading = asyncio.create_task(do(backend, Read("k")))  # opening one
    await asyncio.sleep(0.05)
    closing = asyncio.create_task(backend.close())
    await asyncio.wait([closing, reading])
    assert isinstance(reading.result(), Closed)
    proxy.cut()
    assert isinstance(await writing, Interrupted)
    proxy.requests.release()
    await until(lambda: _none(postgres_url), "sessions to end")


async def test_closing_may_be_cancelled(proxied_url: str, postgres_url: str, proxy: TcpProxy):
    backend = PostgresBackend.from_url(proxied_url)
    await backend.execute([write("k")], EVENTUAL)
    await backend.execute([Read("k")], STRONG)
    proxy.requests.hold()
    closing = asyncio.create_task(backend.close())
    await asyncio.sleep(0.01)
    closing.cancel()
    await asyncio.wait([closing])
    proxy.requests.release()
    await until(lambda: _none(postgres_url), "sessions to end")


async def _none(url: str) -> bool:
    return not await sessions(url)

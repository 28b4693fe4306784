"""The test servers do what the other tests rely on."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import psutil
import pytest
from redis import asyncio as redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from tests.conftest import ALL_LOOPS
from tests.servers import (
    PostgresServer,
    Server,
    ServerFailed,
    TcpProxy,
    ValkeyServer,
    postgres,
    postgres_binaries,
    processes,
    tcp_proxy,
    valkey,
    valkey_cluster,
    valkey_sentinel,
    wait_until,
)
from tests.servers.reaper import is_gone

pytestmark = pytest.mark.anyio


@asynccontextmanager
async def redis_client(url: str) -> AsyncIterator[redis.Redis]:
    client = redis.Redis.from_url(url, retry=Retry(NoBackoff(), 0), decode_responses=True)
    async with client:
        yield client


@asynccontextmanager
async def connection(url: str) -> AsyncIterator[asyncpg.Connection]:
    client = await asyncpg.connect(url)
    try:
        yield client
    finally:
        await client.close()


# --- processes ----------------------------------------------------------------------------------


def test_a_server_that_does_not_start_shows_its_log() -> None:
    with pytest.raises(ServerFailed, match="nonsense"), valkey(settings={"nonsense": "1"}):
        pass


def test_a_port_taken_by_another_process_is_given_up_for_the_next(
    valkey_server: ValkeyServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    ports = iter([valkey_server.port, processes.free_port()])
    monkeypatch.setattr(processes, "free_port", lambda: next(ports))
    with valkey(binary=valkey_server.binary) as server:
        assert server.port != valkey_server.port
        assert server.call("PING")


def test_stopping_leaves_neither_process_nor_files() -> None:
    with valkey() as server:
        pid, directory = server.pid, server.directory
    assert not psutil.pid_exists(pid)
    assert not directory.exists()


def test_a_killed_test_run_leaves_neither_process_nor_files() -> None:
    script = """
from tests.servers import postgres, valkey
with valkey() as first, postgres() as second:
    second.freeze()
    print(first.pid, second.pid, first.directory.parent, flush=True)
    input()
"""
    with subprocess.Popen(
        [sys.executable, "-c", script],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as run:
        assert run.stdout is not None
        first, second, directory = run.stdout.readline().split()
        servers = [psutil.Process(int(pid)) for pid in (first, second)]
        family = [*servers, *servers[1].children()]
        run.kill()
    wait_until(lambda: all(map(is_gone, family)), "the servers to be stopped")
    wait_until(lambda: not Path(directory).exists(), "the files to be removed")


async def _answers(server: Server, statement: str) -> bool:
    try:
        async with asyncio.timeout(0.3):
            if isinstance(server, PostgresServer):
                async with connection(server.url) as client:
                    return bool(await client.fetchval(statement))
            async with redis_client(server.url) as client:
                return bool(await client.execute_command(statement))
    except TimeoutError:
        return False


async def test_a_frozen_server_accepts_but_does_not_answer() -> None:
    async with valkey() as cache, postgres() as database:
        for server, statement in ((cache, "PING"), (database, "SELECT 1")):
            server.freeze()
            assert not await _answers(server, statement)
            server.thaw()
            assert await _answers(server, statement)


# --- Valkey and Redis ---------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["one", "two"])
async def test_each_test_finds_an_empty_redis(redis_url: str, key: str) -> None:
    async with redis_client(redis_url) as client:
        assert await client.dbsize() == 0
        await client.set(key, "there")


@pytest.mark.parametrize("appendonly", [True, False])
async def test_only_an_append_only_server_keeps_its_data_when_killed(appendonly: bool) -> None:
    async with valkey(appendonly=appendonly) as server:
        async with redis_client(server.url) as client:
            await client.set("key", "value")
        server.kill()
        with pytest.raises(redis.ConnectionError):
            async with redis_client(server.url) as client:
                await client.ping()
        server.restart()
        async with redis_client(server.url) as client:
            assert await client.get("key") == ("value" if appendonly else None)


async def test_replicas_acknowledge(redis_binary: Path) -> None:
    async with (
        valkey(replicas=2, password="secret", binary=redis_binary) as primary,
        redis_client(primary.url) as client,
    ):
        await client.set("key", "value")
        assert await client.wait(2, 1000) == 2
        for replica in primary.replicas:
            async with redis_client(replica.url) as reader:
                assert await reader.get("key") == "value"


async def test_a_replica_that_is_held_back_is_stale(redis_binary: Path) -> None:
    async with (
        valkey(replicas=1, replica_lag=0.0, binary=redis_binary) as primary,
        redis_client(primary.url) as writer,
        redis_client(primary.replicas[0].url) as reader,
    ):
        (replica,) = primary.replicas
        await writer.set("key", "old")
        assert await writer.wait(1, 1000) == 1
        replica.hold()
        await writer.set("key", "new")
        assert await writer.wait(1, 50) == 0
        assert await reader.get("key") == "old"
        replica.release()
        assert await writer.wait(1, 1000) == 1
        assert await reader.get("key") == "new"


async def test_a_replica_that_lags_acknowledges_late() -> None:
    async with valkey(replicas=1, replica_lag=0.2) as primary, redis_client(primary.url) as client:
        await client.set("key", "value")
        begun = time.monotonic()
        assert await client.wait(1, 5000) == 1
        assert time.monotonic() - begun >= 0.15


async def test_a_cluster_serves_every_slot() -> None:
    async with valkey_cluster(3) as cluster:
        host, port = cluster.nodes[0].host, cluster.nodes[0].port
        async with redis.RedisCluster(host=host, port=port) as client:
            for number in range(50):
                await client.set(f"key{number}", number)
        assert all(node.call("DBSIZE") for node in cluster.nodes)


async def test_sentinels_fail_over_to_a_replica(redis_binary: Path) -> None:
    async with valkey_sentinel(1, binary=redis_binary) as group:
        (sentinel,) = group.sentinels
        assert sentinel.primary_address() == (group.primary.host, group.primary.port)
        group.primary.kill()
        replicas = {(replica.host, replica.port) for replica in group.replicas}
        wait_until(lambda: sentinel.primary_address() in replicas, "Sentinel to fail over")


# --- PostgreSQL ---------------------------------------------------------------------------------


@pytest.mark.parametrize("version", postgres_binaries())
async def test_every_version_keeps_its_data_when_killed(version: int) -> None:
    async with postgres(version=version, durable=True) as server:
        async with connection(server.url) as client:
            assert client.get_server_version().major == version
            await client.execute("CREATE TABLE kept AS SELECT 42 AS answer")
        server.kill()
        with pytest.raises(OSError, match="Connect call failed"):
            await asyncpg.connect(server.url)
        server.restart()
        async with connection(server.url) as client:
            assert await client.fetchval("SELECT answer FROM kept") == 42


@pytest.mark.parametrize("table", ["one", "two"])
async def test_each_test_finds_an_empty_database(postgres_url: str, table: str) -> None:
    async with connection(postgres_url) as client:
        count = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"
        assert await client.fetchval(count) == 0
        await client.execute(f"CREATE TABLE {table} ()")


@pytest.fixture(scope="module")
def quorum() -> Iterator[PostgresServer]:
    with postgres(standbys=2, sync="ANY 1 (s1, s2)") as primary:
        yield primary


async def test_a_standby_whose_replay_is_paused_is_stale(quorum: PostgresServer) -> None:
    url = await quorum.fresh_database()
    paused = quorum.standbys[0]
    paused.catch_up()
    async with (
        connection(url) as writer,
        connection(url.replace(quorum.address, paused.address)) as reader,
    ):
        await writer.execute("CREATE TABLE numbers (number int)")
        paused.catch_up()
        paused.pause_replay()
        await writer.execute("INSERT INTO numbers VALUES (1)")
        assert await reader.fetchval("SELECT count(*) FROM numbers") == 0
        paused.resume_replay()
        paused.catch_up()
        assert await reader.fetchval("SELECT count(*) FROM numbers") == 1


async def test_a_quorum_of_standbys_is_waited_for(quorum: PostgresServer) -> None:
    first, second = quorum.standbys
    async with connection(quorum.url) as client:
        first.freeze()
        await client.execute("CREATE TABLE one ()")
        second.freeze()
        with pytest.raises(TimeoutError):
            await client.execute("CREATE TABLE two ()", timeout=0.3)
        first.thaw()
        await client.execute("CREATE TABLE three ()")
        second.thaw()


async def test_a_standby_can_be_promoted() -> None:
    async with postgres(standbys=1) as primary:
        (standby,) = primary.standbys
        primary.kill()
        standby.promote()
        async with connection(standby.url) as client:
            await client.execute("CREATE TABLE written ()")


# --- the proxy ----------------------------------------------------------------------------------


on_both_loops = pytest.mark.parametrize("anyio_backend", ALL_LOOPS[:2])


@asynccontextmanager
async def echo_through_proxy() -> AsyncIterator[tuple[TcpProxy, list[bytes]]]:
    """Yield a proxy in front of a server that echoes, and what the server has received."""
    received: list[bytes] = []

    async def echo(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(1000):
            received.append(data)
            writer.write(data)
        writer.close()

    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    async with server, tcp_proxy(host, port) as proxy:
        yield proxy, received


class Client:
    """A connection to a proxy."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    def send(self, data: bytes) -> None:
        self.writer.write(data)

    async def read(self, seconds: float = 5.0) -> bytes:
        """Return what arrives; b"" if the connection is cut."""
        async with asyncio.timeout(seconds):
            try:
                return await self.reader.read(1000)
            except ConnectionError:
                return b""


@asynccontextmanager
async def connected(proxy: TcpProxy) -> AsyncIterator[Client]:
    reader, writer = await asyncio.open_connection(proxy.host, proxy.port)
    try:
        yield Client(reader, writer)
    finally:
        writer.transport.abort()


@on_both_loops
async def test_the_proxy_passes_and_counts() -> None:
    async with echo_through_proxy() as (proxy, _), connected(proxy) as client:
        client.send(b"hello")
        assert await client.read() == b"hello"
        assert (proxy.connections, proxy.requests.bytes, proxy.replies.bytes) == (1, 5, 5)


@on_both_loops
async def test_the_proxy_delays_without_slowing_the_pace() -> None:
    async with echo_through_proxy() as (proxy, _), connected(proxy) as client:
        proxy.requests.delay(0.1)
        proxy.replies.delay(0.1)
        begun = time.monotonic()
        for letter in (b"a", b"b", b"c"):
            client.send(letter)
            await asyncio.sleep(0.02)
        assert await client.read() == b"a"
        assert time.monotonic() - begun >= 0.2
        assert await client.reader.readexactly(2) == b"bc"


@on_both_loops
async def test_the_proxy_holds_and_releases() -> None:
    async with echo_through_proxy() as (proxy, received), connected(proxy) as client:
        proxy.replies.hold()
        client.send(b"held")
        with pytest.raises(TimeoutError):
            await client.read(0.05)
        assert received == [b"held"]
        proxy.replies.release()
        assert await client.read() == b"held"


@on_both_loops
async def test_the_proxy_cuts_now_and_in_the_middle() -> None:
    async with echo_through_proxy() as (proxy, received):
        async with connected(proxy) as client:
            client.send(b"whole")
            assert await client.read() == b"whole"
            proxy.cut()
            assert await client.read() == b""
        async with connected(proxy) as client:
            proxy.replies.cut_after(3)
            client.send(b"reply")
            assert await client.reader.read() == b"rep"
        async with connected(proxy) as client:
            proxy.requests.cut_after(2)
            client.send(b"request")
            assert await client.read() == b""
        assert received == [b"whole", b"reply", b"re"]


@on_both_loops
async def test_the_proxy_refuses_and_accepts_again() -> None:
    async with echo_through_proxy() as (proxy, _), connected(proxy) as client:
        client.send(b"before")
        assert await client.read() == b"before"
        proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(proxy.host, proxy.port)
        client.send(b"open")
        assert await client.read() == b"open"
        await proxy.accept()
        async with connected(proxy) as second:
            second.send(b"again")
            assert await second.read() == b"again"


@on_both_loops
async def test_the_proxy_loses_the_reply_to_what_was_done(redis_url: str) -> None:
    host, port = redis_url.split("/")[2].split(":")
    async with (
        tcp_proxy(host, int(port)) as proxy,
        redis_client(f"redis://{proxy.host}:{proxy.port}/0") as client,
    ):
        await client.ping()
        proxy.drop_replies(containing=b"INCR")
        assert await client.get("counter") is None
        with pytest.raises(redis.ConnectionError):
            await client.incr("counter")
        assert proxy.dropped == 1
        assert await client.get("counter") == "1"


async def test_the_proxy_of_a_server_that_is_down_closes_the_connection() -> None:
    async with tcp_proxy("127.0.0.1", processes.free_port()) as proxy, connected(proxy) as client:
        assert await client.read() == b""

"""Connections: made late, shared by all, lost, cancelled, closed."""

from __future__ import annotations

import asyncio
import random
import shutil
import socket
import ssl
import subprocess
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import hiredis
import pytest

from etagere.errors import ConfigurationError, Interrupted, StoreFailed, Unavailable
from etagere.operations import ABSENT, Conflict, Read, Record, Write
from etagere_redis import RedisBackend
from tests.backends.redis.support import EVENTUAL, STRONG, do, mint, opened, until
from tests.servers import TcpProxy, ValkeyServer, tcp_proxy, valkey

pytestmark = pytest.mark.anyio


@pytest.fixture(params=[False, True], ids=["asyncio", "uvloop"], scope="module")
def anyio_backend(request: pytest.FixtureRequest) -> Any:
    return "asyncio", {"use_uvloop": request.param}


@pytest.fixture
async def server(redis_binary: Path | None) -> AsyncIterator[ValkeyServer]:
    """A server of the test's own, to kill and to freeze. What it has acknowledged it keeps."""
    async with valkey(binary=redis_binary, appendonly=True) as server:
        yield server


@pytest.fixture
async def proxy(valkey_server: ValkeyServer, redis_url: str) -> AsyncIterator[TcpProxy]:
    async with tcp_proxy(valkey_server.host, valkey_server.port) as proxy:
        yield proxy


def through(proxy: TcpProxy, settings: str = "") -> str:
    return f"redis://{proxy.host}:{proxy.port}/0?{settings}"


def client_count(server: ValkeyServer) -> int:
    # One of them asks.
    return len(server.call("CLIENT", "LIST").splitlines()) - 1


async def in_thread(function: Callable[..., Any], *arguments: Any) -> Any:
    return await asyncio.to_thread(function, *arguments)


# --- late and again -------------------------------------------------------------------------------


async def test_nothing_connects_before_it_is_needed(redis_url: str, valkey_server: Any) -> None:
    before = client_count(valkey_server)
    backend = RedisBackend.from_url(redis_url)
    assert client_count(valkey_server) == before
    await backend.open()
    assert client_count(valkey_server) == before + 1
    await do(backend, Read("k"))
    assert client_count(valkey_server) == before + 1
    await do(backend, Write("k", b"", mint()))
    assert client_count(valkey_server) == before + 2
    await backend.close()
    await until(lambda: client_count(valkey_server) == before, "the sockets to be closed")


async def test_a_server_that_is_down_is_unavailable_and_can_come_later(
    server: ValkeyServer,
) -> None:
    await in_thread(server.shut_down)
    backend = RedisBackend.from_url(server.url)
    with pytest.raises(Unavailable, match="cannot be reached") as caught:
        await backend.open()
    assert isinstance(caught.value.__cause__, OSError)
    with pytest.raises(Unavailable):
        await backend.ping()
    with pytest.raises(Unavailable):
        await backend.execute([Read("k")], EVENTUAL)
    with pytest.raises(Unavailable):
        await backend.execute([Write("k", b"", "e")], EVENTUAL)
    await in_thread(server.restart)
    assert await do(backend, Write("k", b"", "e")) is True
    await backend.open()
    await backend.close()


async def test_a_restarted_server_is_found_again(server: ValkeyServer) -> None:
    async with opened(server.url) as backend:
        assert await do(backend, Write("k", b"1", "e1")) is True
        assert await do(backend, Read("k")) == Record(b"1", "e1")
        await in_thread(server.kill)
        assert isinstance(await do(backend, Read("k")), Unavailable)
        await in_thread(server.restart)
        # The new process has never seen the script.
        assert await do(backend, Write("k", b"2", "e2", "e1")) is True
        assert await do(backend, Read("k")) == Record(b"2", "e2")


async def test_a_connection_that_was_cut_while_idle_is_made_again(proxy: TcpProxy) -> None:
    async with opened(through(proxy)) as backend:
        assert await do(backend, Write("k", b"", "e")) is True
        for _ in range(20):
            connections = proxy.connections
            proxy.cut()
            await asyncio.sleep(0.01)  # so that it has heard
            assert await do(backend, Read("k")) == Record(b"", "e")
            assert proxy.connections == connections + 1


async def test_writes_under_load_survive_restarts(server: ValkeyServer) -> None:
    """What was acknowledged is there; what was interrupted can be settled by its etag."""
    acknowledged: dict[str, str] = {}
    over = False

    async def write(backend: RedisBackend, key: str) -> None:
        while not over:
            etag = mint()
            outcome = await do(backend, Write(key, etag.encode(), etag))
            if outcome is True:
                acknowledged[key] = etag
            else:
                assert isinstance(outcome, Unavailable | Interrupted), outcome
                if isinstance(outcome, Interrupted):
                    acknowledged.pop(key, None)
                await asyncio.sleep(0.01)

    async with opened(server.url) as backend:
        tasks = [asyncio.create_task(write(backend, f"k{n}")) for n in range(20)]
        for _ in range(3):
            await until(lambda: len(acknowledged) > 10, "some writes")
            await in_thread(server.kill)
            await in_thread(server.restart)
            acknowledged.clear()
        await until(lambda: len(acknowledged) == 20, "all to write again")
        over = True
        await asyncio.gather(*tasks)
        for key, etag in acknowledged.items():
            assert await do(backend, Read(key)) == Record(etag.encode(), etag)


# --- lost replies ---------------------------------------------------------------------------------


async def test_a_write_whose_reply_is_lost_is_interrupted_and_can_be_repeated(
    proxy: TcpProxy,
) -> None:
    async with opened(through(proxy)) as backend:
        assert await do(backend, Write("k", b"1", "e1", ABSENT)) is True
        proxy.drop_replies(containing=b"EVALSHA")
        write = Write("k", b"2", "e2", "e1")
        outcome = await do(backend, write)
        assert isinstance(outcome, Interrupted)
        assert outcome.__cause__ is not None
        assert await do(backend, write) is True
        assert await do(backend, Read("k")) == Record(b"2", "e2")


async def test_replies_that_came_before_the_cut_count(proxy: TcpProxy) -> None:
    async with opened(through(proxy)) as backend:
        batch = [Write(f"k{n}", b"x" * 10_000, f"e{n}") for n in range(10)]
        assert await backend.execute(batch, EVENTUAL) == [True] * 10
        proxy.replies.cut_after(35_000)
        outcomes = await backend.execute([Read(f"k{n}") for n in range(10)], EVENTUAL)
        assert outcomes[:3] == [Record(b"x" * 10_000, f"e{n}") for n in range(3)]
        assert all(isinstance(outcome, Interrupted) for outcome in outcomes[3:])
        assert await do(backend, Read("k9")) == Record(b"x" * 10_000, "e9")


async def test_a_server_that_falls_silent_is_given_up(server: ValkeyServer) -> None:
    settings = "?reply_timeout=0.3&connect_timeout=0.3"
    async with opened(server.url + settings) as backend:
        await backend.execute([Write("k", b"1", "e1")], EVENTUAL)
        server.freeze()
        outcome = await do(backend, Write("k", b"2", "e2"))
        assert isinstance(outcome, Interrupted)
        assert "no answer for 0.3 s" in str(outcome)
        outcome = await do(backend, Write("k", b"3", "e3"))
        assert isinstance(outcome, Unavailable)
        assert "connect_timeout=0.3 s" in str(outcome)
        server.thaw()
        assert await do(backend, Write("k", b"4", "e4")) is True


async def test_slow_replies_are_waited_for_as_long_as_they_trickle(proxy: TcpProxy) -> None:
    """It is silence that counts, not the time that an answer takes."""
    value = b"x" * 2_000_000
    async with opened(through(proxy, "reply_timeout=0.5")) as backend:
        assert await do(backend, Write("k", value, "e")) is True
        proxy.replies.delay(0.3)
        reads = [do(backend, Read("k")) for _ in range(5)]
        tasks = []
        for read in reads:
            tasks.append(asyncio.create_task(read))
            await asyncio.sleep(0.15)
        assert await asyncio.gather(*tasks) == [Record(value, "e")] * 5


async def test_a_long_request_may_take_its_time(
    valkey_server: ValkeyServer, redis_url: str
) -> None:
    value = b"x" * (16 << 20)
    async with front(valkey_server, pause=0.007) as port:
        url = f"redis://127.0.0.1:{port}?reply_timeout=1.5"
        async with opened(url) as backend:
            started = asyncio.get_running_loop().time()
            assert await do(backend, Write("k", value, "e")) is True
            assert asyncio.get_running_loop().time() - started > 1.5
    assert valkey_server.call("HSTRLEN", "k", "value") == len(value)


# --- cancellation ---------------------------------------------------------------------------------


async def test_a_storm_of_cancellations_mixes_nothing_up(redis_url: str) -> None:
    dice = random.Random(1)
    async with opened(redis_url + "?acks=0") as backend:
        for number in range(50):
            await do(backend, Write(f"k{number}", b"%d" % number, f"e{number}"))

        async def call() -> None:
            level = dice.choice([EVENTUAL, STRONG])
            numbers = [dice.randrange(60) for _ in range(dice.randrange(1, 20))]
            if dice.random() < 0.5:
                outcomes = await backend.execute([Read(f"k{n}") for n in numbers], level)
                assert outcomes == [expected_record(n) for n in numbers]
            else:
                batch = [Write(f"k{n}", b"", mint(), ABSENT) for n in numbers if n < 50]
                outcomes = await backend.execute(batch, level) if batch else []
                assert outcomes == [Conflict(f"e{n}") for n in numbers if n < 50]

        async def cancelled_call() -> None:
            task = asyncio.create_task(call())
            await asyncio.sleep(dice.random() * 0.003)
            task.cancel()
            await asyncio.wait({task})
            if not task.cancelled():
                task.result()

        for _ in range(20):
            await asyncio.gather(
                *(cancelled_call() for _ in range(40)), *(call() for _ in range(5))
            )


def expected_record(number: int) -> Record | None:
    return Record(b"%d" % number, f"e{number}") if number < 50 else None


async def test_a_connection_attempt_can_be_cancelled(proxy: TcpProxy, valkey_server: Any) -> None:
    before = client_count(valkey_server)
    backend = RedisBackend.from_url(through(proxy))
    proxy.replies.hold()
    calls = [asyncio.create_task(do(backend, Read("k"))) for _ in range(3)]
    await until(lambda: proxy.connections, "the connection")
    calls[0].cancel()
    await asyncio.wait({calls[0]})
    proxy.replies.release()
    assert await asyncio.gather(*calls[1:]) == [None, None]
    await backend.close()
    await until(lambda: client_count(valkey_server) == before, "the sockets to be closed")


async def test_a_batch_that_is_too_much_for_the_sockets_can_be_cancelled(
    server: ValkeyServer,
) -> None:
    async with opened(server.url) as backend:
        assert await do(backend, Write("k", b"1", "e1")) is True
        server.freeze()
        large = [Write("l", b"x" * (16 << 20), mint()) for _ in range(3)]
        calls = [asyncio.create_task(do(backend, write)) for write in large]
        waiting = asyncio.create_task(do(backend, Write("m", b"", "e")))
        await asyncio.sleep(0.1)
        for call in (*calls, waiting):
            call.cancel()
        await asyncio.wait({*calls, waiting})
        server.thaw()
        # The first was on its way; the others had to wait, and never went.
        assert await do(backend, Write("k", b"2", "e2", "e1")) is True
        record = await do(backend, Read("l"))
        assert isinstance(record, Record)
        assert record.etag == large[0].etag
        assert await do(backend, Read("m")) is None


# --- closing --------------------------------------------------------------------------------------


async def test_closing_interrupts_what_is_under_way(proxy: TcpProxy, valkey_server: Any) -> None:
    before = client_count(valkey_server)
    backend = RedisBackend.from_url(through(proxy))
    await do(backend, Write("k", b"1", "e1"))
    proxy.replies.hold()
    call = asyncio.create_task(do(backend, Write("k", b"2", "e2")))
    await asyncio.sleep(0)
    await backend.close()
    assert isinstance(await call, Interrupted)
    proxy.replies.release()
    await until(lambda: client_count(valkey_server) == before, "the sockets to be closed")


async def test_a_backend_that_never_opened_can_be_closed() -> None:
    await RedisBackend.from_url("redis://127.0.0.1:1").close()


# --- who lets us in -------------------------------------------------------------------------------


async def test_a_password_opens_the_server(redis_binary: Path | None) -> None:
    async with valkey(binary=redis_binary, password="s@c/r:t") as server:
        address = server.address
        async with opened(f"redis://:s%40c%2Fr%3At@{address}") as backend:
            assert await do(backend, Write("k", b"", "e")) is True
        for login in ("", ":wrong@", "nobody:s%40c%2Fr%3At@"):
            await check_refused(f"redis://{login}{address}", "password")
        server.call("ACL", "SETUSER", "ann", "on", ">pw", "~*", "+@all")
        async with opened(f"redis://ann:pw@{address}") as backend:
            assert await do(backend, Read("k")) == Record(b"", "e")


async def test_a_password_that_nobody_asked_for_is_refused(redis_url: str) -> None:
    await check_refused(redis_url.replace("redis://", "redis://:pw@"), "password")


async def check_refused(url: str, word: str) -> None:
    backend = RedisBackend.from_url(url)
    with pytest.raises(ConfigurationError, match=word):
        await backend.open()
    # A store that is open already gets an outcome that it knows.
    outcome = await do(backend, Read("k"))
    assert isinstance(outcome, StoreFailed)
    assert word in str(outcome)
    await backend.close()


async def test_databases_are_apart(redis_url: str, valkey_server: ValkeyServer) -> None:
    async with opened(redis_url) as zero, opened(redis_url.replace("/0", "/5")) as five:
        await do(five, Write("k", b"", "e"))
        assert await do(zero, Read("k")) is None
        assert [keys async for keys in five.scan("", "", None, EVENTUAL)] == [["k"]]
    await check_refused(redis_url.replace("/0", "/99"), "index")


async def test_a_unix_socket_will_do(redis_url: str, valkey_server: ValkeyServer) -> None:
    async with opened(f"redis:///0?unix_socket={valkey_server.socket}") as backend:
        assert await do(backend, Write("k", b"", "e")) is True
        assert await do(backend, Read("k")) == Record(b"", "e")
    missing = RedisBackend.from_url("redis:///?unix_socket=/no/such/socket")
    with pytest.raises(Unavailable, match="/no/such/socket"):
        await missing.open()


async def test_a_server_that_is_full_says_so(server: ValkeyServer) -> None:
    async with opened(server.url) as backend:
        await do(backend, Read("k"))
        server.call("CONFIG", "SET", "maxclients", "1")
        outcome = await do(backend, Write("k", b"", "e"))
        assert isinstance(outcome, Unavailable)
        assert "maxclients" in str(outcome)
        assert isinstance(outcome.__cause__, hiredis.ReplyError)


async def test_what_is_not_redis_is_unavailable() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()
        await writer.wait_closed()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as web:
        port = web.sockets[0].getsockname()[1]
        backend = RedisBackend.from_url(f"redis://127.0.0.1:{port}")
        with pytest.raises(Unavailable, match="Protocol"):
            await backend.open()
        await backend.close()


# --- TLS ------------------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that vouches for itself, and its key."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl here to make a certificate with")
    directory = tmp_path_factory.mktemp("tls")
    file, key = directory / "cert.pem", directory / "key.pem"
    request = [openssl, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    names = ["-subj", "/CN=localhost", "-addext", "subjectAltName=IP:127.0.0.1"]
    subprocess.run(
        [*request, *names, "-out", file, "-keyout", key], check=True, capture_output=True
    )
    return file, key


@asynccontextmanager
async def front(
    server: ValkeyServer, *, tls: ssl.SSLContext | None = None, pause: float = 0.0
) -> AsyncIterator[int]:
    """Yield a port that leads to a server; a `pause` follows each 64 KiB of the requests."""

    async def copy(
        reader: asyncio.StreamReader, writer: asyncio.StreamWriter, pause: float
    ) -> None:
        with suppress(ConnectionError):
            while data := await reader.read(2**16):
                writer.write(data)
                await writer.drain()
                await asyncio.sleep(pause)
        writer.close()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        upstream, to_server = await asyncio.open_connection(server.host, server.port)
        links.append(asyncio.gather(copy(reader, to_server, pause), copy(upstream, writer, 0)))

    links: list[asyncio.Future[Any]] = []
    listener = socket.socket()
    # Little may wait in the sockets.
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
    listener.bind(("127.0.0.1", 0))
    async with await asyncio.start_server(connected, sock=listener, ssl=tls):
        try:
            yield listener.getsockname()[1]
        finally:
            await asyncio.gather(*links)


def tls_context(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    """Return what a server needs that lets in our own certificate only."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=certificate[0])
    context.load_cert_chain(*certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    return context


async def test_tls_is_spoken_and_verified(
    redis_url: str, valkey_server: ValkeyServer, certificate: tuple[Path, Path]
) -> None:
    file, key = certificate
    async with front(valkey_server, tls=tls_context(certificate)) as port:
        ours = f"tls_cert={file}&tls_key={key}"
        value = b"x" * 1_000_000
        for trust in (f"tls_ca={file}", "tls_verify=no"):
            async with opened(f"rediss://127.0.0.1:{port}?{ours}&{trust}") as backend:
                etag = mint()
                assert await do(backend, Write("k", value, etag)) is True
                assert await do(backend, Read("k")) == Record(value, etag)
        stranger = RedisBackend.from_url(f"rediss://127.0.0.1:{port}?{ours}")
        with pytest.raises(ConfigurationError, match="tls_ca"):
            await stranger.open()
        await stranger.close()
        nobody = RedisBackend.from_url(f"rediss://127.0.0.1:{port}?tls_ca={file}")
        with pytest.raises(Unavailable):
            await nobody.open()
        await nobody.close()

"""Replicas: who must confirm a strong write, and who may serve a read."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from etagere.backend import Reach
from etagere.errors import NotReplicated, NotSupported, Unavailable
from etagere.operations import (
    ABSENT,
    Conflict,
    Mutation,
    Outcome,
    Read,
    Record,
    Remove,
    Touch,
    Transaction,
    Write,
)
from etagere_redis import RedisBackend
from tests.backends.redis.support import EVENTUAL, STRONG, do, mint, opened, until
from tests.servers import ValkeyServer, tcp_proxy, valkey

pytestmark = pytest.mark.anyio

QUICKLY = "?ack_timeout=0.2"


@pytest.fixture(scope="module")
def group(redis_binary: Path | None) -> Iterator[ValkeyServer]:
    with valkey(2, binary=redis_binary) as server:
        yield server


@pytest.fixture
def primary(group: ValkeyServer) -> ValkeyServer:
    """An empty primary with two replicas that follow."""
    group.call("FLUSHALL")
    assert group.call("WAIT", 2, 30_000) == 2
    return group


@contextmanager
def frozen(*servers: ValkeyServer) -> Iterator[None]:
    for server in servers:
        server.freeze()
    try:
        yield
    finally:
        for server in servers:
            server.thaw()


# --- strong writes --------------------------------------------------------------------------------


async def test_a_strong_write_is_on_as_many_replicas_as_it_needs(primary: ValkeyServer) -> None:
    async with opened(primary.url + "?acks=2") as backend:
        for number in range(50):
            assert await do(backend, Write("k", b"%d" % number, mint()), STRONG) is True
            assert [r.call("HGET", "k", "value") for r in primary.replicas] == [str(number)] * 2


async def test_a_majority_is_enough(primary: ValkeyServer) -> None:
    async with opened(primary.url + QUICKLY) as backend:
        assert backend.capabilities.reach is Reach.PRIMARY
        with frozen(primary.replicas[0]):
            assert await do(backend, Write("k", b"", mint()), STRONG) is True
            assert primary.replicas[1].call("EXISTS", "k") == 1


STRONG_WRITES: list[tuple[Mutation, str, str | None, Outcome]] = [
    (Write("k", b"2", "e2", "e1"), "k", "e2", Record(b"2", "e2")),
    (Write("k", b"1", "e1"), "k", "e1", Record(b"1", "e1")),  # in place already
    (Touch("k", None), "k", None, Record(b"1", "e1")),
    (Remove("k", "e1"), "k", None, None),
    (Transaction((Remove("x"), Write("k", b"2", "e2"))), "x", None, Record(b"2", "e2")),
    (Transaction((Write("k", b"1", "e1"),)), "k", None, Record(b"1", "e1")),
]


@pytest.mark.parametrize(("operation", "key", "etag", "left"), STRONG_WRITES)
async def test_a_write_that_replicas_did_not_confirm_is_in_place_and_says_so(
    primary: ValkeyServer, operation: Mutation, key: str, etag: str | None, left: Outcome
) -> None:
    with frozen(*primary.replicas):
        # Another connection than that of the strong write, as after a lost reply: what was written
        # there counts for nothing here.
        async with opened(primary.url + "?acks=0") as other:
            assert await do(other, Write("k", b"1", "e1")) is True
        async with opened(primary.url + QUICKLY) as backend:
            (outcome,) = await backend.execute([operation], STRONG)
            assert isinstance(outcome, NotReplicated)
            assert (outcome.key, outcome.etag) == (key, etag)
            assert "0 of 1 replicas" in str(outcome)
            assert "ack_timeout=0.2" in str(outcome)
            assert await do(backend, Read("k"), STRONG) == left
    async with opened(primary.url) as backend:
        assert await do(backend, Write("z", b"", mint()), STRONG) is True


async def test_what_changed_nothing_needs_no_replicas(primary: ValkeyServer) -> None:
    async with opened(primary.url + QUICKLY) as backend:
        assert await do(backend, Write("k", b"1", "e1"), STRONG) is True
        with frozen(*primary.replicas):
            batch: list[Mutation] = [
                Write("k", b"2", "e2", ABSENT),
                Remove("x"),
                Touch("x", 1),
                Transaction((Remove("x"),)),
                Transaction((Remove("x"), Remove("k", "e9"))),
                Write("l", b"1", "e3"),
            ]
            *unchanged, written = await backend.execute(batch, STRONG)
    assert unchanged == [Conflict("e1"), False, False, (False,), Conflict("e1", 1)]
    assert isinstance(written, NotReplicated)


async def test_acks_in_the_url_are_what_counts(primary: ValkeyServer) -> None:
    with frozen(primary.replicas[0]):
        async with opened(primary.url + "?acks=2&ack_timeout=0.2") as backend:
            outcome = await do(backend, Write("k", b"", mint()), STRONG)
            assert isinstance(outcome, NotReplicated)
            assert "1 of 2 replicas" in str(outcome)
        async with opened(primary.url + "?acks=0") as backend:
            assert await do(backend, Write("k", b"", mint()), STRONG) is True


async def test_eventual_writes_do_not_wait_for_replicas(primary: ValkeyServer) -> None:
    async with opened(primary.url + "?ack_timeout=30") as backend:
        assert await do(backend, Write("k", b"", mint()), STRONG) is True
        with frozen(*primary.replicas):
            strong = asyncio.create_task(do(backend, Write("k", b"1", "e1"), STRONG))
            await until(lambda: primary.call("HGET", "k", "etag") == "e1", "the strong write")
            assert await do(backend, Write("k", b"2", "e2", "e1")) is True
            assert await do(backend, Read("k")) == Record(b"2", "e2")
            assert not strong.done()
        assert await strong is True


async def test_a_connection_that_breaks_before_the_replicas_confirm_leaves_the_write(
    primary: ValkeyServer,
) -> None:
    async with (
        tcp_proxy(primary.host, primary.port) as proxy,
        opened(f"redis://{proxy.host}:{proxy.port}?ack_timeout=30") as backend,
    ):
        assert await do(backend, Write("k", b"", "e0"), STRONG) is True
        with frozen(*primary.replicas):
            replies = proxy.replies.bytes
            strong = asyncio.create_task(do(backend, Write("k", b"1", "e1"), STRONG))
            await until(lambda: proxy.replies.bytes > replies, "the reply of the script")
            await asyncio.sleep(0.05)
            proxy.cut()
            outcome = await strong
    assert isinstance(outcome, NotReplicated)
    assert "not known" in str(outcome)


async def test_replicas_that_are_gone_still_count(redis_binary: Path | None) -> None:
    async with (
        valkey(3, binary=redis_binary) as primary,
        opened(primary.url + QUICKLY) as backend,
    ):
        assert await do(backend, Write("k", b"", mint()), STRONG) is True
        for replica in primary.replicas[:2]:
            await asyncio.to_thread(replica.kill)
        backend._topology.forget()  # it looks again, and finds one replica
        outcome = await do(backend, Write("k", b"", mint()), STRONG)
        assert isinstance(outcome, NotReplicated)
        assert "1 of 2 replicas" in str(outcome)


async def test_fewer_replicas_than_the_server_wants_is_unavailable(primary: ValkeyServer) -> None:
    primary.call("CONFIG", "SET", "min-replicas-to-write", "3")
    try:
        async with opened(primary.url) as backend:
            outcome = await do(backend, Write("k", b"", mint()))
    finally:
        primary.call("CONFIG", "SET", "min-replicas-to-write", "0")
    assert isinstance(outcome, Unavailable)
    assert "min-replicas-to-write" in str(outcome)


# --- without replicas -----------------------------------------------------------------------------


async def test_without_replicas_strong_is_refused(redis_url: str) -> None:
    async with opened(redis_url) as backend:
        assert backend.capabilities.reach is Reach.NONE
        assert "acks=0" in backend.capabilities.why_not_strong
        operations = [Read("k"), Write("k", b"", "e"), Remove("k"), Touch("k", 1)]
        for operation in (*operations, Transaction((Remove("k"),))):
            with pytest.raises(NotSupported, match="acks=0"):
                await backend.execute([operation], STRONG)
        with pytest.raises(NotSupported, match="acks=0"):
            await anext(backend.scan("", "", None, STRONG))
        assert await do(backend, Read("k")) is None


async def test_without_replicas_the_primary_can_be_made_enough(redis_url: str) -> None:
    async with opened(redis_url + "?acks=0") as backend:
        assert backend.capabilities.reach is Reach.PRIMARY
        assert await do(backend, Write("k", b"", "e"), STRONG) is True
        assert await do(backend, Read("k"), STRONG) == Record(b"", "e")
        assert [keys async for keys in backend.scan("", "", None, STRONG)] == [["k"]]


async def test_a_replica_that_comes_later_makes_strong_possible(redis_binary: Path | None) -> None:
    async with (
        valkey(binary=redis_binary) as primary,
        valkey(binary=redis_binary) as replica,
        opened(primary.url) as backend,
    ):
        assert not backend.capabilities.strong
        replica.call("REPLICAOF", primary.host, primary.port)
        await until(lambda: primary.call("ROLE")[2], "the replica")
        await backend.maintain()
        assert backend.capabilities.strong
        assert await do(backend, Write("k", b"", "e"), STRONG) is True
        assert replica.call("HGET", "k", "etag") == "e"


# --- a primary that is none -----------------------------------------------------------------------


async def test_a_primary_that_became_a_replica_answers_no_strong_reads(
    redis_binary: Path | None,
) -> None:
    async with (
        valkey(binary=redis_binary) as old,
        valkey(binary=redis_binary) as new,
        opened(old.url + "?acks=0") as backend,
    ):
        assert await do(backend, Write("k", b"", "e"), STRONG) is True
        assert await do(backend, Read("k"), STRONG) == Record(b"", "e")
        old.call("REPLICAOF", new.host, new.port)
        for call in (Read("k"), Write("k", b"", "f"), Remove("k")):
            outcome = await do(backend, call, STRONG)
            assert isinstance(outcome, Unavailable)
            assert "not a primary" in str(outcome) or "not the primary" in str(outcome)
        with pytest.raises(Unavailable):
            await anext(backend.scan("", "", None, STRONG))
        outcome = await do(backend, Write("k", b"", "f"))
        assert isinstance(outcome, Unavailable)
        assert "not the primary" in str(outcome)
        old.call("REPLICAOF", "NO", "ONE")
        assert await do(backend, Write("k", b"", "f")) is True


async def test_a_url_that_leads_to_a_replica_says_so(primary: ValkeyServer) -> None:
    backend = RedisBackend.from_url(primary.replicas[0].url)
    with pytest.raises(Unavailable, match="not a primary but a slave"):
        await backend.open()
    await backend.close()


# --- reads from replicas --------------------------------------------------------------------------


@pytest.fixture
async def lagging(redis_binary: Path | None) -> AsyncIterator[ValkeyServer]:
    """A primary whose only replica hears everything half a second late."""
    async with valkey(1, binary=redis_binary, replica_lag=0.5) as server:
        yield server


async def test_eventual_reads_may_be_stale_and_strong_ones_are_not(lagging: ValkeyServer) -> None:
    async with opened(lagging.url + "?reads=replica&acks=0") as backend:
        assert await do(backend, Write("k", b"", "e1")) is True
        assert await do(backend, Read("k")) is None
        assert await do(backend, Read("k"), STRONG) == Record(b"", "e1")
        await until(lambda: is_there(backend, "e1"), "the replica to hear of it")


async def test_replicas_are_read_only_where_the_url_says_so(lagging: ValkeyServer) -> None:
    async with opened(lagging.url) as backend:
        assert await do(backend, Write("k", b"", "e1")) is True
        assert await do(backend, Read("k")) == Record(b"", "e1")


async def test_named_replicas_are_read(lagging: ValkeyServer) -> None:
    url = f"{lagging.url}?reads=replica&replicas={lagging.replicas[0].address}"
    async with opened(url) as backend:
        assert await do(backend, Write("k", b"", "e1")) is True
        assert await do(backend, Read("k")) is None
        await until(lambda: is_there(backend, "e1"), "the replica to hear of it")


async def test_a_reader_stays_with_one_replica(primary: ValkeyServer) -> None:
    async with opened(primary.url + "?reads=replica") as backend:
        assert await do(backend, Write("k", b"", "e"), STRONG) is True
        before = [hits(replica) for replica in primary.replicas]
        for _ in range(20):
            await do(backend, Read("k"))
        gained = [hits(replica) - n for replica, n in zip(primary.replicas, before, strict=True)]
        assert sorted(gained) == [0, 20]


def hits(server: ValkeyServer) -> int:
    stats = server.call("INFO", "commandstats")
    return int(stats.get("cmdstat_hmget", {}).get("calls", 0))


@pytest.mark.parametrize("how", ["kill", "freeze"])
async def test_the_primary_stands_in_for_its_replicas(redis_binary: Path | None, how: str) -> None:
    async with valkey(2, binary=redis_binary) as primary:
        url = primary.url + "?reads=replica&connect_timeout=0.3"
        async with opened(url) as backend:
            assert await do(backend, Write("k", b"", "e")) is True
            await until(lambda: is_there(backend, "e"), "the replica to hear of it")
            for replica in primary.replicas:
                await asyncio.to_thread(getattr(replica, how))
                assert await do(backend, Read("k")) == Record(b"", "e")
            # They are left alone for a while.
            started = time.monotonic()
            assert await do(backend, Read("k")) == Record(b"", "e")
            assert time.monotonic() - started < 0.3


async def test_replicas_can_be_read_while_the_primary_is_down(redis_binary: Path | None) -> None:
    async with (
        valkey(1, binary=redis_binary) as primary,
        opened(primary.url + "?reads=replica") as backend,
    ):
        assert await do(backend, Write("k", b"", "e"), STRONG) is True
        assert await do(backend, Read("k")) == Record(b"", "e")
        await asyncio.to_thread(primary.kill)
        for _ in range(3):
            assert await do(backend, Read("k")) == Record(b"", "e")
        assert isinstance(await do(backend, Read("k"), STRONG), Unavailable)


async def is_there(backend: RedisBackend, etag: str) -> bool:
    record = await do(backend, Read("k"), EVENTUAL)
    return isinstance(record, Record) and record.etag == etag

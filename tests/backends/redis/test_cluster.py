"""A cluster: slots, redirections, and what it cannot do."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis.crc import key_slot

from etagere.backend import Reach, TransactionScope
from etagere.errors import NotReplicated, NotSupported, StoreFailed, Unavailable
from etagere.operations import (
    ABSENT,
    ANYTHING,
    Consistency,
    Mutation,
    Read,
    Record,
    Remove,
    Touch,
    Transaction,
    Write,
)
from etagere_redis import RedisBackend
from tests.backends.redis.support import EVENTUAL, STRONG, Model, do, mint, opened, until
from tests.servers import ValkeyCluster, ValkeyServer, free_port, valkey, valkey_cluster

pytestmark = pytest.mark.anyio

NAMES = [f"k{number}" for number in range(100)]


@pytest.fixture(scope="module")
def nodes(redis_binary: Path | None) -> Iterator[ValkeyCluster]:
    with valkey_cluster(3, binary=redis_binary) as cluster:
        yield cluster


@pytest.fixture
def cluster(nodes: ValkeyCluster) -> ValkeyCluster:
    """An empty cluster of three primaries that have never seen a script."""
    for node in nodes.nodes:
        node.call("FLUSHALL")
        node.call("SCRIPT FLUSH")
    return nodes


@pytest.fixture
async def backend(cluster: ValkeyCluster) -> AsyncIterator[RedisBackend]:
    async with opened(cluster.url + "?acks=0") as backend:
        yield backend


def owner_of(cluster: ValkeyCluster, slot: int) -> ValkeyServer:
    for first, last, (_, port, *_), *_ in cluster.nodes[0].call("CLUSTER", "SLOTS"):
        if first <= slot <= last:
            return next(node for node in cluster.nodes if node.port == port)
    raise AssertionError(f"nobody has slot {slot}")


def another_than(cluster: ValkeyCluster, node: ValkeyServer) -> ValkeyServer:
    return next(other for other in cluster.nodes if other is not node)


def node_id(node: ValkeyServer) -> str:
    return node.call("CLUSTER", "MYID")


# --- keys over nodes ------------------------------------------------------------------------------


async def test_batches_spread_over_the_nodes_and_keep_their_order(
    backend: RedisBackend, cluster: ValkeyCluster
) -> None:
    writes = [Write(name, b"%d" % n, f"{name}-{n}") for n in range(3) for name in NAMES]
    assert await backend.execute(writes, EVENTUAL) == [True] * 300
    found = await backend.execute([Read(name) for name in reversed(NAMES)], EVENTUAL)
    assert found == [Record(b"2", f"{name}-2") for name in reversed(NAMES)]
    assert all(node.call("DBSIZE") > 10 for node in cluster.nodes)
    assert await backend.execute([Read(name) for name in NAMES], STRONG) == found[::-1]


async def test_listing_goes_over_all_nodes(backend: RedisBackend) -> None:
    await backend.execute([Write(name, b"", mint()) for name in NAMES], EVENTUAL)
    for level in (EVENTUAL, STRONG):
        pages = [page async for page in backend.scan("k", "k5", 30, level)]
        assert [key for page in pages for key in page] == sorted(NAMES)[46:76]


def test_a_cluster_says_how_far_transactions_reach(cluster: ValkeyCluster) -> None:
    capabilities = RedisBackend.from_url(cluster.url).capabilities
    assert capabilities.transactions is TransactionScope.SAME_SLOT


async def test_transactions_across_slots_are_refused_alone(backend: RedisBackend) -> None:
    across = Transaction((Write("a", b"", "e1"), Write("b", b"", "e2")))
    before, refused, together, after = await backend.execute(
        [
            Write("a", b"", "e0"),
            across,
            Transaction((Write("{t}a", b"", "e3"), Write("{t}b", b"", "e4"))),
            Write("b", b"", "e5", ABSENT),
        ],
        EVENTUAL,
    )
    assert (before, together, after) == (True, (True, True), True)
    assert isinstance(refused, NotSupported)
    assert "{order-7}" in str(refused)
    with pytest.raises(NotSupported):
        await backend.execute([across], EVENTUAL)
    assert await do(backend, Transaction(())) == ()


tagged = st.sampled_from(["{t}a", "{t}b", "{t}c"])
keys = st.one_of(tagged, st.sampled_from(["x", "y"]))
etags = st.sampled_from(["e1", "e2", "e3"])
expected = st.one_of(st.just(ANYTHING), st.just(ABSENT), etags)
writes = st.builds(Write, keys, st.binary(max_size=3), etags, expected)
parts = st.one_of(
    st.builds(Write, tagged, st.binary(max_size=3), etags, expected),
    st.builds(Remove, tagged, expected),
)
operations = st.one_of(
    writes,
    st.builds(Remove, keys, expected),
    st.builds(Touch, keys, st.none(), expected),
    st.builds(Transaction, st.lists(parts, max_size=3).map(tuple)),
)


@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=st.lists(st.lists(operations, min_size=1, max_size=12), min_size=1, max_size=3))
async def test_batches_do_what_the_contract_says(
    backend: RedisBackend, cluster: ValkeyCluster, batches: list[list[Mutation]]
) -> None:
    for node in cluster.nodes:
        node.call("FLUSHALL")
    model = Model()
    for batch in batches:
        outcomes = await backend.execute(batch, EVENTUAL)
        assert list(outcomes) == [model.apply(operation, 0) for operation in batch]


# --- slots on the move ----------------------------------------------------------------------------


def give(cluster: ValkeyCluster, slot: int, target: ValkeyServer) -> None:
    """Make a node the owner of a slot, as far as the nodes know."""
    for node in (target, *cluster.nodes):
        node.call("CLUSTER", "SETSLOT", slot, "NODE", node_id(target))


def move_key(source: ValkeyServer, target: ValkeyServer, key: str) -> None:
    assert source.call("MIGRATE", target.host, target.port, key, 0, 5000) == "OK"


async def test_a_slot_that_moved_is_followed(backend: RedisBackend, cluster: ValkeyCluster) -> None:
    slot = key_slot(b"moving")
    source = owner_of(cluster, slot)
    target = another_than(cluster, source)
    batch = [Write("moving", b"1", "e1"), *(Write(name, b"", name) for name in NAMES)]
    assert await backend.execute(batch, EVENTUAL) == [True] * 101
    begin_migration(slot, source, target)
    move_key(source, target, "moving")
    give(cluster, slot, target)
    batch = [Write("moving", b"2", "e2", "e1"), *(Write(name, b"", name) for name in NAMES)]
    assert await backend.execute(batch, STRONG) == [True] * 101
    assert target.call("HGET", "moving", "etag") == "e2"


@pytest.mark.parametrize("level", [EVENTUAL, STRONG])
async def test_reads_follow_a_slot_that_moved(
    backend: RedisBackend, cluster: ValkeyCluster, level: Consistency
) -> None:
    slot = key_slot(b"moving")
    source = owner_of(cluster, slot)
    target = another_than(cluster, source)
    assert await do(backend, Write("moving", b"1", "e1")) is True
    begin_migration(slot, source, target)
    move_key(source, target, "moving")
    give(cluster, slot, target)
    redirected = errors_of(source, "MOVED")
    batch = [Read("moving"), *(Read(name) for name in NAMES)]
    for _ in range(3):
        found = await backend.execute(batch, level)
        assert found == [Record(b"1", "e1"), *[None] * 100]
    assert errors_of(source, "MOVED") == redirected + 1  # it knows after the first time


def errors_of(node: ValkeyServer, code: str) -> int:
    stats = node.call("INFO", "errorstats")
    return int(stats.get(f"errorstat_{code}", {}).get("count", 0))


def begin_migration(slot: int, source: ValkeyServer, target: ValkeyServer) -> None:
    target.call("CLUSTER", "SETSLOT", slot, "IMPORTING", node_id(source))
    source.call("CLUSTER", "SETSLOT", slot, "MIGRATING", node_id(target))


async def test_keys_of_a_slot_that_is_moving_can_be_used(
    backend: RedisBackend, cluster: ValkeyCluster
) -> None:
    """Half of the slot is there already, half is here still."""
    slot = key_slot(b"{m}1")
    source = owner_of(cluster, slot)
    target = another_than(cluster, source)
    names = [f"{{m}}{n}" for n in range(4)]
    for name in names:
        assert await do(backend, Write(name, b"", name)) is True
    begin_migration(slot, source, target)
    for name in names[:2]:
        move_key(source, target, name)
    found = await backend.execute([Read(name) for name in (*names, "{m}new")], EVENTUAL)
    assert found == [*(Record(b"", name) for name in names), None]
    batch = [Write(name, b"2", f"{name}-2", name) for name in names]
    assert await backend.execute([*batch, Write("{m}new", b"", "e")], EVENTUAL) == [True] * 5
    assert await do(backend, Read("{m}new")) == Record(b"", "e")
    there = Transaction((Remove(names[0]), Remove(names[1])))
    here = Transaction((Remove(names[2]), Remove(names[3])))
    both = Transaction((Write(names[1], b"", mint()), Write(names[3], b"", mint())))
    outcome = await do(backend, both)
    assert isinstance(outcome, Unavailable)
    assert "moving" in str(outcome)
    assert await backend.execute([there, here], EVENTUAL) == [(True, True)] * 2
    give(cluster, slot, target)
    assert await do(backend, both) == (True, True)


# --- nodes that are gone --------------------------------------------------------------------------


async def test_one_node_down_leaves_the_others(redis_binary: Path | None) -> None:
    async with valkey_cluster(3, binary=redis_binary) as cluster:
        for node in cluster.nodes:
            node.call("CONFIG", "SET", "cluster-require-full-coverage", "no")
        async with opened(cluster.url + "?acks=0") as backend:
            await backend.execute([Write(name, b"", name) for name in NAMES], EVENTUAL)
            gone = cluster.nodes[0]
            slots = {name: owner_of(cluster, key_slot(name.encode())) for name in NAMES}
            await asyncio.to_thread(gone.kill)
            for _ in range(2):
                found = await backend.execute([Read(name) for name in NAMES], EVENTUAL)
                for name, outcome in zip(NAMES, found, strict=True):
                    if slots[name] is gone:
                        assert isinstance(outcome, Unavailable)
                    else:
                        assert outcome == Record(b"", name)
            with pytest.raises(Unavailable):
                await backend.ping()
            await asyncio.to_thread(gone.restart)
            await until(lambda: is_whole(backend), "the node to be back")


async def is_whole(backend: RedisBackend) -> bool:
    found = await backend.execute([Read(name) for name in NAMES], EVENTUAL)
    return not any(isinstance(outcome, Exception) for outcome in found)


async def test_any_node_leads_to_the_cluster(cluster: ValkeyCluster) -> None:
    url = f"redis+cluster://127.0.0.1:{free_port()},{cluster.nodes[2].address}?acks=0"
    async with opened(url) as backend:
        outcomes = await backend.execute([Write(name, b"", mint()) for name in NAMES], STRONG)
        assert outcomes == [True] * len(NAMES)


async def test_no_node_at_all_is_unavailable(cluster: ValkeyCluster) -> None:
    backend = RedisBackend.from_url(f"redis+cluster://127.0.0.1:{free_port()}")
    with pytest.raises(Unavailable, match="no node of the Redis cluster"):
        await backend.open()
    await backend.close()


async def test_a_server_that_is_no_cluster_says_so(redis_url: str) -> None:
    backend = RedisBackend.from_url(redis_url.replace("redis://", "redis+cluster://"))
    with pytest.raises(Unavailable, match="cluster support disabled"):
        await backend.open()
    await backend.close()


async def test_a_url_of_a_single_server_that_leads_to_a_cluster_says_so(
    cluster: ValkeyCluster,
) -> None:
    async with opened(cluster.nodes[0].url) as backend:
        outcomes = [await do(backend, Read(name)) for name in NAMES]
    lost = [outcome for outcome in outcomes if outcome is not None]
    assert 0 < len(lost) < len(NAMES)
    assert all("redis+cluster://" in str(outcome) for outcome in lost)


async def test_a_foreign_key_fails_alone(backend: RedisBackend, cluster: ValkeyCluster) -> None:
    owner_of(cluster, key_slot(b"k1")).call("SET", "k1", "text")
    outcomes = await backend.execute([Write(name, b"", mint()) for name in NAMES], EVENTUAL)
    assert [n for n, outcome in enumerate(outcomes) if outcome is not True] == [1]
    assert isinstance(outcomes[1], StoreFailed)
    assert "key 'k1'" in str(outcomes[1])


# --- replicas -------------------------------------------------------------------------------------


@pytest.fixture
async def replicated(redis_binary: Path | None) -> AsyncIterator[Sequence[ValkeyServer]]:
    """A cluster of one primary and two replicas."""
    settings = {"cluster-enabled": "yes", "cluster-node-timeout": "1000"}
    async with (
        valkey_cluster(1, binary=redis_binary) as cluster,
        valkey(binary=redis_binary, settings=settings) as one,
        valkey(binary=redis_binary, settings=settings) as two,
    ):
        primary = cluster.nodes[0]
        for replica in (one, two):
            replica.call("CLUSTER", "MEET", primary.host, primary.port)
            await until(lambda r=replica: knows(r, primary), "the nodes to meet")
            replica.call("CLUSTER", "REPLICATE", node_id(primary))
        await until(lambda: len(primary.call("ROLE")[2]) == 2, "the replicas")
        await until(lambda: len(primary.call("CLUSTER", "SLOTS")[0]) == 5, "the map")
        yield primary, one, two


def knows(node: ValkeyServer, other: ValkeyServer) -> bool:
    return node_id(other) in str(node.call("CLUSTER", "NODES")) and not _handshaking(node)


def _handshaking(node: ValkeyServer) -> bool:
    return "handshake" in str(node.call("CLUSTER", "NODES"))


async def test_without_replicas_strong_is_refused(cluster: ValkeyCluster) -> None:
    async with opened(cluster.url) as backend:
        assert backend.capabilities.reach is Reach.NONE
        batch = [Write(name, b"", mint()) for name in NAMES]
        outcomes = await backend.execute(batch, STRONG)
        assert all(isinstance(outcome, NotSupported) for outcome in outcomes)


async def test_strong_writes_wait_for_the_replicas_of_their_shard(
    replicated: Sequence[ValkeyServer],
) -> None:
    primary, *replicas = replicated
    async with opened(f"redis+cluster://{primary.address}?ack_timeout=0.3") as backend:
        assert backend.capabilities.reach is Reach.PRIMARY
        assert await do(backend, Write("k", b"", "e1"), STRONG) is True
        for replica in replicas:
            replica.freeze()
        outcome = await do(backend, Write("k", b"", "e2"), STRONG)
        for replica in replicas:
            replica.thaw()
        assert isinstance(outcome, NotReplicated)
        assert await do(backend, Read("k"), STRONG) == Record(b"", "e2")


async def test_eventual_reads_may_come_from_replicas(replicated: Sequence[ValkeyServer]) -> None:
    primary, *replicas = replicated
    url = f"redis+cluster://{primary.address}?reads=replica&acks=2"
    async with opened(url) as backend:
        assert await do(backend, Write("k", b"", "e1"), STRONG) is True
        before = sum(map(reads_of, replicas))
        assert await backend.execute([Read("k")] * 10, EVENTUAL) == [Record(b"", "e1")] * 10
        assert sum(map(reads_of, replicas)) == before + 10


def reads_of(server: ValkeyServer) -> int:
    stats = server.call("INFO", "commandstats")
    return int(stats.get("cmdstat_hmget", {}).get("calls", 0))


async def test_a_replica_that_took_over_is_found(replicated: Sequence[ValkeyServer]) -> None:
    primary, heir, _ = replicated
    async with opened(f"redis+cluster://{primary.address},{heir.address}") as backend:
        assert await do(backend, Write("k", b"", "e1"), STRONG) is True
        heir.call("CLUSTER", "FAILOVER", "TAKEOVER")
        await until(lambda: heir.call("ROLE")[0] == "master", "the heir")
        await until(lambda: primary.call("ROLE")[0] == "slave", "the old primary to yield")

        async def writes() -> bool:
            return await do(backend, Write("k", b"", mint()), STRONG) is True

        await until(writes, "the new primary")
        await asyncio.to_thread(primary.kill)
        assert isinstance(await do(backend, Read("k")), Record)

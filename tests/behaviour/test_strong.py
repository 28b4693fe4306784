"""Strong writes on servers with replicas, when these do not confirm in time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable

import pytest

import etagere
from etagere import Certainty, Delete, Item, NotReplicated, NotSupported, Set, Store
from tests.servers import postgres, tcp_proxy, valkey

pytestmark = pytest.mark.anyio


class Cluster:
    """A primary, and replicas that can be told to fall behind."""

    def __init__(self, url: str, hold: Callable[[], None], release: Callable[[], None]) -> None:
        self.url = url
        self.hold = hold
        self.release = release


@pytest.fixture(scope="module", params=["redis", "postgres"])
async def cluster(request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    if request.param == "redis":
        with valkey(replicas=2, replica_lag=0.0) as server:
            replicas = server.replicas
            yield Cluster(
                f"{server.url}?ack_timeout=0.2",
                lambda: [replica.hold() for replica in replicas] and None,
                lambda: [replica.release() for replica in replicas] and None,
            )
    else:
        with postgres(standbys=2, sync="ANY 1 (s1, s2)") as primary:
            standbys = primary.standbys
            yield Cluster(
                f"{primary.url}?ack_timeout=0.2",
                lambda: [standby.freeze() for standby in standbys] and None,
                lambda: [standby.thaw() for standby in standbys] and None,
            )


@pytest.fixture
async def store(cluster: Cluster) -> AsyncIterator[Store]:
    async with etagere.open(cluster.url, require=["strong"]) as store:
        yield store


class TestTooFewConfirm:
    """What is written is said to be written, and not to be safe."""

    async def test_a_set(self, cluster: Cluster, store: Store, key: str) -> None:
        etag = await store.set(key, b"1", consistency="strong")
        cluster.hold()
        try:
            with pytest.raises(NotReplicated, match=f"key '{key}'") as raised:
                await store.set(key, b"2", etag=etag, consistency="strong")
            error = raised.value
            assert (error.key, error.certainty) == (key, Certainty.APPLIED)
            assert await store.get(key, consistency="strong") == Item(key, b"2", str(error.etag))
            await store.set(key, b"3", etag=error.etag)  # eventual does not wait
        finally:
            cluster.release()
        await store.set(key, b"4", consistency="strong")

    async def test_everything_else(self, cluster: Cluster, store: Store, key: str) -> None:
        a, b, c = (f"{key}/{name}" for name in "abc")
        await store.set_many(dict.fromkeys([a, b, c], b"1"), consistency="strong")
        cluster.hold()
        try:
            with pytest.raises(NotReplicated):
                await store.delete(a, consistency="strong")
            with pytest.raises(NotReplicated):
                await store.touch(b, 60, consistency="strong")
            with pytest.raises(NotReplicated) as raised:
                await store.transact([Set(b, b"2"), Delete(c)], consistency="strong")
            assert raised.value.etag is None
            results = await store.set_many([Set(a, b"3"), Set(b, b"3")], consistency="strong")
            assert [type(result) for result in results] == [NotReplicated, NotReplicated]
        finally:
            cluster.release()
        values = [item and item.value for item in await store.get_many([a, b, c])]
        assert values == [b"3", b"3", None]

    async def test_a_conflict_is_still_a_conflict(
        self, cluster: Cluster, store: Store, key: str
    ) -> None:
        await store.set(key, b"1", consistency="strong")
        cluster.hold()
        try:
            with pytest.raises(etagere.ETagMismatch):
                await store.set(key, b"2", concurrency="first-write", consistency="strong")
        finally:
            cluster.release()


async def test_a_write_that_is_found_is_as_strong_as_it_was_asked_to_be() -> None:
    """Its answer is lost, and no replica has it: found on the primary, it is not yet strong."""
    with valkey(replicas=2, replica_lag=0.0) as server:
        async with (
            tcp_proxy(server.host, server.port) as proxy,
            etagere.open(f"redis://{proxy.host}:{proxy.port}?ack_timeout=0.2") as store,
        ):
            etag = await store.set("k", b"old", consistency="strong")
            etag = await store.set("k", b"old", etag=etag, consistency="strong")
            for replica in server.replicas:
                replica.hold()
            for condition in (etag, None):
                proxy.drop_replies(containing=b"lost-answer")
                with pytest.raises(NotReplicated) as raised:
                    await store.set("k", b"lost-answer", etag=condition, consistency="strong")
                item = await store.get("k", consistency="strong")
                assert item is not None
                assert item.etag == raised.value.etag
            for replica in server.replicas:
                replica.release()
            proxy.drop_replies(containing=b"lost-answer")
            await store.set("k", b"lost-answer", consistency="strong")
            assert proxy.dropped == 3


async def test_a_lone_redis_is_not_strong_unless_the_url_says_so(key: str) -> None:
    with valkey() as server:
        async with etagere.open(server.url) as store:
            with pytest.raises(NotSupported, match="acks=0"):
                await store.set(key, b"", consistency="strong")
            with pytest.raises(NotSupported, match="acks=0"):
                await store.get(key, consistency="strong")
            assert store.capabilities.strong is False
        async with etagere.open(f"{server.url}?acks=0", require=["strong"]) as store:
            await store.set(key, b"", consistency="strong")

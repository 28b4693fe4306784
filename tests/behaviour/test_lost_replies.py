"""A write that was applied and whose answer was lost, on real connections."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import anyio
import pytest
from anyio.lowlevel import checkpoint

import etagere
from etagere import (
    Certainty,
    Delete,
    ETagMismatch,
    Item,
    OutcomeUnknown,
    Set,
    Store,
    Unavailable,
)
from tests.behaviour.targets import NETWORKED, Target
from tests.servers import TcpProxy, tcp_proxy

pytestmark = [pytest.mark.anyio, pytest.mark.targets(*NETWORKED)]


class Line(NamedTuple):
    """A store behind a proxy, and another that is not."""

    store: Store
    proxy: TcpProxy
    direct: Store
    commit: bytes
    """What in a transaction's traffic makes it take effect."""


@pytest.fixture
async def line(target: Target, store: Store) -> AsyncIterator[Line]:
    parts = urlsplit(target.url)
    assert parts.hostname is not None
    assert parts.port is not None
    async with tcp_proxy(parts.hostname, parts.port) as proxy:
        url = target.url.replace(f":{parts.port}/", f":{proxy.port}/")
        assert url != target.url
        async with etagere.open(url) as behind:
            await warm_up(behind)
            commit = b"COMMIT\0" if target.name == "postgres" else b"lost-answer"
            yield Line(behind, proxy, store, commit)


async def warm_up(store: Store) -> None:
    """Let every script and statement be known, so that what is lost is the write's own answer."""
    for level in ("eventual", "strong"):
        etag = await store.set("warm", b"", consistency=level)
        await store.set("warm", b"", etag=etag, consistency=level)
        await store.touch("warm", 60, consistency=level)
        await store.get("warm", consistency=level)
        await store.transact([Set("warm", b""), Delete("warm")], consistency=level)
        await store.delete("warm", consistency=level)


@pytest.mark.parametrize("level", ["eventual", "strong"])
class TestLostAnswer:
    async def test_of_a_conditional_write_is_no_conflict(
        self, line: Line, key: str, level: str
    ) -> None:
        etag = await line.store.set(key, b"old")
        line.proxy.drop_replies(containing=b"lost-answer")
        new = await line.store.set(key, b"lost-answer", etag=etag, consistency=level)
        assert line.proxy.dropped == 1
        assert await line.direct.get(key, consistency="strong") == Item(key, b"lost-answer", new)
        with pytest.raises(ETagMismatch):
            await line.store.set(key, b"lost-answer", etag=etag, consistency=level)

    @pytest.mark.parametrize("concurrency", ["last-write", "first-write"])
    async def test_of_a_blind_write_or_a_creation_is_found(
        self, line: Line, key: str, level: str, concurrency: str
    ) -> None:
        line.proxy.drop_replies(containing=b"lost-answer")
        new = await line.store.set(
            key, b"lost-answer", concurrency=concurrency, ttl=60, consistency=level
        )
        assert line.proxy.dropped == 1
        item = await line.direct.get(key, consistency="strong")
        assert item is not None
        assert (item.value, item.etag) == (b"lost-answer", new)
        assert item.expires_at is not None

    async def test_of_a_transaction_is_found(self, line: Line, key: str, level: str) -> None:
        etag = await line.store.set(f"{key}/a", b"")
        line.proxy.drop_replies(containing=line.commit)
        results = await line.store.transact(
            [Delete(f"{key}/a", etag=etag), Set(f"{key}/b", b"lost-answer")], consistency=level
        )
        assert line.proxy.dropped == 1
        assert results[0] is True
        assert await line.direct.get_many([f"{key}/a", f"{key}/b"], consistency="strong") == [
            None,
            Item(f"{key}/b", b"lost-answer", str(results[1])),
        ]

    async def test_of_part_of_a_transaction_undoes_it(
        self, line: Line, key: str, level: str
    ) -> None:
        """On PostgreSQL nothing is written yet, so all of it is sent again; elsewhere all is."""
        line.proxy.drop_replies(containing=b"lost-answer")
        (etag,) = await line.store.transact([Set(key, b"lost-answer")], consistency=level)
        assert line.proxy.dropped == 1
        assert await line.direct.get(key) == Item(key, b"lost-answer", str(etag))

    @pytest.mark.parametrize("conditional", [False, True])
    async def test_of_a_delete_is_unknown(
        self, line: Line, key: str, level: str, conditional: bool
    ) -> None:
        etag = await line.store.set(key, b"v")
        line.proxy.drop_replies(containing=key.encode())
        with pytest.raises(OutcomeUnknown) as raised:
            await line.store.delete(key, etag=etag if conditional else None, consistency=level)
        assert line.proxy.dropped == 1
        assert await line.direct.exists(key, consistency="strong") is False
        said = await line.store.settle(raised.value)
        assert said is (Certainty.UNKNOWN if conditional else Certainty.APPLIED)

    async def test_of_a_touch_is_unknown(self, line: Line, key: str, level: str) -> None:
        etag = await line.store.set(key, b"v")
        line.proxy.drop_replies(containing=key.encode())
        with pytest.raises(OutcomeUnknown) as raised:
            await line.store.touch(key, 60, etag=etag, consistency=level)
        assert await line.store.settle(raised.value) is Certainty.UNKNOWN
        item = await line.direct.get(key, consistency="strong")
        assert item is not None
        assert item.expires_at is not None

    async def test_of_a_read_is_asked_for_again(self, line: Line, key: str, level: str) -> None:
        etag = await line.store.set(key, b"v")
        line.proxy.drop_replies(containing=key.encode())
        assert await line.store.get(key, consistency=level) == Item(key, b"v", etag)
        assert line.proxy.dropped == 1

    async def test_of_a_batch_is_found_for_each(self, line: Line, key: str, level: str) -> None:
        names = [f"{key}/{n}" for n in range(40)]
        etags = await line.store.set_many(dict.fromkeys(names, b"old"))
        line.proxy.drop_replies(containing=b"lost-answer")
        requests = [
            Set(name, b"lost-answer", etag=str(etag) if n % 2 else None)
            for n, (name, etag) in enumerate(zip(names, etags, strict=True))
        ]
        results = await line.store.set_many(requests, consistency=level)
        assert line.proxy.dropped == 1
        items = await line.direct.get_many(names, consistency="strong")
        assert items == [
            Item(name, b"lost-answer", str(etag)) for name, etag in zip(names, results, strict=True)
        ]


class TestUnreachableAfterwards:
    """The answer is lost, and the store cannot look."""

    async def lose(
        self, line: Line, call: Callable[[], Awaitable[Any]], fatal: bytes = b"lost-answer"
    ) -> OutcomeUnknown:
        line.proxy.drop_replies(containing=fatal)
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self.go_away, line.proxy)
            with pytest.raises(OutcomeUnknown) as raised:
                await call()
        with pytest.raises(Unavailable):
            await line.store.settle(raised.value)
        return raised.value

    async def go_away(self, proxy: TcpProxy) -> None:
        while not proxy.dropped:
            await checkpoint()
        proxy.refuse()
        proxy.cut()

    @pytest.mark.parametrize("how", ["blind", "created", "conditional", "transaction"])
    async def test_settle_finds_it(self, line: Line, key: str, how: str) -> None:
        etag = await line.store.set(key, b"old") if how == "conditional" else None
        calls = {
            "blind": lambda: line.store.set(key, b"lost-answer"),
            "created": lambda: line.store.set(key, b"lost-answer", concurrency="first-write"),
            "conditional": lambda: line.store.set(key, b"lost-answer", etag=etag),
            "transaction": lambda: line.store.transact([Set(key, b"lost-answer"), Delete("x")]),
        }
        fatal = line.commit if how == "transaction" else b"lost-answer"
        error = await self.lose(line, calls[how], fatal)
        await line.proxy.accept()
        assert await line.store.settle(error) is Certainty.APPLIED
        item = await line.direct.get(key, consistency="strong")
        assert item is not None
        assert (item.value, error.etag) == (
            b"lost-answer",
            None if how == "transaction" else item.etag,
        )

    async def test_settle_does_not_guess(self, line: Line, key: str) -> None:
        error = await self.lose(line, lambda: line.store.set(key, b"lost-answer"))
        await line.direct.set(key, b"others")
        await line.proxy.accept()
        assert await line.store.settle(error) is Certainty.UNKNOWN

    async def test_never_sent_is_unavailable(self, line: Line, key: str) -> None:
        line.proxy.refuse()
        line.proxy.cut()
        with pytest.raises((Unavailable, OutcomeUnknown)):
            # The first may still go out on a connection that only seems to be alive.
            await line.store.set(key, b"v")
        with pytest.raises(Unavailable, match=f"key '{key}' was not written"):
            await line.store.set(key, b"v")
        await line.proxy.accept()
        await line.store.set(key, b"v")


async def test_connections_that_are_cut_again_and_again(line: Line, key: str) -> None:
    """Every increment that was confirmed took effect once; the store recovers by itself."""
    confirmed = unknown = 0

    async def increment(name: str) -> None:
        nonlocal confirmed, unknown
        for _ in range(25):
            try:
                await line.store.update(name, lambda old: b"%d" % (int(old or 0) + 1))
                confirmed += 1
            except OutcomeUnknown:
                unknown += 1
            except (Unavailable, ETagMismatch):
                await anyio.sleep(0.005)

    async def cut() -> None:
        while True:
            await anyio.sleep(0.015)
            line.proxy.cut()

    names = [f"{key}/{n}" for n in range(8)]
    with anyio.fail_after(60):
        async with anyio.create_task_group() as cutter:
            cutter.start_soon(cut)
            async with anyio.create_task_group() as tasks:
                for name in names:
                    tasks.start_soon(increment, name)
            cutter.cancel_scope.cancel()
    items = await line.direct.get_many(names, consistency="strong")
    total = sum(int(item.value) for item in items if isinstance(item, Item))
    assert confirmed <= total <= confirmed + unknown
    assert confirmed > 0

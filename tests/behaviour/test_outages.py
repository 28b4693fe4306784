"""Servers that are down, go away, come back, or stop answering. No store is opened again."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import anyio
import pytest
from anyio.to_thread import run_sync

import etagere
from etagere import (
    Certainty,
    EtagereError,
    Item,
    NotReplicated,
    OutcomeUnknown,
    Store,
    StoreFailed,
    Unavailable,
)
from tests.behaviour.targets import ALONE
from tests.servers import PostgresServer, ValkeyServer, postgres, valkey
from tests.servers.processes import Server

pytestmark = pytest.mark.anyio

SOON = 30.0


@pytest.fixture(scope="module", params=["redis", "postgres"])
async def server(request: pytest.FixtureRequest) -> AsyncIterator[Server]:
    """A server of the module's own, which loses nothing that it has confirmed."""
    made: Server = valkey(appendonly=True) if request.param == "redis" else postgres()
    async with made:
        yield made


@pytest.fixture
async def up(server: Server) -> Server:
    """The server, running."""
    server.thaw()
    if not server.running:
        await run_sync(server.restart)
    return server


def url_of(server: Server) -> str:
    assert isinstance(server, ValkeyServer | PostgresServer)
    return server.url + (ALONE if isinstance(server, ValkeyServer) else "")


async def works_again(store: Store, key: str) -> None:
    """Return once the store works, which must be soon."""
    with anyio.fail_after(SOON):
        while True:
            try:
                etag = await store.set(key, b"works")
                item = await store.get(key, consistency="strong")
            except (Unavailable, OutcomeUnknown):
                await anyio.sleep(0.01)
            else:
                assert item == Item(key, b"works", etag)
                return


class TestDown:
    async def test_at_the_start(self, up: Server, key: str) -> None:
        await run_sync(up.shut_down)
        async with etagere.open(url_of(up), timeout=3) as store:
            with anyio.fail_after(2.9):
                for call in (store.get(key), store.set(key, b""), store.delete(key)):
                    with pytest.raises(Unavailable, match=f"key '{key}'") as raised:
                        await call
                    assert raised.value.certainty is Certainty.NOT_APPLIED
                    assert raised.value.__cause__ is not None
                with pytest.raises(Unavailable):
                    await store.ping()
                with pytest.raises(Unavailable):
                    await anext(store.keys())
            await run_sync(up.restart)
            await works_again(store, key)

    async def test_at_the_start_with_something_required(self, up: Server) -> None:
        await run_sync(up.shut_down)
        with pytest.raises(Unavailable):
            async with etagere.open(url_of(up), timeout=3, require=["strong"]):
                pass
        await run_sync(up.restart)
        async with etagere.open(url_of(up), require=["strong"]) as store:
            await store.ping()

    async def test_for_a_while(self, up: Server, key: str) -> None:
        async with etagere.open(url_of(up), timeout=3) as store:
            etag = await store.set(key, b"before", consistency="strong")
            await run_sync(up.shut_down)
            with anyio.fail_after(SOON), pytest.raises((Unavailable, OutcomeUnknown)):
                await store.set(key, b"during", etag=etag)
            with anyio.fail_after(SOON), pytest.raises(Unavailable):
                await store.get(key)
            await run_sync(up.restart)
            with anyio.fail_after(SOON):
                while True:
                    try:
                        item = await store.get(key, consistency="strong")
                        break
                    except Unavailable:
                        await anyio.sleep(0.01)
            assert item == Item(key, b"before", etag)
            await works_again(store, key)


class TestFrozen:
    """Connections stay open, and nothing answers."""

    async def test_calls_end_in_time(self, up: Server, key: str) -> None:
        async with etagere.open(url_of(up), timeout=0.5) as store:
            await works_again(store, key)
            up.freeze()
            try:
                with anyio.fail_after(SOON):
                    with pytest.raises(Unavailable):
                        await store.get(key)
                    with pytest.raises((OutcomeUnknown, Unavailable)):
                        await store.set(key, b"")
                    results = await store.set_many({f"{key}/{n}": b"" for n in range(20)})
                    assert all(isinstance(result, EtagereError) for result in results)
                    with pytest.raises((OutcomeUnknown, Unavailable)):
                        await store.set(key, b"", timeout=0.1)
                    with pytest.raises(Unavailable):
                        await store.ping()
            finally:
                up.thaw()
            await works_again(store, key)

    async def test_closing_ends(self, up: Server, key: str) -> None:
        with anyio.fail_after(SOON):
            async with etagere.open(url_of(up), timeout=0.5) as store:
                await works_again(store, key)
                up.freeze()
                with pytest.raises((OutcomeUnknown, Unavailable)):
                    await store.set(key, b"", timeout=0.1)
        up.thaw()


class Diary:
    """What one writer tried, and what it was told."""

    def __init__(self, key: str) -> None:
        self.key = key
        self.number = 0
        self.confirmed: list[int] = []
        self.refused: set[int] = set()
        self.unknown: set[int] = set()

    async def write(self, store: Store) -> None:
        """Write the next number, strongly."""
        self.number += 1
        try:
            await store.set(self.key, b"%d" % self.number, consistency="strong")
            self.confirmed.append(self.number)
        except (OutcomeUnknown, NotReplicated):
            self.unknown.add(self.number)
        except (Unavailable, StoreFailed):
            self.refused.add(self.number)
            await anyio.sleep(0.005)

    @property
    def troubles(self) -> int:
        return len(self.refused) + len(self.unknown)

    def agrees_with(self, item: Any) -> bool:
        """Tell whether what is in the store can be what these writes left there."""
        found = int(item.value) if isinstance(item, Item) else 0
        last = self.confirmed[-1] if self.confirmed else 0
        return found >= last and found not in self.refused


@pytest.mark.parametrize("crash", [True, False], ids=["killed", "stopped"])
async def test_a_server_that_goes_and_comes_back_loses_no_confirmed_write(
    up: Server, key: str, crash: bool
) -> None:
    diaries = [Diary(f"{key}/{n}") for n in range(16)]
    going_on = True

    async def keep_writing(diary: Diary) -> None:
        while going_on:
            await diary.write(store)

    async def confirmed(more: int) -> None:
        """Return when every writer has had so many more writes confirmed."""
        before = [len(diary.confirmed) for diary in diaries]
        with anyio.fail_after(SOON):
            while any(len(d.confirmed) < n + more for d, n in zip(diaries, before, strict=True)):
                await anyio.sleep(0.005)

    async def disturbed() -> None:
        """Return when somebody has noticed that the server is gone."""
        troubles = sum(diary.troubles for diary in diaries)
        with anyio.fail_after(SOON):
            while sum(diary.troubles for diary in diaries) == troubles:
                await anyio.sleep(0.005)

    async with etagere.open(url_of(up), timeout=5) as store:
        async with anyio.create_task_group() as tasks:
            for diary in diaries:
                tasks.start_soon(keep_writing, diary)
            for _ in range(2):
                await confirmed(20)
                await run_sync(up.kill if crash else up.shut_down)
                await disturbed()
                await run_sync(up.restart)
            await confirmed(20)
            going_on = False
        items = await store.get_many([diary.key for diary in diaries], consistency="strong")
    for diary, item in zip(diaries, items, strict=True):
        assert diary.agrees_with(item), (item, vars(diary))


async def test_a_killed_process_loses_no_confirmed_write(tmp_path: Path, key: str) -> None:
    """On SQLite the process that writes is the server."""
    url = f"sqlite:///{tmp_path}/state.db"
    last = 0
    for _ in range(3):
        command = [sys.executable, "-m", "tests.behaviour.children", "count_up", url, key]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert process.stdout is not None
        with process:
            for _ in range(30):
                last = int(process.stdout.readline())
            process.kill()
            rest = process.stdout.read().split()
        # What was said before the kill was confirmed; the last line may be half of one.
        last = max([last, *(int(word) for word in rest[:-1])])
        async with etagere.open(url) as store:
            item = await store.get(key, consistency="strong")
        assert item is not None
        assert int(item.value) >= last

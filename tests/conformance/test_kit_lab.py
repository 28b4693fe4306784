"""The lab: stores of its own, nothing left behind, and what helps to watch."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

import etagere
import etagere.layers
from etagere import ETagMismatch, Unavailable
from etagere.conformance.lab import Lab
from etagere.conformance.paths import PATHS
from etagere.conformance.subjects import Subject, subject_of_url
from etagere.memory import MemoryBackend
from etagere.operations import Remove
from tests.listing import listed

pytestmark = pytest.mark.anyio


@pytest.fixture(params=["memory", "sqlite"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return "memory://" if request.param == "memory" else f"sqlite:///{tmp_path}/state.db"


def lab_on(url: str, seed: int = 1, **options: Any) -> Lab:
    return Lab(subject_of_url(url, **options), url, seed)


class TestStores:
    async def test_share_data(self, url: str) -> None:
        async with lab_on(url) as lab:
            key = lab.key()
            etag = await lab.store.set(key, b"1")
            async with lab.open() as other, lab.open() as third:
                await other.set(key, b"2", etag=etag)
                item = await third.get(key)
                assert item is not None
                assert item.value == b"2"
            assert (await lab.place(key, b"3")).value == b"3"

    async def test_have_backends_of_their_own_where_data_is_durable(self, tmp_path: Path) -> None:
        made: list[object] = []
        subject = subject_of_url(f"sqlite:///{tmp_path}/state.db")

        def make(url: str) -> Any:
            made.append(subject.make(url))
            return made[-1]

        counting = Subject(name="x", make=make, offered=subject.offered, url=subject.url)
        async with Lab(counting, subject.url or "", 1) as lab, lab.open():
            assert len(made) == 3  # one to look at, and one for each store

    async def test_by_another_url(self, tmp_path: Path) -> None:
        one, other = (f"sqlite:///{tmp_path}/{name}.db" for name in ("one", "other"))
        async with lab_on(one) as lab, lab.open(url=other) as elsewhere:
            item = await lab.place(lab.key())
            assert await elsewhere.get(item.key) is None

    async def test_layers(self, url: str) -> None:
        seen: list[object] = []

        class Spy(etagere.layers.Layer):
            async def execute(self, operations: Any, consistency: Any) -> Any:
                seen.extend(operations)
                return await super().execute(operations, consistency)

        async with lab_on(url) as lab, lab.open(layers=[Spy]) as store:
            await store.get(lab.key())
        assert len(seen) == 1


class TestKeys:
    async def test_are_deleted_in_the_end(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path}/state.db"
        async with lab_on(url) as lab:
            for path in PATHS:
                await path.set(lab, lab.key(), b"", ttl=60)
                with pytest.raises(ETagMismatch):
                    await path.set(lab, lab.key(), b"", etag="stale")
            async with lab.open() as other:
                await other.set_many(dict.fromkeys(lab.keys(500), b""))
            assert len(await listed(lab.store)) > 500
        async with etagere.open(url) as store:
            assert await listed(store) == []

    async def test_are_nobody_elses(self, tmp_path: Path) -> None:
        url = f"sqlite:///{tmp_path}/state.db"
        async with lab_on(url) as one, lab_on(url) as other:
            await one.store.set("same", b"one")
            assert await listed(other.store) == []
            await other.store.set("same", b"other")
            item = await one.read("same")
            assert item is not None
            assert item.value == b"one"

    async def test_are_fresh(self) -> None:
        async with lab_on("memory://") as lab:
            keys = [lab.key(), lab.key(), *lab.keys(3), *lab.together("a", "b"), *lab.keys(2)]
            assert len(set(keys)) == len(keys)

    async def test_that_belong_together_have_one_tag(self) -> None:
        async with lab_on("memory://") as lab:
            one, other = lab.together("a", "b")
            assert one.partition("}")[0] == other.partition("}")[0]
            assert one.startswith("{")

    async def test_a_store_that_fails_at_the_end_does_not_hide_what_was_found(self) -> None:
        class Failing(MemoryBackend):
            async def execute(self, operations: Any, consistency: Any) -> Any:
                if isinstance(operations[0], Remove):
                    raise RuntimeError("no removes")
                return await super().execute(operations, consistency)

        subject = Subject(name="x", make=lambda _: Failing(), offered=Failing.capabilities)
        async with Lab(subject, "", 1) as lab:
            await lab.place(lab.key())


class TestWatching:
    async def test_the_probe_must_agree(self) -> None:
        class Liar:
            def __init__(self, url: str) -> None:
                self.asked: list[str] = []

            async def get(self, key: str) -> tuple[bytes, str] | None:
                return (b"another", "etag")

        async with lab_on("memory://", probe=Liar) as lab:
            with pytest.raises(AssertionError, match="the probe finds"):
                await lab.place(lab.key())

    async def test_the_probe_gets_the_key_as_it_is_stored(self, tmp_path: Path) -> None:
        class Probe:
            """Another connection; it is open while the test runs."""

            def __init__(self, url: str) -> None:
                self.store = etagere.open(url)

            async def __aenter__(self) -> None:
                await self.store.__aenter__()

            async def __aexit__(self, *error: Any) -> None:
                await self.store.__aexit__(*error)

            async def get(self, key: str) -> tuple[bytes, str] | None:
                item = await self.store.get(key)
                return None if item is None else (item.value, item.etag)

        async with lab_on(f"sqlite:///{tmp_path}/state.db", probe=Probe) as lab:
            assert (await lab.place(lab.key(), b"seen")).value == b"seen"
            assert await lab.read(lab.key()) is None

    async def test_until(self) -> None:
        async with lab_on("memory://") as lab:
            key = lab.key()

            async def there() -> bool:
                return await lab.read(key) is not None

            with pytest.raises(AssertionError, match="still not so that it is there"):
                await lab.until(there, "it is there", seconds=0.02)
            await lab.place(key)
            await lab.until(there, "it is there", seconds=0.02)

    async def test_expired(self, url: str) -> None:
        async with lab_on(url) as lab:
            key = lab.key()
            etag = await lab.expired(key)
            assert etag
            assert await lab.store.get(key) is None

    async def test_the_journal_tells_what_was_asked_and_answered(self) -> None:
        async with lab_on("memory://") as lab:
            await lab.store.set("k", b"v" * 100)
            with pytest.raises(ETagMismatch):
                await lab.store.delete("k", etag="stale")
            await lab.store.get("none")
            await listed(lab.store)
            set_, delete, get, scan = lab.journal.lines()
        assert set_.startswith("1. store eventual: Write(key='k', value=b'vvv")
        assert "(100 long)" in set_
        assert set_.endswith("-> True")
        assert "Remove(key='k', expected='stale') -> Conflict(actual=" in delete
        assert get == "3. store eventual: Read(key='none') -> None"
        assert scan == "4. store eventual: scan(prefix='', after='', limit=None)"

    async def test_the_journal_keeps_the_last_lines(self) -> None:
        async with lab_on("memory://") as lab:
            await lab.store.get_many(lab.keys(1000))
            lines = lab.journal.lines()
        assert lines[0] == "... 800 before these"
        assert len(lines) == 201
        assert lines[-1].startswith("1000. ")

    async def test_what_is_recorded_belongs_to_the_failure(self) -> None:
        async with lab_on("memory://") as lab:
            assert lab.files() == {}
            client = lab.recorder.client("alice", lab.store)
            await client.set("cart", b"1 apple")
            lab.attach("note.txt", "é")
            files = lab.files()
        assert files["note.txt"] == "é".encode()
        assert b"cart" in files["history.jsonl"]


class TestSeeds:
    async def test_the_same_seed_draws_the_same(self) -> None:
        draws = []
        for seed in (1, 1, 2):
            async with lab_on("memory://", seed) as lab:
                draws.append(lab.random.randbytes(8))
        assert draws[0] == draws[1] != draws[2]

    async def test_rounds(self) -> None:
        async with lab_on("memory://") as lab:
            assert list(lab.rounds(3)) == [0, 1, 2]
            lab.soak = 0.05
            began = time.monotonic()
            assert sum(1 for _ in lab.rounds(3)) > 3
            assert time.monotonic() - began >= 0.05


async def test_a_store_that_is_down_is_told_at_once() -> None:
    with pytest.raises(Unavailable):
        async with lab_on("redis://127.0.0.1:1"):
            pass

"""What the conformance kit cannot know: LMDB's files, locks and limits."""

import subprocess
import sys
from pathlib import Path

import anyio
import pytest
from etagere_lmdb import LmdbBackend, environment

import etagere
from etagere.operations import Consistency, Write

pytestmark = pytest.mark.anyio

WRITING = """
import lmdb, sys
with lmdb.open(sys.argv[1], subdir=False).begin(write=True):
    print("writing", flush=True)
    sys.stdin.read()
"""


MOVING = """
import asyncio, etagere, sys

async def main():
    async with etagere.open(sys.argv[1]) as store:
        for number in range(10**9):
            value = b"%d" % number
            await store.transact([etagere.Set("one", value), etagere.Set("two", value)])
            print(number, flush=True)

asyncio.run(main())
"""


async def test_a_writer_in_another_process_delays_no_deadline(tmp_path: Path) -> None:
    file = tmp_path / "state.lmdb"
    async with etagere.open(f"lmdb://{file}", timeout=0.3) as store:
        etag = await store.set("key", b"before")
        command = [sys.executable, "-c", WRITING, str(file)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as other:
            assert other.stdout.readline() == "writing\n"
            with pytest.raises(etagere.OutcomeUnknown) as late:
                await store.set("key", b"late", etag=etag)
            assert (await store.get("key")).value == b"before"
            other.communicate()
        await store.set("next", b"value", timeout=10)  # behind the late write, if that still came
        assert (await store.get("key")).value == b"before"
        assert await store.settle(late.value) is etagere.Certainty.NOT_APPLIED


async def test_a_full_file_says_what_to_do(tmp_path: Path) -> None:
    async with etagere.open(f"lmdb://{tmp_path}/state.lmdb?map_size=1") as store:
        await store.set("small", b"value")
        with pytest.raises(etagere.StoreFailed, match="larger map_size"):
            await store.set("large", bytes(2**20))
        assert await store.get("large") is None
        await store.set("small", b"another")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("lmdb://", "names no file"),
        ("lmdb://host/file", "names no file"),
        ("lmdb:///file?map_size=0", "map_size='0'"),
        ("lmdb:///file?mapsize=1", "unknown settings: 'mapsize'"),
        ("lmdb:///no/such/folder/file", "see that its folder is there"),
    ],
)
async def test_a_wrong_url_says_what_is_wrong(url: str, message: str) -> None:
    with pytest.raises(etagere.ConfigurationError, match=message):
        async with etagere.open(url):
            pass


async def test_expired_records_are_swept_in_steps(tmp_path: Path) -> None:
    file = tmp_path / "state.lmdb"
    backend = LmdbBackend.from_url(f"lmdb://{file}")
    await backend.open()
    writes = [Write(f"key-{n}", b"", f"etag-{n}", ttl=n % 2 or None) for n in range(2500)]
    await backend.execute(writes, Consistency.EVENTUAL)
    await anyio.sleep(0.01)
    assert [await backend.maintain() for _ in range(3)] == [0.05, 0.05, 10.0]
    with environment(file, 0) as env:
        assert env.stat()["entries"] == 1250
    await backend.close()


async def test_a_writer_that_is_killed_leaves_whole_transactions(tmp_path: Path) -> None:
    url = f"lmdb://{tmp_path}/state.lmdb"
    for _ in range(5):
        with subprocess.Popen(
            [sys.executable, "-c", MOVING, url], stdout=subprocess.PIPE
        ) as writer:
            told = [writer.stdout.readline() for _ in range(5)]
            writer.kill()
            told += writer.stdout.readlines()
        acknowledged = int([line for line in told if line.endswith(b"\n")][-1])
        async with etagere.open(url) as store:
            one, two = await store.get_many(["one", "two"])
        assert one.value == two.value
        assert int(one.value) >= acknowledged

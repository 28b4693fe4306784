"""The table: made once by whoever comes first, found by the others, never guessed at."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from etagere.errors import ConfigurationError, StoreFailed
from etagere.operations import Remove, Touch, Transaction
from etagere_postgres import PostgresBackend
from tests.backends.postgres.support import EVENTUAL, connected, do, opened, value, write
from tests.servers import PostgresServer

pytestmark = pytest.mark.anyio

OPEN_AND_WRITE = """
import asyncio, sys
from etagere.operations import Consistency, Write
from etagere_postgres import PostgresBackend

async def main(url, name):
    backend = PostgresBackend.from_url(url)
    try:
        await backend.open()
        await backend.execute([Write(name, b"here", name)], Consistency.EVENTUAL)
    finally:
        await backend.close()

sys.stdin.readline()
asyncio.run(main(*sys.argv[1:]))
"""


@pytest.fixture
def role(postgres_server: PostgresServer, postgres_url: str) -> Iterator[str]:
    """The URL of the database for a role that has no rights of its own."""
    database = postgres_url.rpartition("/")[2]
    postgres_server.sql("CREATE ROLE clerk LOGIN")
    yield f"postgres://clerk@{postgres_server.address}/{database}"
    postgres_server.sql("DROP OWNED BY clerk; DROP ROLE clerk", database=database)


@pytest.mark.parametrize(
    "name", ["plain", "Mixed Case", 'quo"te', "$1", "{table}", "\U0001f600" * 15, "a.b", "SELECT"]
)
async def test_any_name_will_do(each_url: str, name: str):
    url = f"{each_url}?schema={quote(name)}&table={quote(name)}"
    async with opened(url) as backend, connected(each_url) as behind:
        batch = [write("a"), write("b"), Touch("b", 1000), Remove("a"), Transaction((write("c"),))]
        assert await backend.execute(batch, EVENTUAL) == [True, True, True, True, (True,)]
        assert [page async for page in backend.scan("", "", None, EVENTUAL)] == [["b", "c"]]
        await backend.maintain()
        rows = await behind.fetch(
            "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace ="
            " (SELECT oid FROM pg_namespace WHERE nspname = $1) ORDER BY 1",
            name,
        )
        assert sorted(row[0] for row in rows) == sorted(["etagere_migrations", name])


async def test_stores_in_one_database_do_not_meet(postgres_url: str):
    urls = [postgres_url + query for query in ("", "?table=b", "?schema=c", "?schema=c&table=b")]
    for number, url in enumerate(urls):
        async with opened(url) as backend:
            await do(backend, write("k", b"%d" % number))
    for number, url in enumerate(urls):
        async with opened(url) as backend:
            assert await value(backend, "k") == b"%d" % number


async def test_the_key_sorts_by_its_bytes_and_has_an_index(postgres_url: str):
    async with opened(postgres_url), connected(postgres_url) as behind:
        definition = await behind.fetchval(
            "SELECT collname FROM pg_attribute a JOIN pg_collation c ON c.oid = attcollation"
            " WHERE attrelid = 'etagere'::regclass AND attname = 'key'"
        )
        assert definition == "C"


async def test_many_at_once_make_one_table(each_url: str):
    backends = [PostgresBackend.from_url(each_url + "?schema=new") for _ in range(12)]
    await asyncio.gather(*(backend.open() for backend in backends))
    outcomes = await asyncio.gather(*(do(backend, write("k")) for backend in backends))
    assert outcomes == [True] * 12
    await asyncio.gather(*(backend.close() for backend in backends))
    async with connected(each_url) as behind:
        assert await behind.fetchval("SELECT count(*) FROM new.etagere_migrations") == 1


async def test_processes_that_start_together_all_succeed(each_url: str):
    command = [sys.executable, "-c", OPEN_AND_WRITE, each_url]
    children = [
        subprocess.Popen([*command, f"p{number}"], stdin=subprocess.PIPE) for number in range(5)
    ]
    for child in children:  # each waits for this line
        child.stdin.write(b"\n")
        child.stdin.flush()
    for child in children:
        child.stdin.close()
        assert await asyncio.to_thread(child.wait) == 0
    async with opened(each_url) as backend:
        (page,) = [page async for page in backend.scan("", "", None, EVENTUAL)]
        assert page == [f"p{number}" for number in range(5)]


async def test_a_table_that_is_up_to_date_is_left_alone(postgres_url: str):
    async with opened(postgres_url), connected(postgres_url) as behind, behind.transaction():
        # Readers and writers get along with this lock, changes to the table do not.
        await behind.execute("LOCK TABLE etagere, etagere_migrations IN SHARE MODE")
        async with asyncio.timeout(5), opened(postgres_url) as second:
            assert await value(second, "k") is None


async def test_a_newer_schema_is_refused(postgres_url: str):
    async with opened(postgres_url), connected(postgres_url) as behind:
        await behind.execute("INSERT INTO etagere_migrations VALUES ('etagere', 99)")
    for query in ("", "?migrate=no"):
        backend = PostgresBackend.from_url(postgres_url + query)
        with pytest.raises(ConfigurationError, match="version 99, made by a newer etagere"):
            await backend.open()
        await backend.close()


async def test_a_table_that_was_dropped_is_made_again(postgres_url: str):
    async with opened(postgres_url) as backend, connected(postgres_url) as behind:
        await do(backend, write("k"))
        await behind.execute("DROP TABLE etagere")
        outcome = await do(backend, write("k"))
        assert isinstance(outcome, StoreFailed)
        assert "was dropped" in str(outcome)
    async with opened(postgres_url) as backend:
        assert await do(backend, write("k")) is True


async def test_a_table_of_somebody_elses_is_not_touched(postgres_url: str):
    async with connected(postgres_url) as behind:
        await behind.execute("CREATE TABLE etagere (something text)")
    backend = PostgresBackend.from_url(postgres_url)
    with pytest.raises(StoreFailed, match="not made by etagere: choose another"):
        await backend.open()
    await backend.close()


async def test_a_role_without_rights_hears_which(postgres_url: str, role: str):
    backend = PostgresBackend.from_url(role)
    with pytest.raises(StoreFailed, match="permission denied"):
        await backend.open()
    await backend.close()


async def test_a_role_may_use_what_another_one_made(postgres_url: str, role: str):
    async with opened(postgres_url), connected(postgres_url) as behind:
        await behind.execute(
            "GRANT SELECT, INSERT, UPDATE, DELETE ON etagere TO clerk;"
            "GRANT SELECT ON etagere_migrations TO clerk"
        )
    for query in ("", "?migrate=no"):
        async with opened(role + query) as backend:
            assert await do(backend, write("k")) is True


async def test_without_migrations_a_table_made_by_hand_will_do(postgres_url: str, role: str):
    backend = PostgresBackend.from_url(role + "?migrate=no")
    with pytest.raises(StoreFailed, match="migrate=yes"):
        await backend.open()
    async with connected(postgres_url) as behind:
        await behind.execute(
            'CREATE TABLE etagere (key text COLLATE "C" PRIMARY KEY, value bytea NOT NULL,'
            " etag text NOT NULL, expires_at timestamptz);"
            "GRANT SELECT, INSERT, UPDATE, DELETE ON etagere TO clerk"
        )
    await backend.open()
    assert await do(backend, write("k")) is True
    await backend.close()


async def test_an_encoding_that_cannot_hold_every_key_is_refused(postgres_server: PostgresServer):
    postgres_server.sql("CREATE DATABASE latin ENCODING 'LATIN1' TEMPLATE template0")
    backend = PostgresBackend.from_url(postgres_server.database_url("latin"))
    with pytest.raises(ConfigurationError, match="encoding LATIN1"):
        await backend.open()
    await backend.close()
    postgres_server.drop_database("latin")

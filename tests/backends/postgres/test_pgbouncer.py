"""`pgbouncer=yes`: nothing stays in a session, and nothing is expected to be in one."""

from __future__ import annotations

import asyncio
import re

import pytest

from etagere.operations import ABSENT, KEEP, Read, Remove, Touch, Transaction
from tests.backends.postgres.support import EVENTUAL, STRONG, do, opened, write
from tests.servers import postgres

pytestmark = pytest.mark.anyio


async def use_everything(url: str) -> None:
    async with opened(url) as backend:
        first = write("a")
        for level in (EVENTUAL, STRONG):
            await backend.execute([first, write("b", ttl=KEEP), write("c", ttl=1000)], level)
            batch = [write("a", expected=first.etag), write("d", expected=ABSENT), Remove("b")]
            await backend.execute([*batch, Touch("c", None), write("e", expected="?")], level)
            await backend.execute([Transaction((write("f"), Remove("g"))), write("f")], level)
            await backend.execute([Read("a"), Read("z")], level)
            assert [page async for page in backend.scan("", "", None, level)]
        await backend.maintain()
        await backend.ping()


async def test_nothing_stays_in_a_session():
    async with postgres(settings={"log_statement": "all"}) as server:
        await use_everything(server.url + "?pgbouncer=yes")
        log_text = server.log()
    executed = re.findall(r"LOG:  (?:execute (\S+)|statement): (.*)", log_text)
    assert len(executed) > 30
    assert {name for name, _ in executed} <= {"", "<unnamed>"}
    for _, statement in executed:
        assert "pg_type" not in statement
        assert "set_config('jit'" not in statement
        assert not statement.startswith("SET")
        assert " SET " not in statement or " SET LOCAL " in statement


async def test_sessions_of_our_own_prepare_each_statement_once(postgres_url: str):
    async with opened(postgres_url) as backend:
        lane = backend._writer._lanes[EVENTUAL]
        for number in range(20):
            await do(backend, write(f"k{number}"))
        async with lane.connection() as connection:
            names = await connection.fetch("SELECT statement FROM pg_prepared_statements")
        assert sum("INSERT" in row["statement"] for row in names) == 1


async def test_other_clients_may_take_the_session_at_any_moment(postgres_url: str):
    async with opened(postgres_url + "?pgbouncer=yes") as backend:
        await asyncio.gather(*(do(backend, write(f"k{number}")) for number in range(20)))
        async with backend._writer._lanes[EVENTUAL].connection() as connection:
            await connection.execute("DISCARD ALL")
        outcomes = await asyncio.gather(*(do(backend, write(f"k{n}")) for n in range(20)))
        assert outcomes == [True] * 20

"""What the script and the reads do on one server: the contract, the layout, refusals."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etagere import contract
from etagere.errors import Interrupted, StoreFailed
from etagere.operations import (
    ABSENT,
    ANYTHING,
    KEEP,
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
from tests.backends.redis.support import EVENTUAL, Model, do, mint, opened, until
from tests.servers import ValkeyServer, valkey

pytestmark = pytest.mark.anyio

KEYS = ["a", "b", "ключ", "{a}b*[?]\\"]


@pytest.fixture
async def backend(redis_url: str) -> AsyncIterator[RedisBackend]:
    async with opened(redis_url) as backend:
        yield backend


def server_time(server: ValkeyServer) -> int:
    seconds, microseconds = server.call("TIME")
    return int(seconds) * 1000 + int(microseconds) // 1000


# --- agreement with the contract ------------------------------------------------------------------


# An etag is a word and a key: the n-th that was given to the key. Writing it again is a retry.
etags = st.builds("{}-{}".format, st.sampled_from("vw"), st.integers(1, 3))
expected = st.one_of(st.just(ANYTHING), st.just(ABSENT), etags, st.just(contract.UNMATCHABLE))
lifetimes = st.one_of(st.none(), st.integers(10**6, 10**9), st.just(contract.milliseconds(1e9)))
keys = st.sampled_from(KEYS)
writes = st.builds(
    Write, keys, st.binary(max_size=20), etags, expected, st.one_of(lifetimes, st.just(KEEP))
)
removes = st.builds(Remove, keys, expected)
touches = st.builds(Touch, keys, lifetimes, expected)
transactions = st.builds(Transaction, st.lists(st.one_of(writes, removes), max_size=5).map(tuple))
batches = st.lists(st.one_of(writes, removes, touches, transactions), min_size=1, max_size=8)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(batches=st.lists(batches, min_size=1, max_size=5))
async def test_batches_do_what_the_contract_says(
    backend: RedisBackend, valkey_server: ValkeyServer, batches: list[list[Mutation]]
) -> None:
    valkey_server.call("FLUSHALL")
    model = Model()
    for batch in batches:
        before = server_time(valkey_server)
        outcomes = await backend.execute(batch, EVENTUAL)
        passed = server_time(valkey_server) - before
        assert list(outcomes) == [model.apply(operation, before) for operation in batch]
        found = await backend.execute([Read(key) for key in KEYS], EVENTUAL)
        for key, record in zip(KEYS, found, strict=True):
            check_record(record, model.records.get(key), passed)
            check_hash(valkey_server, key, record)
            model.records[key] = record  # with the expiry that the server chose


def check_record(found: Any, wanted: Record | None, tolerance: int) -> None:
    if wanted is None:
        assert found is None
        return
    assert (found.value, found.etag) == (wanted.value, wanted.etag)
    if wanted.expires_at is None:
        assert found.expires_at is None
    else:
        assert 0 <= found.expires_at - wanted.expires_at <= tolerance


def check_hash(server: ValkeyServer, key: str, record: Any) -> None:
    """Redis lets go of a key exactly when the record says."""
    if record is None:
        assert server.call("EXISTS", key) == 0
    elif record.expires_at is None:
        assert server.call("PTTL", key) == -1
        assert server.call("HEXISTS", key, "expires") == 0
    else:
        most = record.expires_at - server_time(server)
        left = server.call("PTTL", key)
        assert record.expires_at - server_time(server) - 1 <= left <= most + 1


# --- expiry ---------------------------------------------------------------------------------------

AFTER_EXPIRY = [
    (Write("k", b"new", "new", ABSENT), True),
    (Write("k", b"new", "new", "old"), Conflict(None)),
    (Write("k", b"new", "old"), True),
    (Write("k", b"new", "new", ttl=KEEP), True),
    (Remove("k"), False),
    (Remove("k", "old"), Conflict(None)),
    (Touch("k", 10_000), False),
    (Touch("k", None, "old"), Conflict(None)),
    (Transaction((Remove("k"), Write("k", b"new", "new", ABSENT, KEEP))), (False, True)),
    (Transaction((Remove("k", "old"),)), Conflict(None, 0)),
]


@pytest.mark.parametrize(("operation", "outcome"), AFTER_EXPIRY)
async def test_an_expired_record_is_absent(
    backend: RedisBackend, operation: Mutation, outcome: Outcome
) -> None:
    await do(backend, Write("k", b"old", "old", ttl=1))
    await until(lambda: is_absent(backend, "k"), "the record to expire")
    assert await do(backend, operation) == outcome
    await check_what_is_left(backend, operation, outcome)


@pytest.mark.parametrize(("operation", "outcome"), AFTER_EXPIRY)
async def test_an_expired_record_is_absent_though_redis_still_has_it(
    backend: RedisBackend, valkey_server: ValkeyServer, operation: Mutation, outcome: Outcome
) -> None:
    # Redis judges expiry by the time at which a script began, and TIME can be later than that.
    past = server_time(valkey_server) - 1
    valkey_server.call("HSET", "k", "value", "old", "etag", "old", "expires", past)
    valkey_server.call("PEXPIREAT", "k", past + 3_600_000)
    assert await do(backend, operation) == outcome
    await check_what_is_left(backend, operation, outcome)


async def is_absent(backend: RedisBackend, key: str) -> bool:
    return await do(backend, Read(key)) is None


async def check_what_is_left(backend: RedisBackend, operation: Mutation, outcome: Outcome) -> None:
    record = await do(backend, Read("k"))
    if outcome in (True, (False, True)):
        assert isinstance(record, Record)
        assert record.value == b"new"
        assert record.expires_at is None
    else:
        assert record is None


async def test_the_longest_ttl_is_kept_to_the_millisecond(
    backend: RedisBackend, valkey_server: ValkeyServer
) -> None:
    ttl = contract.milliseconds(contract.MAX_TTL)
    before = server_time(valkey_server)
    await do(backend, Write("k", b"", mint(), ttl=ttl))
    after = server_time(valkey_server)
    record = await do(backend, Read("k"))
    assert isinstance(record, Record)
    assert record.expires_at is not None
    assert before + ttl <= record.expires_at <= after + ttl
    assert valkey_server.call("HGET", "k", "expires") == str(record.expires_at)


# --- the layout -----------------------------------------------------------------------------------


async def test_a_record_is_a_hash(backend: RedisBackend, valkey_server: ValkeyServer) -> None:
    await do(backend, Write("k", b"v", "e"))
    assert valkey_server.call("HGETALL", "k") == {"value": "v", "etag": "e"}
    await do(backend, Touch("k", 60_000))
    assert list(valkey_server.call("HGETALL", "k")) == ["value", "etag", "expires"]


async def test_other_keys_are_left_alone(
    backend: RedisBackend, valkey_server: ValkeyServer
) -> None:
    await do(backend, Write("k", b"v", "e"))
    await do(backend, Transaction((Write("l", b"v", "e"), Remove("k"))))
    assert valkey_server.call("KEYS", "*") == ["l"]


@pytest.mark.parametrize(
    "value", [b"", b"\0", b"\r\n$3\r\n", bytes(range(256)), b"x" * (32 << 20)], ids=len
)
async def test_values_come_back_as_they_were(backend: RedisBackend, value: bytes) -> None:
    key, etag = "k\r\n *é💥" + "x" * 1000, "e\r\n 'é'"
    assert await do(backend, Write(key, value, etag)) is True
    assert await do(backend, Read(key)) == Record(value, etag)
    assert await do(backend, Write(key, b"", mint(), "wrong")) == Conflict(etag)


async def test_a_large_batch_is_done_in_order(backend: RedisBackend) -> None:
    batch = [Write(f"k{n % 7}", b"%d" % n, f"e{n}") for n in range(5000)]
    assert await backend.execute(batch, EVENTUAL) == [True] * 5000
    found = await backend.execute([Read(f"k{n}") for n in range(7)] * 700, EVENTUAL)
    assert {int(record.value) for record in found} == set(range(4993, 5000))  # type: ignore[union-attr]


# --- what is not ours -----------------------------------------------------------------------------

ON_FOREIGN = [Write("k", b"", "e"), Remove("k"), Touch("k", 1), Transaction((Remove("k"),))]


@pytest.mark.parametrize(
    "foreign", [("SET", "k", "1"), ("RPUSH", "k", "1"), ("HSET", "k", "f", "1")]
)
@pytest.mark.parametrize("operation", ON_FOREIGN, ids=lambda o: type(o).__name__)
async def test_a_key_of_another_kind_fails_alone(
    backend: RedisBackend,
    valkey_server: ValkeyServer,
    operation: Mutation,
    foreign: tuple[str, ...],
) -> None:
    valkey_server.call(*foreign)
    dump = valkey_server.call("TYPE", "k")
    before, error, after = await backend.execute(
        [Write("a", b"", "a"), operation, Write("z", b"", "z")], EVENTUAL
    )
    assert (before, after) == (True, True)
    assert isinstance(error, StoreFailed)
    assert "key 'k'" in str(error)
    assert "no record of etagere" in str(error)
    assert error.__cause__ is not None
    assert valkey_server.call("TYPE", "k") == dump


async def test_reading_a_key_of_another_type_fails_alone(
    backend: RedisBackend, valkey_server: ValkeyServer
) -> None:
    await do(backend, Write("a", b"v", "e"))
    valkey_server.call("SET", "k", "1")
    record, error, missing = await backend.execute([Read("a"), Read("k"), Read("z")], EVENTUAL)
    assert record == Record(b"v", "e")
    assert isinstance(error, StoreFailed)
    assert missing is None


async def test_a_transaction_that_meets_a_foreign_key_changes_nothing(
    backend: RedisBackend, valkey_server: ValkeyServer
) -> None:
    valkey_server.call("SET", "k", "1")
    outcome = await do(backend, Transaction((Write("a", b"", "a"), Write("k", b"", "k"))))
    assert isinstance(outcome, StoreFailed)
    assert valkey_server.call("KEYS", "*") == ["k"]


# --- scripts --------------------------------------------------------------------------------------


async def test_a_flushed_script_is_loaded_again(
    backend: RedisBackend, valkey_server: ValkeyServer
) -> None:
    assert await do(backend, Write("k", b"1", "e1", ABSENT)) is True
    valkey_server.call("SCRIPT FLUSH")
    assert await do(backend, Write("k", b"2", "e2", "e1")) is True
    assert await do(backend, Read("k")) == Record(b"2", "e2")


async def test_two_backends_do_not_disturb_each_other(redis_url: str) -> None:
    async with opened(redis_url) as one, opened(redis_url) as other:

        async def count_to(backend: RedisBackend, key: str) -> None:
            for number in range(200):
                assert await do(backend, Write(key, b"%d" % number, mint())) is True
                record = await do(backend, Read(key))
                assert isinstance(record, Record)
                assert record.value == b"%d" % number

        await asyncio.gather(*(count_to(b, f"{b is one}{n}") for b in (one, other) for n in "ab"))


# --- refusals -------------------------------------------------------------------------------------


async def test_out_of_memory_refuses_writes_and_lets_removes_through(
    backend: RedisBackend, valkey_server: ValkeyServer
) -> None:
    await backend.execute([Write("k", b"v", "e"), Write("l", b"v", "e")], EVENTUAL)
    valkey_server.call("CONFIG", "SET", "maxmemory", "1")
    try:
        refused: Sequence[Mutation] = [
            Write("k", b"w", "f"),
            Touch("k", 1000),
            Transaction((Write("k", b"w", "f"), Write("m", b"w", "f"))),
        ]
        for operation in refused:
            outcome = await do(backend, operation)
            assert isinstance(outcome, StoreFailed), outcome
            assert "maxmemory" in str(outcome)
        error, removed = await backend.execute([Write("k", b"w", "f"), Remove("l")], EVENTUAL)
        assert isinstance(error, StoreFailed)
        assert removed is True
        # Where it is in place already it needs no memory.
        assert await do(backend, Write("k", b"v", "e")) is True
    finally:
        valkey_server.call("CONFIG", "SET", "maxmemory", "0")
    assert await do(backend, Read("k")) == Record(b"v", "e")
    assert valkey_server.call("KEYS", "*") == ["k"]


@pytest.fixture
def restricted(valkey_server: ValkeyServer, redis_url: str) -> Any:
    """Return a function that gives the URL of a user with these rights."""

    def url(*rules: str) -> str:
        valkey_server.call("ACL", "SETUSER", "eve", "reset", "on", ">pw", "~*", *rules)
        return redis_url.replace("redis://", "redis://eve:pw@")

    yield url
    valkey_server.call("ACL", "DELUSER", "eve")


DOCUMENTED = (
    "-@all +evalsha +script|load +hmget +hset +hdel +del +exists +pexpireat +persist +time +ping"
    " +scan +wait +role"
)


async def test_the_documented_rights_are_enough(restricted: Any, redis_binary: Any) -> None:
    rules = DOCUMENTED.split()
    async with opened(restricted(*rules) + "?acks=0") as backend:
        assert await do(backend, Write("k", b"v", "e", ttl=60_000)) is True
        assert await do(backend, Touch("k", None)) is True
        assert await do(backend, Read("k")) == Record(b"v", "e")
        assert [keys async for keys in backend.scan("", "", None, EVENTUAL)] == [["k"]]
        assert await do(backend, Remove("k")) is True
        await backend.ping()


async def test_a_missing_right_to_run_scripts_is_named(restricted: Any) -> None:
    async with opened(restricted("+@all", "-evalsha") + "?acks=0") as backend:
        outcome = await do(backend, Write("k", b"v", "e"))
    assert isinstance(outcome, StoreFailed)
    assert "ACL" in str(outcome)


async def test_a_missing_right_to_load_scripts_is_named(
    restricted: Any, valkey_server: ValkeyServer
) -> None:
    valkey_server.call("SCRIPT FLUSH")
    async with opened(restricted("+@all", "-script") + "?acks=0") as backend:
        outcome = await do(backend, Write("k", b"v", "e"))
    assert isinstance(outcome, StoreFailed)
    assert "ACL" in str(outcome)


async def test_a_right_that_is_missing_halfway_leaves_the_outcome_open(restricted: Any) -> None:
    async with opened(restricted("+@all", "-pexpireat") + "?acks=0") as backend:
        outcome = await do(backend, Write("k", b"v", "e", ttl=1000))
    assert isinstance(outcome, Interrupted)


# --- listing --------------------------------------------------------------------------------------


async def listed(
    backend: RedisBackend, prefix: str = "", after: str = "", limit: Any = None
) -> Any:
    pages = [page async for page in backend.scan(prefix, after, limit, EVENTUAL)]
    return [key for page in pages for key in page]


async def test_listing_is_complete_and_in_order(backend: RedisBackend) -> None:
    names = [f"{prefix}{n}" for prefix in ("a*", "a", "é", "💥", "[x]", "\\") for n in range(700)]
    await backend.execute([Write(name, b"", mint()) for name in names], EVENTUAL)
    assert await listed(backend) == sorted(names, key=str.encode)
    for prefix in ("a*", "a", "é", "💥", "[x]", "\\", "?", "[a-z]"):
        mine = sorted((n for n in names if n.startswith(prefix)), key=str.encode)
        assert await listed(backend, prefix) == mine
        assert await listed(backend, prefix, mine[4] if mine else "", 3) == mine[5:8]


async def test_listing_leaves_out_what_is_not_ours(
    backend: RedisBackend, valkey_server: ValkeyServer
) -> None:
    await backend.execute([Write("k1", b"", mint()), Write("k2", b"", mint(), ttl=1)], EVENTUAL)
    await until(lambda: is_absent(backend, "k2"), "the record to expire")
    valkey_server.call("SET", "k3", "text")
    valkey_server.call("HSET", b"k\xff", "value", "1")
    assert await listed(backend, "k") == ["k1"]


# --- a server of one's own ------------------------------------------------------------------------


async def test_a_busy_script_is_waited_out(redis_binary: Any) -> None:
    settings = {"lua-time-limit": "10"}
    async with (
        valkey(binary=redis_binary, settings=settings) as server,
        opened(server.url) as backend,
    ):
        assert await do(backend, Write("k", b"1", "e1")) is True
        spin = asyncio.create_task(asyncio.to_thread(_spin, server))
        outcome = await until(lambda: _refusal(backend), "the server to be busy")
        assert "busy with a script" in str(outcome)
        server.call("SCRIPT", "KILL")
        await spin
        assert await do(backend, Read("k")) == Record(b"1", "e1")


def _spin(server: ValkeyServer) -> None:
    with pytest.raises(Exception, match="killed"):
        server.call("EVAL", "while true do end", 0)


async def _refusal(backend: RedisBackend) -> Outcome:
    outcome = await do(backend, Write("k", b"2", "e2", "none"))
    return None if isinstance(outcome, Conflict) else outcome

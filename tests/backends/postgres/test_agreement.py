"""Whatever is asked in whatever batches, the SQL does what `etagere.contract` says."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from itertools import count

import asyncpg
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from etagere import contract
from etagere.operations import (
    ABSENT,
    ANYTHING,
    KEEP,
    Consistency,
    Mutation,
    Outcome,
    Read,
    Record,
    Remove,
    Touch,
    Transaction,
    Write,
)
from etagere_postgres import PostgresBackend
from tests.backends.postgres.support import EVENTUAL, STRONG

HOUR = 3_600_000
KEYS = ["a", "b", "c", "d", "ü", "\U0001f600'\"\\"]

keys = st.sampled_from(KEYS)
# Etags are drawn as words; each time a word is written it is minted anew, and where it is expected
# it stands for its last minting. THERE stands for the etag that is under the key before the batch.
THERE = "there"
etags = st.sampled_from(["e1", "e2", "e3"])
expectations = st.sampled_from(
    [ANYTHING, ANYTHING, ANYTHING, ABSENT, ABSENT, THERE, THERE, THERE, THERE, "e1", "e2", "never"]
)
lifetimes = st.sampled_from([None, HOUR, 2 * HOUR])
seeds = st.lists(
    st.builds(Write, keys, st.binary(max_size=4), etags, st.none(), lifetimes),
    min_size=2,
    unique_by=lambda write: write.key,
)
writes = st.builds(
    Write, keys, st.binary(max_size=4), etags, expectations, st.one_of(lifetimes, st.just(KEEP))
)
removes = st.builds(Remove, keys, expectations)
touches = st.builds(Touch, keys, lifetimes, expectations)
transactions = st.builds(
    Transaction, st.lists(st.one_of(writes, removes), min_size=1, max_size=5).map(tuple)
)
singles = st.one_of(writes, removes, touches)
# Batches in which each key has one operation go one way, the others another.
spread = st.lists(singles, min_size=1, max_size=6, unique_by=lambda operation: operation.key)
crowded = st.lists(st.one_of(singles, transactions), min_size=1, max_size=8)
expiries = st.sets(keys, min_size=1)
steps = st.one_of(spread, spread, crowded, expiries)
histories = st.builds(lambda *parts: [parts[0], *parts[1]], seeds, st.lists(steps, min_size=2))
numbers = count()


class Model:
    """Records in a dict, played by the contract."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.minted: dict[str, str] = {}

    def real(self, operation: Mutation) -> Mutation:
        """Return an operation with etags for words."""
        if isinstance(operation, Transaction):
            return Transaction(tuple(map(self.real, operation.operations)))
        expected = self.expected(operation.key, operation.expected)
        if isinstance(operation, Touch):
            return Touch(operation.key, operation.ttl, expected)
        if isinstance(operation, Remove):
            return Remove(operation.key, expected)
        self.minted[operation.etag] = etag = f"{operation.etag}-{next(numbers)}"
        return Write(operation.key, operation.value, etag, expected, operation.ttl)

    def expected(self, key: str, word: str | None) -> str | None:
        if word == THERE:
            return self.records[key].etag if key in self.records else "never"
        return self.minted.get(word, word) if word else word

    def do(self, operation: Mutation, now: int) -> Outcome:
        if isinstance(operation, Transaction):
            changes, outcome = contract.apply_transaction(self.records.get, operation, now)
        else:
            record, outcome = contract.apply(self.records.get(operation.key), operation, now)
            changes = {operation.key: record}
        for key, record in changes.items():
            if record is None:
                self.records.pop(key, None)
            else:
                self.records[key] = record
        return outcome

    def expire(self, gone: set[str]) -> None:
        for key in gone & self.records.keys():
            record = self.records[key]
            self.records[key] = Record(record.value, record.etag, 1)


async def play(
    backend: PostgresBackend,
    behind: asyncpg.Connection,
    history: Sequence[list[Mutation] | set[str]],
    level: Consistency,
) -> None:
    model = Model()
    await behind.execute("TRUNCATE etagere")
    for step in history:
        if isinstance(step, set):
            model.expire(step)
            await behind.execute(
                "UPDATE etagere SET expires_at = timestamptz 'epoch' WHERE key = ANY ($1)", [*step]
            )
            continue
        batch = [model.real(operation) for operation in step]
        now = time.time_ns() // 1_000_000
        expected = [model.do(operation, now) for operation in batch]
        assert await backend.execute(batch, level) == expected
        await compare(backend, model)


async def compare(backend: PostgresBackend, model: Model) -> None:
    now = time.time_ns() // 1_000_000
    found = await backend.execute([Read(key) for key in KEYS], STRONG)
    for key, record in zip(KEYS, found, strict=True):
        _, wanted = contract.apply(model.records.get(key), Read(key), now)
        assert (record is None) == (wanted is None), key
        if record is None or wanted is None:
            continue
        assert (record.value, record.etag) == (wanted.value, wanted.etag)
        assert (record.expires_at is None) == (wanted.expires_at is None)
        if record.expires_at is not None:
            assert abs(record.expires_at - wanted.expires_at) < 5_000
    pages = [page async for page in backend.scan("", "", None, STRONG)]
    live = [key for key, record in zip(KEYS, found, strict=True) if record is not None]
    assert [key for page in pages for key in page] == sorted(live)


def test_random_histories_end_as_the_contract_says(each_url: str):
    backend = PostgresBackend.from_url(each_url)
    with asyncio.Runner() as runner:
        runner.run(backend.open())
        behind = runner.run(asyncpg.connect(each_url))

        @settings(
            max_examples=200,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.nested_given],
        )
        @given(histories, st.sampled_from(Consistency))
        @example([[Write("a", b"1", "e1")], [Write("a", b"2", "e2", "e1", KEEP)]], EVENTUAL)
        @example([[Write("a", b"1", "e1", ttl=HOUR)], {"a"}, [Touch("a", None)]], EVENTUAL)
        def agree(history: list[list[Mutation] | set[str]], level: Consistency) -> None:
            runner.run(play(backend, behind, history, level))

        try:
            agree()
        finally:
            runner.run(behind.close())
            runner.run(backend.close())

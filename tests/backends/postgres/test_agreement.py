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
KEYS = ["a", "b", "ü", "\U0001f600'\"\\"]

keys = st.sampled_from(KEYS)
etags = st.integers(0, 12).map(lambda number: f"e{number}")
expectations = st.one_of(st.sampled_from([ANYTHING, ABSENT, "never"]), etags)
lifetimes = st.sampled_from([None, HOUR, 2 * HOUR])
writes = st.builds(
    Write, keys, st.binary(max_size=4), etags, expectations, st.one_of(lifetimes, st.just(KEEP))
)
removes = st.builds(Remove, keys, expectations)
touches = st.builds(Touch, keys, lifetimes, expectations)
transactions = st.builds(
    Transaction, st.lists(st.one_of(writes, removes), min_size=1, max_size=5).map(tuple)
)
mutations = st.one_of(writes, removes, touches, transactions)
expiries = st.sets(keys, min_size=1)
steps = st.one_of(st.lists(mutations, min_size=1, max_size=8), expiries)
numbers = count()


def minted(step: Sequence[Mutation]) -> list[Mutation]:
    """Give every write an etag that was never used, and let expectations follow it."""
    fresh = next(numbers)

    def renamed(operation: Mutation, place: str) -> Mutation:
        if isinstance(operation, Transaction):
            parts = enumerate(operation.operations)
            return Transaction(tuple(renamed(part, f"{place}.{at}") for at, part in parts))
        if isinstance(operation, Write):
            etag = f"{operation.etag}/{fresh}/{place}"
            return Write(operation.key, operation.value, etag, operation.expected, operation.ttl)
        return operation

    return [renamed(operation, str(at)) for at, operation in enumerate(step)]


class Model:
    """Records in a dict, played by the contract."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}

    def current(self, word: str | None) -> str | None:
        """Return what `e3` stands for: the etag that starts like that and was written last."""
        found = [record.etag for record in self.records.values() if record.etag.split("/")[0] == word]
        return found[-1] if found else word

    def resolved(self, operation: Mutation) -> Mutation:
        """Let expectations name etags that are there."""
        if isinstance(operation, Transaction):
            return Transaction(tuple(map(self.resolved, operation.operations)))
        if isinstance(operation, Write):
            expected = self.current(operation.expected)
            return Write(operation.key, operation.value, operation.etag, expected, operation.ttl)
        if isinstance(operation, Touch):
            return Touch(operation.key, operation.ttl, self.current(operation.expected))
        return Remove(operation.key, self.current(operation.expected))

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
    consistency: str,
) -> None:
    model = Model()
    await behind.execute("TRUNCATE etagere")
    level = STRONG if consistency == "strong" else EVENTUAL
    for step in history:
        if isinstance(step, set):
            model.expire(step)
            await behind.execute(
                "UPDATE etagere SET expires_at = timestamptz 'epoch' WHERE key = ANY ($1)", [*step]
            )
            continue
        batch = [model.resolved(operation) for operation in minted(step)]
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
            max_examples=150,
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow, HealthCheck.nested_given],
        )
        @given(st.lists(steps, min_size=1, max_size=5), st.sampled_from(["eventual", "strong"]))
        @example([[Write("a", b"1", "e1")], [Write("a", b"2", "e2", "e1", KEEP)]], "eventual")
        @example([[Write("a", b"1", "e1", ttl=HOUR)], {"a"}, [Touch("a", None)]], "eventual")
        def agree(history: list[list[Mutation] | set[str]], consistency: str) -> None:
            runner.run(play(backend, behind, history, consistency))

        try:
            agree()
        finally:
            runner.run(behind.close())
            runner.run(backend.close())

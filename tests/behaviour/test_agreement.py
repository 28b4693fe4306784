"""Each backend agrees with `contract.apply`, operation by operation, over generated programs.

The store under test and a memory backend run the same operations, with the same minted etags, and
must give the same outcomes and hold the same records. Only the clocks differ: what expires is
either gone before the next step, or lives through the program.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etagere import Store
from etagere.memory import MemoryBackend
from etagere.operations import (
    ABSENT,
    KEEP,
    Consistency,
    Operation,
    Outcome,
    Read,
    Record,
    Remove,
    Touch,
    Transaction,
    Write,
)
from tests.behaviour.targets import Target
from tests.behaviour.test_contract_table import gone
from tests.listing import listed

pytestmark = [pytest.mark.anyio, pytest.mark.targets("sqlite", "redis", "postgres")]

# Few of each, so that operations meet: on a key, and with an etag that is there.
KEYS = ["a", "%", "a/1"]
ETAGS = ["e1", "e2", "e3"]
HOUR = 3_600_000
SOON = 1

keys = st.sampled_from(KEYS)
expected = st.one_of(st.none(), st.none(), st.just(ABSENT), st.sampled_from([*ETAGS, "?"]))
ttls = st.sampled_from([None, None, HOUR, 2 * HOUR, KEEP])
writes = st.builds(Write, keys, st.binary(max_size=3), st.sampled_from(ETAGS), expected, ttls)
removes = st.builds(Remove, keys, expected)
touches = st.builds(Touch, keys, st.sampled_from([None, HOUR, 2 * HOUR]), expected)
transactions = st.builds(
    Transaction, st.lists(st.one_of(writes, writes, removes), min_size=1, max_size=5).map(tuple)
)
mutations = st.one_of(writes, writes, writes, removes, touches, transactions)
batches = st.one_of(
    st.lists(mutations, min_size=1, max_size=8),
    st.lists(st.builds(Read, keys), min_size=1, max_size=6),
    st.builds(lambda key: [Write(key, b"brief", "e9", None, SOON)], keys),
)
programs = st.lists(st.tuples(batches, st.sampled_from(Consistency)), min_size=3, max_size=12)


@pytest.fixture
async def store(target: Target) -> AsyncIterator[Store]:
    """One for all examples of a test."""
    async with target.open() as store:
        yield store


@given(programs)
@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_programs(store: Store, programs: Any) -> None:
    backend, model = store._backend, MemoryBackend()
    await store.delete_many(KEYS)
    for operations, level in programs:
        outcomes = await backend.execute(operations, level)
        modelled = await model.execute(operations, level)
        assert [comparable(o) for o in outcomes] == [comparable(o) for o in modelled], operations
        for brief in [each for each in operations if is_brief(each)]:
            await gone(store, brief.key)
            model._records.pop(brief.key, None)
    found = await backend.execute([Read(key) for key in KEYS], Consistency.STRONG)
    records = [model._records.get(key) for key in KEYS]
    assert [comparable(record) for record in found] == [comparable(record) for record in records]
    assert await listed(store) == sorted(model._records)


def is_brief(operation: Operation) -> bool:
    return isinstance(operation, Write) and operation.ttl == SOON


def comparable(outcome: Outcome) -> Any:
    """An outcome without what depends on whose clock it was: expiry to the nearest hour."""
    if isinstance(outcome, Record):
        expires = outcome.expires_at
        return (outcome.value, outcome.etag, expires and round(expires / HOUR, 1))
    return outcome

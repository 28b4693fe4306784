"""One logical write never takes effect twice, whatever is lost on the way."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from etagere import Certainty, OutcomeUnknown, Unavailable, recovery
from etagere.errors import Interrupted
from etagere.operations import (
    ABSENT,
    Conflict,
    Operation,
    Outcome,
    Read,
    Record,
    Remove,
    Touch,
    Transaction,
    Write,
)
from etagere.outcomes import error_of
from etagere.recovery import Courier
from etagere.settling import keys_of, verdict
from tests.core.scripted import EVENTUAL, Act, ScriptedBackend

pytestmark = [pytest.mark.anyio, pytest.mark.usefixtures("any_loop")]


@pytest.fixture(scope="module")
def no_pauses() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(recovery, "PAUSES", (0.0, 0.0, 0.0))
        yield


KEYS = "ab"


VERSIONS = ["seed-a", "seed-b", "w0", "w1", "w2", "before1-0", "after0-0"]


keys = st.sampled_from(KEYS)


expected = st.sampled_from([None, None, ABSENT, *VERSIONS])


ttls = st.sampled_from([None, 10**9])


def writes(names: list[str]) -> st.SearchStrategy[list[Operation]]:
    """Writes with distinct etags, mixed with what mints none."""

    @st.composite
    def build(draw: st.DrawFn) -> list[Operation]:
        def write() -> Write:
            return Write(draw(keys), b"", left.pop(0), draw(expected), draw(ttls))

        left, operations = list(names), list[Operation]()
        for kind in draw(st.lists(st.sampled_from("wwwrtx"), min_size=1, max_size=len(names))):
            if kind == "w":
                operations.append(write())
            elif kind == "r":
                operations.append(Remove(draw(keys), draw(expected)))
            elif kind == "t":
                operations.append(Touch(draw(keys), draw(ttls), draw(expected)))
            elif len(left) > 1:
                operations.append(Transaction((write(), Remove(draw(keys), draw(expected)))))
        return operations

    return build()


class Journal(ScriptedBackend):
    """Writes down how often each operation changed something, and which were lost on the way."""

    def __init__(self, *script: Act) -> None:
        super().__init__(*script)
        self.effects: dict[int, int] = {}
        self.lost: set[int] = set()
        self.conflicts: dict[int, int] = {}

    async def apply_one_by_one(self, operations: Sequence[Operation]) -> list[Outcome]:
        outcomes = []
        for operation in operations:
            before = dict(self.memory._records)
            (outcome,) = await self.apply([operation])
            # A touch that changes nothing, or a delete of nothing, has taken effect all the same.
            done = not isinstance(outcome, Conflict) and not isinstance(operation, Read)
            repeated = isinstance(operation, Write) and before == self.memory._records
            self.effects[id(operation)] = self.effects.get(id(operation), 0) + (
                done and not repeated
            )
            outcomes.append(outcome)
        return outcomes


def travel(others_before: Any, arrives: bool, answered: bool, others_after: Any) -> Act:
    """A batch that arrives or does not, is answered or not, while others write."""

    async def act(backend: ScriptedBackend, operations: Sequence[Operation]) -> Sequence[Outcome]:
        assert isinstance(backend, Journal)
        await backend.apply(others_before)
        if not arrives and answered:
            raise Unavailable("not sent")
        outcomes = await backend.apply_one_by_one(operations) if arrives else []
        await backend.apply(others_after)
        if answered:
            return outcomes
        backend.lost.update(map(id, operations))
        raise Interrupted("lost")

    return act


def others(name: str) -> st.SearchStrategy[list[Operation]]:
    return st.one_of(st.just([]), st.just([]), writes([f"{name}{n}" for n in range(2)]))


@st.composite
def journeys(draw: st.DrawFn) -> list[Act]:
    """Up to four attempts; each of the others' etags is used once, as it must be."""
    count = draw(st.integers(0, 4))
    return [
        travel(
            draw(others(f"before{n}-")),
            draw(st.booleans()),
            draw(st.booleans()),
            draw(others(f"after{n}-")),
        )
        for n in range(count)
    ]


@given(writes(["w0", "w1", "w2", "w3"]), journeys())
@settings(
    max_examples=250,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
async def test_no_write_takes_effect_twice(
    no_pauses: None, operations: list[Operation], script: list[Act]
) -> None:
    backend = Journal()
    await backend.apply([Write(key, b"", f"seed-{key}") for key in KEYS])
    backend.script.extend([*script, *[travel([], True, True, [])] * 5])
    outcomes: list[Outcome] = [None] * len(operations)
    await Courier(backend, EVENTUAL).fly(operations, outcomes)
    assert {key for key, count in backend.effects.items() if count} <= set(map(id, operations))
    for operation, outcome in zip(operations, outcomes, strict=True):
        effects = backend.effects.get(id(operation), 0)
        assert effects <= 1, operation
        error = error_of(operation, outcome)
        if error is None:
            assert effects == 1 or outcome is False
        elif error.certainty is Certainty.NOT_APPLIED:
            assert effects == 0
        else:
            assert isinstance(error, OutcomeUnknown)
            assert id(operation) in backend.lost
            await assert_settles(backend, error, effects)


async def assert_settles(backend: ScriptedBackend, error: OutcomeUnknown, effects: int) -> None:
    """What a look into the store says must not contradict what happened."""
    names = keys_of(error.operation)
    records = await backend.apply([Read(name) for name in names])
    etags = {
        name: record.etag if isinstance(record, Record) else None
        for name, record in zip(names, records, strict=True)
    }
    said = verdict(error.operation, etags)
    blind_delete = isinstance(error.operation, Remove) and error.operation.expected is None
    if not (blind_delete and said is Certainty.APPLIED):  # gone is what it was to be
        assert said is Certainty.UNKNOWN or effects == (said is Certainty.APPLIED)

"""One client at a time: a store and `contract.apply` never differ, however long they go on."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Final

import anyio.from_thread
import anyio.to_thread
from hypothesis import HealthCheck, Phase, seed, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule, run_state_machine_as_test

from etagere.backend import Feature
from etagere.conformance.clauses import Level, clause
from etagere.conformance.lab import Lab
from etagere.conformance.paths import call
from etagere.conformance.races.programs import has_transactions
from etagere.conformance.suite.checks import check_conflict
from etagere.contract import apply, apply_transaction, milliseconds, precondition
from etagere.errors import ETagMismatch
from etagere.operations import (
    KEEP,
    Concurrency,
    Conflict,
    Consistency,
    Delete,
    Keep,
    Record,
    Remove,
    Set,
    Touch,
    Transaction,
    Write,
)

NAMES: Final[Sequence[str]] = ("a", "b", "c")
LONG: Final = 100_000
"""Seconds to live: nothing expires while a test runs."""
NOW: Final = 0
NEW: Final = "new "
PROFILE: Final = settings(
    max_examples=15,
    stateful_step_count=25,
    deadline=None,
    database=None,
    phases=(Phase.generate, Phase.shrink),
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

EXPECTED = st.sampled_from(["anything", "absent", "current", "earlier", "foreign"])
KEYS = st.sampled_from(NAMES)
VALUES = st.binary(max_size=12)
LIFETIMES = st.sampled_from([None, KEEP, LONG])


class SequentialClauses:
    """A store is its sequential model, for whoever is alone with it."""

    @clause(
        "ETG-RACE-030",
        Level.CORE,
        "Calls that are made one after the other do and return what the contract says, whatever"
        " came before.",
        seconds=300,
    )
    async def test_contract(self, lab: Lab) -> None:
        machine = seed(lab.seed)(machine_for(lab))
        # Hypothesis has no asynchronous rules: they run in a thread, and call back for each call.
        await anyio.to_thread.run_sync(lambda: run_state_machine_as_test(machine, settings=PROFILE))


def machine_for(lab: Lab) -> type[RuleBasedStateMachine]:
    """Return the class of machines that work in a lab."""

    class Machine(SequentialMachine):
        def __init__(self) -> None:
            super().__init__(lab)

    return Machine


class SequentialMachine(RuleBasedStateMachine):
    """Does the same to a store and to the model, and compares what they say."""

    def __init__(self, lab: Lab) -> None:
        super().__init__()
        self._lab = lab
        self._keys: dict[str, str] = dict(zip(NAMES, lab.together(*NAMES), strict=True))
        self._records: dict[str, Record] = {}
        self._earlier: dict[str, str] = {}

    # --- rules --------------------------------------------------------------------------------

    @rule(name=KEYS, expected=EXPECTED, value=VALUES, ttl=LIFETIMES)
    def set(self, name: str, expected: str, value: bytes, ttl: Any) -> None:
        """Write a key."""
        self._send(self._set(name, expected, value, ttl))

    @rule(name=KEYS, expected=EXPECTED)
    def delete(self, name: str, expected: str) -> None:
        """Delete a key."""
        self._send(self._delete(name, expected))

    @rule(parts=st.lists(st.tuples(st.booleans(), KEYS, EXPECTED, VALUES, LIFETIMES), min_size=1))
    def transact(self, parts: list[tuple[bool, str, str, bytes, Any]]) -> None:
        """Write and delete several keys together."""
        if has_transactions(self._lab.capabilities):
            self._send(
                *(
                    self._set(name, expected, value, ttl) if sets else self._delete(name, expected)
                    for sets, name, expected, value, ttl in parts
                ),
                together=True,
            )

    @rule(name=KEYS, expected=st.sampled_from(["anything", "current", "earlier"]))
    def touch(self, name: str, expected: str) -> None:
        """Let a key live for long."""
        if not self._lab.capabilities.touches:
            return
        key, etag = self._keys[name], self._etag(name, expected)
        told = self._told(lambda: self._lab.store.touch(key, LONG, etag=etag or None))
        operation = Touch(key, milliseconds(LONG), precondition(Concurrency.LAST_WRITE, etag))
        after, outcome = apply(self._records.get(key), operation, NOW)
        if isinstance(outcome, Conflict):
            check_conflict(told, key, expected=operation.expected, actual=outcome.actual)
        else:
            assert told == outcome, f"touch said {told!r}, not {outcome!r}"
        self._settle(key, after)

    # --- requests -----------------------------------------------------------------------------

    def _set(self, name: str, expected: str, value: bytes, ttl: Any) -> Set:
        ttl = ttl if self._expires else None
        return Set(self._keys[name], value, ttl=ttl, **self._condition(name, expected))

    def _delete(self, name: str, expected: str) -> Delete:
        return Delete(self._keys[name], **self._condition(name, expected))

    def _condition(self, name: str, expected: str) -> dict[str, Any]:
        if expected == "absent" and not self._lab.capabilities.conditional:
            return {}
        if expected == "absent":
            return {"concurrency": Concurrency.FIRST_WRITE}
        return {"etag": self._etag(name, expected)}

    def _etag(self, name: str, expected: str) -> str | None:
        if not self._lab.capabilities.conditional:
            return None
        record = self._records.get(self._keys[name])
        known = {
            "current": record and record.etag,
            "earlier": self._earlier.get(name),
            "foreign": "none of ours",
        }
        return known.get(expected)

    @property
    def _expires(self) -> bool:
        return Feature.TTL in self._lab.capabilities.features()

    # --- doing and comparing ------------------------------------------------------------------

    def _send(self, *requests: Set | Delete, together: bool = False) -> None:
        store = self._lab.store
        if together:
            told = self._told(lambda: store.transact(requests))
        else:
            told = self._told(lambda: call(store, requests[0], Consistency.EVENTUAL))
        operations = tuple(operation_of(*numbered) for numbered in enumerate(requests))
        changes, outcome = apply_transaction(self._records.get, Transaction(operations), NOW)
        if isinstance(outcome, Conflict):
            failed = operations[outcome.index]
            index = outcome.index if together else None
            actual = outcome.actual
            if actual and actual.startswith(NEW):  # given by an earlier part, and never seen
                actual = getattr(told, "actual", None)
            check_conflict(told, failed.key, expected=failed.expected, actual=actual, index=index)
        else:
            self._compare(operations, told if together else [told], outcome)
        for key, record in changes.items():
            self._settle(key, record)
        for key in {operation.key for operation in operations} - changes.keys():
            self._settle(key, self._records.get(key))

    def _compare(self, operations: Sequence[Write | Remove], told: Any, outcome: Any) -> None:
        for operation, result, expected in zip(operations, told, outcome, strict=True):
            if isinstance(operation, Remove):
                assert result is expected, f"a delete of {operation.key!r} said {result!r}"

    def _settle(self, key: str, record: Record | None) -> None:
        """Read a key, compare it with the model's, and learn the ETag that it was given."""
        item = self._run(lambda: self._lab.read(key))
        before = self._records.get(key)
        if item is None or record is None:
            assert item is None, f"{key!r} is there: {item!r}"
            assert record is None, f"{key!r} is absent; it should hold {record!r}"
            self._records.pop(key, None)
        else:
            assert item.value == record.value
            assert (item.expires_at is None) == (record.expires_at is None), "it expires wrongly"
            if before is not None and record.etag == before.etag:
                assert item.etag == before.etag, "the ETag changed, though nothing was written"
            self._records[key] = Record(record.value, item.etag, record.expires_at)
        if before is not None and before.etag != getattr(item, "etag", None):
            self._earlier[key.rpartition("/")[2]] = before.etag

    def _told(self, make: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        try:
            return self._run(make)
        except ETagMismatch as error:
            return error

    def _run(self, make: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        return anyio.from_thread.run(make)


def operation_of(number: int, request: Set | Delete) -> Write | Remove:
    """Return a request as the model takes it; its ETag is known when the key was read again."""
    expected = precondition(request.concurrency, request.etag)
    if isinstance(request, Delete):
        return Remove(request.key, expected)
    ttl = request.ttl
    if ttl is not None and not isinstance(ttl, Keep):
        ttl = milliseconds(ttl)
    return Write(request.key, request.value, f"{NEW}{number}", expected, ttl)

"""Slow and simple answers to what the checkers answer fast: try every order."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import product
from typing import Any

from msgspec.structs import replace

from etagere.contract import apply
from etagere.histories.history import NEVER, Call, Kind, Status
from etagere.histories.models import step_of
from etagere.histories.steps import Model, Step
from etagere.operations import Conflict, Read, Record, Remove, Touch, Write


def has_order(steps: Sequence[Step], model: Model[Any]) -> bool:
    """Tell whether some order of the steps explains every answer."""
    relevant = [step for step in steps if step.status is not Status.FAIL]
    return _extends(relevant, model, model.initial)


def _extends(left: Sequence[Step], model: Model[Any], state: Any) -> bool:
    required = [step for step in left if step.status is not Status.INFO]
    if not required:
        return True
    bound = min(step.finish for step in required)
    for step in left:
        if step.start <= bound:
            after = model.step(state, step)
            if after is not None:
                rest = [other for other in left if other is not step]
                if _extends(rest, model, after):
                    return True
    return False


# --- one versioned key --------------------------------------------------------------------------


class Concrete:
    """A versioned key where every write has an etag and records vanish by steps of their own."""

    name = "concrete"

    def __init__(self, initial: Record | None = None) -> None:
        self.initial = (initial,)

    def step(self, state: Any, step: Step) -> Any:
        record = state[0]
        call = step.argument
        if step.function == "expire":
            return (None,) if record is not None and record.expires_at is not None else None
        operation = operation_of(call)
        after, outcome = apply(record, operation, 0)
        return (after,) if step.status is Status.INFO or _told(call, outcome) else None

    def is_read(self, step: Step) -> bool:
        return step.function == Kind.GET

    def essence(self, step: Step) -> Any:
        return step


def operation_of(call: Call) -> Any:
    """Return what a call asks of a store."""
    match call.kind:
        case Kind.GET:
            return Read(call.key)
        case Kind.DELETE:
            return Remove(call.key, call.expected)
        case Kind.TOUCH:
            return Touch(call.key, call.ttl, call.expected)
    return Write(call.key, call.value.encode(), call.etag, call.expected, call.ttl)


def _told(call: Call, outcome: Any) -> bool:
    if call.status is Status.MISMATCH:
        if type(outcome) is not Conflict:
            return False
        return call.actual is None or call.actual == (outcome.actual or "")
    if type(outcome) is Conflict:
        return False
    if call.kind is Kind.GET:
        if outcome is None or not call.found:
            return outcome is None and not call.found
        return (outcome.value.decode(), outcome.etag) == (call.value, call.etag)
    return call.kind is Kind.SET or call.found is None or call.found == outcome


def versioned_has_order(calls: Sequence[Call]) -> bool:
    """Tell whether calls on one key have an order, whatever etags the lost answers told.

    Every write whose etag is not known is tried with each etag that anybody mentions and that no
    other write has, and with a new one.
    """
    return any(
        has_order([*map(step_of, given), *_expirations(given)], Concrete())
        for given in _with_etags(calls)
    )


def _with_etags(calls: Sequence[Call]) -> Iterator[list[Call]]:
    told = {call.etag for call in calls if call.kind is Kind.SET and call.etag}
    mentioned = {call.expected for call in calls} | {call.actual for call in calls}
    mentioned |= {call.etag for call in calls if call.kind is Kind.GET}
    free = sorted(etag for etag in mentioned - told if etag)
    open_calls = [i for i, call in enumerate(calls) if call.kind is Kind.SET and not call.etag]
    for choice in product([*free, None], repeat=len(open_calls)):
        if len({etag for etag in choice if etag}) == sum(1 for etag in choice if etag):
            given = list(calls)
            for index, etag in zip(open_calls, choice, strict=True):
                given[index] = replace(calls[index], etag=etag or f"new{index}")
            yield given


def _expirations(calls: Iterable[Call]) -> list[Step]:
    return [
        Step(function="expire", start=call.start, finish=NEVER)
        for call in calls
        if call.kind in (Kind.SET, Kind.TOUCH) and call.ttl
    ]

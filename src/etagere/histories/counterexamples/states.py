"""The state before and after a call: along an order that was found, or by the call's own answer."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Any, TypeAlias, cast

from etagere.histories.counterexamples.dependencies import parts_of
from etagere.histories.counterexamples.describing import NOTHING, call_of, value_text
from etagere.histories.history import Call, Kind, Status
from etagere.histories.models.versioned import State, VersionedKey, step_of
from etagere.histories.steps import Model, Step
from etagere.operations import ABSENT
from etagere.pages import visible

Change: TypeAlias = tuple[str, str]
"""Before and after; empty where nobody knows."""

NOT_KNOWN: Change = ("", "")
UNEXPLAINED = "none: this call cannot come next"


def along(order: Iterable[Call | Step], model: Model[Any]) -> list[Change]:
    """Return the changes that calls make in this order, up to one that the model refuses."""
    changes: list[Change] = []
    state = model.initial
    for item in order:
        step = step_of(item) if isinstance(item, Call) else item
        after = model.step(state, step)
        if after is None:
            break
        changes.append((state_text(state), state_text(after)))
        state = after
    return changes


def model_of(calls: Sequence[Call | Step], initial: str | None) -> Model[Any] | None:
    """Return the model of calls on versioned state; None for the steps of any other."""
    versioned = [call for call in map(call_of, calls) if isinstance(call, Call)]
    return VersionedKey(versioned, initial=initial) if len(versioned) == len(calls) else None


def state_text(state: Hashable) -> str:
    """Return a model's state as a reader of the history would write it."""
    if isinstance(state, State):
        return _record_text(state)
    if not isinstance(state, tuple):
        return value_text(state)
    parts = parts_of(cast("Hashable", state))
    if parts and isinstance(parts[-1], State):
        return f"{parts[0]}: {_record_text(parts[-1])}"
    return "; ".join(map(state_text, parts))


def _record_text(state: State) -> str:
    if state.record is None:
        return NOTHING
    value, etag = state.record.value.decode(errors="replace"), state.record.etag
    # The model marks what nobody was told with a NUL, which no store can hold.
    return _version("" if "\0" in value else value, "" if "\0" in etag else etag)


def told(item: Call | Step, values: dict[str, str]) -> Change:
    """Return what a call's own answer says of the state, given the values of etags."""
    call = call_of(item)
    if isinstance(call, Step) or call.kind is Kind.TRANSACTION:
        return NOT_KNOWN
    if call.kind is Kind.GET:
        seen = _seen(call)
        return seen, seen
    if call.status is Status.MISMATCH:
        there = _expectation(call.actual, values) if call.actual is not None else ""
        return there, there
    return _expectation(call.expected, values), _left(call, values)


def values_of(calls: Iterable[Call | Step]) -> dict[str, str]:
    """Return the value of each etag, as far as calls tell."""
    versions = (call for call in map(call_of, calls) if isinstance(call, Call))
    return {call.etag: call.value for call in versions if call.etag and call.value is not None}


def _seen(call: Call) -> str:
    if call.status is not Status.OK:
        return ""
    absent = call.value is None and call.etag is None
    return NOTHING if absent else _version(call.value or "", call.etag or "")


def _expectation(etag: str | None, values: dict[str, str]) -> str:
    if etag is None:
        return ""
    return NOTHING if etag == ABSENT else _version(values.get(etag, ""), etag)


def _left(call: Call, values: dict[str, str]) -> str:
    doubt = "" if call.status is Status.OK else ", if it took effect"
    if call.kind is Kind.DELETE:
        return NOTHING + doubt
    if call.kind is Kind.TOUCH:
        return _expectation(call.expected, values)
    return _version(call.value or "", call.etag or "") + doubt


def _version(value: str, etag: str) -> str:
    known = f"value {visible(value)!r}" if value else "a value"
    return f"{known}, etag {visible(etag)!r}" if etag else known

"""A whole store, as `etagere.contract` has it: for keys that transactions connect."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import count, product
from typing import TypeAlias

from msgspec.structs import replace

from etagere.contract import apply_transaction
from etagere.histories.history import NEVER, Call, Kind, Status
from etagere.histories.models.versioned import (
    NEW,
    NOW,
    State,
    VersionedKey,
    agree,
    settled,
    step_of,
)
from etagere.histories.steps import Step
from etagere.operations import ABSENT, Conflict, Outcome, Remove, Transaction, Write

Store: TypeAlias = tuple[tuple[str, State], ...]
"""The states of the keys, by key."""


class Contract:
    """Several keys at once, the object of steps that come from `steps_of`."""

    name: str = "contract"

    def __init__(self, calls: Iterable[Call], *, initial: str | None = None) -> None:
        keys: dict[str, list[Call]] = {}
        for call in calls:
            for part in call.parts or (call,):
                keys.setdefault(part.key, []).append(part)
        self._models = {key: VersionedKey(some, initial=initial) for key, some in keys.items()}
        self.initial: Store = _store({key: each.initial for key, each in self._models.items()})

    def step(self, state: Store, step: Step) -> Store | None:
        """Return the states after a call, None where the answer cannot be."""
        call = step.argument
        assert type(call) is Call  # noqa: S101
        states = dict(state)
        if call.kind is Kind.TRANSACTION:
            return self._transact(states, call)
        after = self._models[call.key].step(states[call.key], step)
        return None if after is None else _store(states | {call.key: after})

    def is_read(self, step: Step) -> bool:
        """Tell whether a step only observes."""
        return step.function == Kind.GET or step.status is Status.MISMATCH

    def essence(self, step: Step) -> Hashable:
        """Return the call without its times and its client."""
        call = step.argument
        assert type(call) is Call  # noqa: S101
        return _timeless(call)

    def _transact(self, states: dict[str, State], call: Call) -> Store | None:
        transaction = Transaction(tuple(map(self._operation, count(), call.parts)))
        for readings in self._readings(states, _evaluated(call)):
            records = {key: state.record for key, state in (states | readings).items()}
            changes, outcome = apply_transaction(records.__getitem__, transaction, NOW)
            if _answers(call, outcome):
                changed = {key: settled(readings[key], changes[key]) for key in changes}
                return _store(states | readings | changed)
        return _store(states) if call.status is Status.INFO else None

    def _operation(self, number: int, part: Call) -> Write | Remove:
        operation = self._models[part.key].operation(part)
        if isinstance(operation, Write) and operation.etag == NEW:
            # Two writes of one transaction must not seem to be the same one.
            return replace(operation, etag=f"{NEW}{number}")
        assert isinstance(operation, Write | Remove)  # noqa: S101
        return operation

    def _readings(
        self, states: Mapping[str, State], parts: Mapping[str, Call]
    ) -> Iterator[dict[str, State]]:
        each = [self._models[key].readings(states[key], (parts[key],)) for key in parts]
        for combination in product(*each):
            yield dict(zip(parts, combination, strict=True))


def steps_of(calls: Sequence[Call]) -> list[Step]:
    """Return calls as steps of `Contract`, where keys that transactions connect are one object.

    It is named for the first of its keys.
    """
    leaders: dict[str, str] = {}
    for call in calls:
        first, *others = {_leader(leaders, part.key): None for part in call.parts or (call,)}
        leaders.update(dict.fromkeys(others, first))
    return [
        replace(step_of(call), key=_leader(leaders, (call.parts or (call,))[0].key))
        for call in calls
    ]


def _leader(leaders: dict[str, str], key: str) -> str:
    leader = leaders.setdefault(key, key)
    while leader != leaders[leader]:
        leader = leaders[leader]
    leaders[key] = leader
    return leader


def _evaluated(call: Call) -> dict[str, Call]:
    # What a transaction sees of a key, the first operation on it sees; none after a conflict does.
    parts = call.parts[: call.index + 1] if call.status is Status.MISMATCH else call.parts
    return {part.key: part for part in reversed(parts)}


def _answers(call: Call, outcome: Outcome) -> bool:
    if isinstance(outcome, Conflict):
        part = call.parts[call.index]
        same_place = call.status is Status.MISMATCH and outcome.index == call.index
        # What an earlier part wrote is gone, and nobody was told its etag.
        own = any(part.key == earlier.key for earlier in call.parts[: call.index])
        return same_place and (own or agree(part.actual, outcome.actual or ABSENT))
    if call.status is Status.INFO:
        return True
    found = [part.found for part in call.parts]
    done = [each is True for each in outcome] if isinstance(outcome, tuple) else None
    return done is not None and call.status is Status.OK and all(map(agree, found, done))


def _timeless(call: Call) -> Call:
    parts = tuple(_timeless(part) for part in call.parts)
    return replace(call, start=0, finish=NEVER, client="", parts=parts)


def _store(states: Mapping[str, State]) -> Store:
    return tuple(sorted(states.items(), key=_key))


def _key(entry: tuple[str, State]) -> str:
    return entry[0]

"""One key of a store, as `etagere.contract` has it, seen through what its clients were told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from typing import final

from msgspec import Struct
from msgspec.structs import replace

from etagere.contract import apply
from etagere.histories.history import NEVER, Call, Kind, Status
from etagere.histories.steps import Step
from etagere.operations import (
    ABSENT,
    KEEP,
    Conflict,
    Consistency,
    Outcome,
    Read,
    Record,
    Remove,
    Touch,
    Write,
)

# No store holds an etag with NUL. If these two were one, a new write would seem to be in place.
UNTOLD = "\0"
NEW = "\0new"
UNKNOWN_VALUE = b"\0"
# The recorder's numbers say nothing of the store's clock: what may vanish, may do so at any time.
NOW = 0
A_WHILE = 1
BEFORE_EVERYTHING = -1


@final
class State(Struct, frozen=True):
    """What is under a key, as far as the answers tell."""

    record: Record | None
    """Its value is the value's identity; its etag is `UNTOLD` where nobody was told."""
    excluded: frozenset[str] = frozenset()
    """Of a record whose etag is untold: what it turned out not to be."""
    claimed: frozenset[str] = frozenset()
    """Etags of unknown origin that turned out to belong to a write of which nobody was told."""


def step_of(call: Call) -> Step:
    """Return a call as a step of `VersionedKey` or `Contract`; the call is its argument."""
    eventual = call.kind is Kind.GET and call.consistency is Consistency.EVENTUAL
    return Step(
        function=call.kind,
        argument=call,
        start=BEFORE_EVERYTHING if eventual else call.start,
        finish=call.finish,
        status=call.status,
        client=call.client,
        key=call.key,
    )


def versioned_steps(calls: Iterable[Call], initial: str | None = None) -> list[Step]:
    """Return all calls on one key as steps, by start; `initial` is its value before them.

    An eventual read may see the past, but nothing from before the write of what it saw. To say so
    makes the search of many such reads much faster.
    """
    calls = tuple(calls)
    written: dict[str | None, int] = {initial: BEFORE_EVERYTHING}
    for call in calls:
        if call.kind is Kind.SET:
            written[call.value] = min(call.start, written.get(call.value, call.start))
    return sorted((_tightened(step_of(call), call, written) for call in calls), key=_start)


def _tightened(step: Step, call: Call, written: dict[str | None, int]) -> Step:
    if step.start == call.start or call.value is None:
        return step
    first = written.get(call.value, BEFORE_EVERYTHING)
    return replace(step, start=min(first, call.start))


def _start(step: Step) -> int:
    return step.start


class VersionedKey:
    """A key with versions, the object of steps that come from `step_of`.

    `calls` are all that is known of the key, even where only some are to be searched: they tell
    which etag belongs to which value. The key starts with the record that `initial` (a value's
    identity) and `etag` describe; with neither, absent.
    A write whose answer was lost may have an etag that nobody knows; it turns out to be what a
    later answer needs, as long as no other write has it. A record with a time to live may vanish at
    any moment, because a history has no clock.
    """

    name: str = "versioned"

    def __init__(
        self, calls: Iterable[Call] = (), *, initial: str | None = None, etag: str | None = None
    ) -> None:
        self._knowledge = knowledge = Knowledge(calls, initial, etag)
        self.initial = State(None)
        if initial is not None or etag is not None:
            etag = etag or knowledge.etags.get(initial) or UNTOLD
            self.initial = State(Record(_bytes(initial), etag))

    def step(self, state: State, step: Step) -> State | None:
        """Return the state after a call, None where the answer cannot be."""
        call = step.argument
        assert type(call) is Call  # noqa: S101
        operation = self.operation(call)
        for reading in self.readings(state, (call,)):
            record, outcome = apply(reading.record, operation, NOW)
            if explains(call, outcome):
                return reading if _says_nothing(call) else settled(reading, record)
        return state if call.status is Status.INFO else None

    def is_read(self, step: Step) -> bool:
        """Tell whether a step only observes."""
        return step.function == Kind.GET or step.status is Status.MISMATCH

    def essence(self, step: Step) -> Hashable:
        """Return the call without its times and its client.

        Lost writes whose value and etag nobody mentions are interchangeable as well.
        """
        call = step.argument
        assert type(call) is Call  # noqa: S101
        value, etag = call.value, call.etag
        if call.status is Status.INFO and self._knowledge.is_never_seen(call):
            value, etag = None, etag and NEW
        ttl = call.ttl and A_WHILE
        return replace(call, start=0, finish=NEVER, client="", value=value, etag=etag, ttl=ttl)

    def operation(self, call: Call) -> Read | Write | Remove | Touch:
        """Return what a call asks of the store."""
        if call.kind is Kind.GET:
            return Read(call.key)
        if call.kind is Kind.DELETE:
            return Remove(call.key, call.expected)
        ttl = None if call.ttl is None else A_WHILE
        if call.kind is Kind.TOUCH:
            return Touch(call.key, ttl, call.expected)
        etag = call.etag or self._knowledge.etags.get(call.value) or NEW
        return Write(
            call.key, _bytes(call.value), etag, call.expected, KEEP if call.ttl == 0 else ttl
        )

    def readings(self, state: State, calls: Iterable[Call]) -> Iterator[State]:
        """Give what a state may turn out to be, in the light of calls."""
        record = state.record
        if record is not None and record.etag == UNTOLD:
            possible = self._possible_etags(state, record, calls)
            for etag in possible:
                owned = etag in self._knowledge.values
                claimed = state.claimed if owned else state.claimed | {etag}
                yield State(replace(record, etag=etag), claimed=claimed)
            state = replace(state, excluded=state.excluded.union(possible))
        yield state
        if record is not None and record.expires_at is not None:
            yield State(None, claimed=state.claimed)

    def _possible_etags(self, state: State, record: Record, calls: Iterable[Call]) -> list[str]:
        impossible = state.excluded | state.claimed
        return [
            etag
            for etag in dict.fromkeys(etag for call in calls for etag in mentioned(call))
            if etag not in impossible and self._knowledge.may_belong(etag, record.value)
        ]


class Knowledge:
    """Which etag belongs to which value, from all that the calls of a key tell."""

    def __init__(self, calls: Iterable[Call], initial: str | None, etag: str | None) -> None:
        calls = tuple(calls)
        versions = [call for call in calls if call.kind in (Kind.SET, Kind.GET)]
        writes = [call for call in versions if call.kind is Kind.SET]
        told = [call for call in versions + writes if call.etag and call.value is not None]
        # Writes come last: where answers contradict each other, theirs counts.
        self.values = {call.etag: _bytes(call.value) for call in told}
        self._minted = {etag, *(call.etag for call in writes)}
        etags: dict[str | None, set[str | None]] = {}
        for call in told:
            etags.setdefault(call.value, set()).add(call.etag)
        writers = Counter([initial, *(call.value for call in writes)])
        self.etags = {
            value: etag
            for value, (etag, *others) in etags.items()
            if writers[value] == 1 > len(others)
        }

        self._mentions = Counter(etag for call in calls for etag in mentioned(call))
        self._mentions.update(call.etag for call in writes if call.etag)
        self._written = writers.keys()
        self._read = {call.value for call in versions if call.kind is Kind.GET}

    def is_never_seen(self, write: Call) -> bool:
        """Tell whether no other call mentions the value or the etag of a write."""
        if write.value in self._read or write.value not in self._written:
            return False
        return write.etag is None or self._mentions[write.etag] == 1

    def may_belong(self, etag: str, value: bytes) -> bool:
        """Tell whether an etag may be that of a write of this value, of which nobody was told."""
        owner = self.values.get(etag, UNKNOWN_VALUE)
        if UNKNOWN_VALUE in (owner, value):
            return etag not in self._minted
        return owner == value


def _says_nothing(call: Call) -> bool:
    """Tell of a touch that may have found nothing: what was to vanish may have vanished before."""
    unsure = call.status is Status.OK and call.found is None and not call.expected
    return call.kind is Kind.TOUCH and unsure and call.ttl is None


def settled(before: State, record: Record | None) -> State:
    """Return the state with what a call made of its record."""
    if record == before.record:
        return before
    if record is None:
        return State(None, claimed=before.claimed)
    expires_at = None if record.expires_at is None else A_WHILE
    if record.etag.startswith(NEW):
        return State(Record(record.value, UNTOLD, expires_at), claimed=before.claimed)
    excluded = before.excluded if record.etag == UNTOLD else frozenset[str]()
    return State(Record(record.value, record.etag, expires_at), excluded, before.claimed)


def explains(call: Call, outcome: Outcome) -> bool:
    """Tell whether an outcome is what the caller was told; of an info: whether it took effect."""
    if call.status is Status.INFO:
        return outcome is True
    if call.status is Status.MISMATCH:
        return isinstance(outcome, Conflict) and agree(call.actual, outcome.actual or ABSENT)
    if call.kind is Kind.GET:
        return _was_read(call, outcome)
    return isinstance(outcome, bool) and agree(call.found, outcome)


def _was_read(call: Call, outcome: Outcome) -> bool:
    if not isinstance(outcome, Record):
        return not call.found and call.etag is None and call.value is None
    same_value = call.value is None or outcome.value in (UNKNOWN_VALUE, _bytes(call.value))
    return call.found is not False and same_value and agree(call.etag, outcome.etag)


def agree(told: str | bool | None, actual: object) -> bool:
    """Tell whether an answer is what was told, if anything was."""
    return told is None or told == actual


def mentioned(call: Call) -> Iterator[str]:
    """Yield the etags that a call tells something of, other than that of its own write."""
    for etag in (call.expected, call.actual, call.etag if call.kind is Kind.GET else None):
        if etag:
            yield etag


def _bytes(identity: str | None) -> bytes:
    return UNKNOWN_VALUE if identity is None else identity.encode(errors="surrogatepass")

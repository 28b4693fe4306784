"""Linearizability of one versioned key by trying every order: slow, short, and on its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from etagere.histories.history import Call, Kind, Status
from etagere.operations import Consistency


class State(NamedTuple):
    """What is under the key: the number of the write that put it there, and whether it may expire.

    Number 0 is the initial record, None is nothing.
    """

    writer: int | None
    is_mortal: bool = False


class Knowledge(NamedTuple):
    """What has been learnt of the writes that were told no etag or no value, by their numbers."""

    etags: tuple[tuple[int, str], ...]
    values: tuple[tuple[int, str], ...]
    denied: frozenset[tuple[int, str]] = frozenset()


def is_linearizable(calls: Sequence[Call], initial: str | None = None) -> bool:
    """Tell whether some order explains every answer."""
    return _Search(calls, initial).run()


class _Search:
    def __init__(self, calls: Sequence[Call], initial: str | None) -> None:
        self.calls = [call for call in calls if call.status is not Status.FAIL]
        self.calls = [
            call
            for call in self.calls
            if not (call.kind is Kind.GET and call.status is Status.INFO)
        ]
        self.initial = initial
        self.required = frozenset(
            n for n, call in enumerate(self.calls) if call.status is not Status.INFO
        )
        etags = [(n + 1, c.etag) for n, c in enumerate(self.calls) if c.kind is Kind.SET and c.etag]
        values = [
            (n + 1, c.value) for n, c in enumerate(self.calls) if c.kind is Kind.SET and c.value
        ]
        if initial is not None:
            values.append((0, initial))
        self.told = Knowledge(tuple(sorted(etags)), tuple(sorted(values)))

    def run(self) -> bool:
        state = State(None if self.initial is None else 0)
        stack = [(frozenset[int](), state, self.told)]
        seen = set(stack)
        while stack:
            done, state, known = stack.pop()
            if self.required <= done:
                return True
            left = self.required - done
            bound = min(self.calls[n].finish for n in left)
            for n, call in enumerate(self.calls):
                if n in done or _start(call) > bound:
                    continue
                for after, knowledge in self.outcomes(n, call, state, known):
                    place = (done | {n}, after, knowledge)
                    if place not in seen:
                        seen.add(place)
                        stack.append(place)
        return False

    def outcomes(
        self, n: int, call: Call, state: State, known: Knowledge
    ) -> Iterator[tuple[State, Knowledge]]:
        yield from self.happens(n, call, state, known)
        if state.is_mortal:
            yield from self.happens(n, call, State(None), known)

    def happens(
        self, n: int, call: Call, state: State, known: Knowledge
    ) -> Iterator[tuple[State, Knowledge]]:
        if call.status is Status.MISMATCH:
            yield from ((state, k) for k in self.refuses(call, state, known))
        elif call.kind is Kind.GET:
            yield from ((state, k) for k in self.is_read(call, state, known))
        elif call.found is None or call.found is (state.writer is not None):
            for k in self.has_etag(state, call.expected, known):
                yield self.effect(n, call, state), k

    def refuses(self, call: Call, state: State, known: Knowledge) -> Iterator[Knowledge]:
        if call.expected is None or call.actual == call.expected:
            return
        if call.actual is None:
            yield from self.has_not(state, call.expected, known)
        else:
            yield from self.has_etag(state, call.actual, known)

    def is_read(self, call: Call, state: State, known: Knowledge) -> Iterator[Knowledge]:
        is_told = call.etag is not None or call.value is not None
        if state.writer is None:
            if not call.found and not is_told:
                yield known
        elif call.found is not False:
            for k in self.has_etag(state, call.etag, known):
                yield from self.has_value(state, call.value, k)

    def effect(self, n: int, call: Call, state: State) -> State:
        if call.kind is Kind.DELETE or (call.kind is Kind.TOUCH and state.writer is None):
            return State(None)
        if call.kind is Kind.TOUCH:
            return State(state.writer, call.ttl is not None)
        mortal = state.is_mortal if call.ttl == 0 else call.ttl is not None
        return State(n + 1, mortal)

    def has_etag(self, state: State, etag: str | None, known: Knowledge) -> Iterator[Knowledge]:
        if etag is None:
            yield known
        elif etag == "" or state.writer is None:
            if etag == "" and state.writer is None:
                yield known
        else:
            etags = dict(known.etags)
            if state.writer in etags:
                if etags[state.writer] == etag:
                    yield known
            elif etag not in etags.values() and (state.writer, etag) not in known.denied:
                etags[state.writer] = etag
                yield known._replace(etags=tuple(sorted(etags.items())))

    def has_not(self, state: State, etag: str, known: Knowledge) -> Iterator[Knowledge]:
        if state.writer is None:
            if etag != "":
                yield known
            return
        etags = dict(known.etags)
        if state.writer in etags or etag == "":
            if etags.get(state.writer) != etag:
                yield known
        else:
            yield known._replace(denied=known.denied | {(state.writer, etag)})

    def has_value(self, state: State, value: str | None, known: Knowledge) -> Iterator[Knowledge]:
        values = dict(known.values)
        assert state.writer is not None
        if value is None or values.get(state.writer) == value:
            yield known
        elif state.writer not in values:
            values[state.writer] = value
            yield known._replace(values=tuple(sorted(values.items())))


def _start(call: Call) -> int:
    eventual = call.kind is Kind.GET and call.consistency is Consistency.EVENTUAL
    return -1 if eventual else call.start

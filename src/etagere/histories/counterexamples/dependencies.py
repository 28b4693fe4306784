"""Which calls mean nothing without which others.

A read without the write of its value is a violation of its own, one that the run never showed. So
a smaller history must keep every write whose value it still reads, or whose version it still
consumes. Where several writes may be the one that was read, all of them stay.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterable, Iterator, Sequence
from typing import TypeAlias, cast

from etagere.histories.history import NEVER, Call, Kind, Status
from etagere.histories.steps import Step

Token: TypeAlias = tuple[str, Hashable]
OVERWRITES = frozenset({"write", "cas"})
TEXTS = frozenset({"append", "put"})


def needs_of(calls: Sequence[Call | Step]) -> list[frozenset[int]]:
    """Return, for each call, the positions of the calls that it needs."""
    suppliers: dict[Token, list[int]] = {}
    for position, call in enumerate(calls):
        for token in _supplied(call):
            suppliers.setdefault(token, []).append(position)
    _add_learned(calls, suppliers)
    overwriting = _Overwriting(calls)
    needs = [
        overwriting.possible(call, _suppliers(call, suppliers) - {at})
        for at, call in enumerate(calls)
    ]
    _add_texts(calls, needs)
    return needs


def tokens_of(call: Call | Step) -> Iterator[Token]:
    """Give the versions and values, by key, that a call brought or took."""
    yield from _supplied(call)
    yield from _used(call)


def _supplied(call: Call | Step) -> Iterator[Token]:
    """Give what a call brings into the world: a version, a value."""
    if isinstance(call, Step):
        yield from _supplied_by_step(call)
        return
    for part in call.parts or (call,):
        if part.kind is Kind.SET:
            yield from _tokens(part.key, part.etag, part.value)


def _used(call: Call | Step) -> Iterator[Token]:
    """Give what a call took from others: what it read, what it expected."""
    if isinstance(call, Step):
        yield from _used_by_step(call)
        return
    for part in call.parts or (call,):
        yield from _tokens(part.key, part.expected, None)
        yield from _tokens(part.key, part.actual, None)
        if part.kind is Kind.GET:
            yield from _tokens(part.key, part.etag, part.value)


def _add_learned(calls: Sequence[Call | Step], suppliers: dict[Token, list[int]]) -> None:
    """Let a write whose answer was lost supply the etag that a read of its value told."""
    for call in calls:
        read = call.argument if isinstance(call, Step) else call
        if isinstance(read, Call) and read.kind is Kind.GET and read.etag:
            version, *value = _tokens(read.key, read.etag, read.value)
            if value and version not in suppliers:
                suppliers[version] = suppliers.get(value[0], [])


def _tokens(key: str, etag: str | None, value: str | None) -> Iterator[Token]:
    if etag:
        yield key, ("etag", etag)
    if value is not None:
        yield key, ("value", value)


def _supplied_by_step(step: Step) -> Iterator[Token]:
    if isinstance(step.argument, Call):
        yield from _supplied(step.argument)
    elif step.argument is not None:
        yield step.key, parts_of(step.argument)[-1]


def _used_by_step(step: Step) -> Iterator[Token]:
    if isinstance(step.argument, Call):
        yield from _used(step.argument)
        return
    before, *after = parts_of(step.argument)
    if after:
        yield step.key, before
    if step.status is Status.OK:
        yield step.key, step.result


def parts_of(argument: Hashable) -> tuple[Hashable, ...]:
    """Return the arguments of a step that has several, such as a cas, or its only one."""
    return cast("tuple[Hashable, ...]", argument) if isinstance(argument, tuple) else (argument,)


def _suppliers(call: Call | Step, suppliers: dict[Token, list[int]]) -> frozenset[int]:
    tokens: Iterable[Token] = _used(call)
    if _is_refused_cas(call):
        # It saw any value but the one that it is about.
        about = set(_used(call))
        tokens = [token for token in suppliers if token[0] == call.key and token not in about]
    return frozenset(position for token in tokens for position in suppliers.get(token, ()))


def _is_refused_cas(call: Call | Step) -> bool:
    plain = isinstance(call, Step) and not isinstance(call.argument, Call)
    return plain and call.status is Status.MISMATCH


class _Overwriting:
    """Which writes of a value a step cannot have seen: those to come, and those written over."""

    def __init__(self, calls: Sequence[Call | Step]) -> None:
        self._calls = calls
        self._finishes: dict[str, list[int]] = {}
        self._latest: dict[str, list[int]] = {}
        writes = (call for call in calls if isinstance(call, Step) and _surely_writes(call))
        for write in sorted(writes, key=lambda step: step.finish):
            latest = self._latest.setdefault(write.key, [-1])
            latest.append(max(latest[-1], write.start))
            self._finishes.setdefault(write.key, []).append(write.finish)

    def possible(self, call: Call | Step, suppliers: frozenset[int]) -> frozenset[int]:
        """Return those of the suppliers that a step can have seen; all of them if it saw none."""
        if not isinstance(call, Step):
            return suppliers
        # Before the step began, a write that began at this moment was over.
        over = bisect_left(self._finishes.get(call.key, ()), call.start)
        overwritten = self._latest[call.key][over] if over else -1
        seen = {
            at
            for at in suppliers
            if self._calls[at].start < call.finish and self._calls[at].finish >= overwritten
        }
        return frozenset(seen) or suppliers


def _surely_writes(step: Step) -> bool:
    return step.function in OVERWRITES and step.status is Status.OK and step.finish != NEVER


def _add_texts(calls: Sequence[Call | Step], needs: list[frozenset[int]]) -> None:
    """Let a read of a text need every piece that the text shows."""
    pieces = [
        (at, call.key, str(call.argument))
        for at, call in enumerate(calls)
        if isinstance(call, Step) and call.function in TEXTS
    ]
    for at, call in enumerate(calls):
        if pieces and isinstance(call, Step) and isinstance(call.result, str) and call.result:
            shown = {by for by, key, text in pieces if key == call.key and text in call.result}
            needs[at] |= shown - {at}

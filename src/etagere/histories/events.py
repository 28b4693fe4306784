"""Invocations and responses: what a recorder notes, and what the lines of a file are.

A call that is never answered has an invocation alone. `docs/histories.md` tells what each field
means; they are those of `Call`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, TypeAlias, final

from msgspec import Meta, Struct

from etagere.histories.history import NEVER, Call, Kind, Status
from etagere.operations import Consistency

Tick: TypeAlias = Annotated[int, Meta(ge=0, lt=NEVER)]
"""A number that one recorder hands out, each greater than the one before."""
Lifetime: TypeAlias = Annotated[int, Meta(ge=0)]


@final
class Part(Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """What one operation of a transaction asks for."""

    kind: Kind
    key: str
    expected: str | None = None
    value: str | None = None
    etag: str | None = None
    ttl: Lifetime | None = None


@final
class Result(Struct, frozen=True, gc=False, omit_defaults=True, forbid_unknown_fields=True):
    """What one operation of a transaction was answered."""

    etag: str | None = None
    found: bool | None = None


@final
class Invocation(
    Struct,
    frozen=True,
    gc=False,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag_field="event",
    tag="invoke",
):
    """A call sets out."""

    at: Tick
    kind: Kind
    client: str = ""
    key: str = ""
    expected: str | None = None
    value: str | None = None
    etag: str | None = None
    ttl: Lifetime | None = None
    consistency: Consistency = Consistency.STRONG
    parts: tuple[Part, ...] = ()


@final
class Response(
    Struct,
    frozen=True,
    gc=False,
    omit_defaults=True,
    forbid_unknown_fields=True,
    tag_field="event",
    tag="respond",
):
    """A call is answered; `of` is the `at` of its invocation.

    A response whose status is info may be followed by one that settles what became of the call.
    """

    at: Tick
    of: Tick
    status: Status
    etag: str | None = None
    value: str | None = None
    found: bool | None = None
    actual: str | None = None
    index: Annotated[int, Meta(ge=0)] = 0
    parts: tuple[Result, ...] = ()


Event: TypeAlias = Invocation | Response

NOTHING = Result()


def call_of(asked: Invocation, told: Response | None) -> Call:
    """Return the call that an invocation and its response make."""
    if told is None:
        told = Response(0, asked.at, Status.INFO)
    finish = NEVER if told.status is Status.INFO else told.at
    found = told.found
    if asked.kind is Kind.GET and told.status is Status.OK and found is None:
        found = True
    return Call(
        kind=asked.kind,
        start=asked.at,
        finish=finish,
        status=told.status,
        client=asked.client,
        key=asked.key,
        expected=asked.expected,
        value=asked.value if told.value is None else told.value,
        etag=asked.etag if told.etag is None else told.etag,
        found=found,
        actual=told.actual,
        ttl=asked.ttl,
        consistency=asked.consistency,
        index=told.index,
        parts=_parts(asked, told, finish) if asked.parts else (),
    )


def events_of(calls: Iterable[Call]) -> Iterator[Event]:
    """Yield the events that `call_of` makes these calls of, in order, no number twice."""
    moments: list[tuple[int, bool, Call]] = []
    for call in calls:
        moments.append((call.start, False, call))
        if call.status is not Status.INFO:
            moments.append((call.start if call.finish == NEVER else call.finish, True, call))
    # Of those at one moment invocations come first: calls that meet are concurrent.
    moments.sort(key=lambda moment: moment[:2])
    latest = -1
    starts: dict[int, int] = {}
    for at, answered, call in moments:
        latest = max(at, latest + 1)
        if answered:
            yield _response_of(call, latest, starts.pop(id(call)))
        else:
            starts[id(call)] = latest
            yield _invocation_of(call, latest)


def problem_with(asked: Invocation) -> str | None:
    """Return why an invocation makes no sense; None if it does."""
    if asked.kind is Kind.TRANSACTION:
        if not asked.parts:
            return "a transaction has parts"
        odd = {part.kind for part in asked.parts} - {Kind.SET, Kind.DELETE}
        return f"a part of a transaction is a set or a delete, not a {odd.pop()}" if odd else None
    if asked.parts:
        return f"a {asked.kind} has no parts; only a transaction has"
    return None if asked.key else f"a {asked.kind} has a key"


def problem_between(asked: Invocation, told: Response) -> str | None:
    """Return why a response is none to this invocation; None if it is."""
    if told.status is Status.OK:
        if asked.kind is Kind.GET and is_empty(told):
            return 'a get that is ok has an etag or a value, or "found": false'
        if told.parts and len(told.parts) != len(asked.parts):
            return f"{len(told.parts)} results for the {len(asked.parts)} parts of the transaction"
    elif told.status is Status.MISMATCH:
        asking: Invocation | Part = asked
        if asked.kind is Kind.TRANSACTION:
            if told.index >= len(asked.parts):
                return f"the transaction has no part {told.index} that could conflict"
            asking = asked.parts[told.index]
        if asking.expected is None:
            return "without a precondition (expected) there is no mismatch"
    return None


def is_empty(told: Response) -> bool:
    """Tell whether a response says nothing of what was found."""
    return told.found is None and told.etag is None and told.value is None


def _invocation_of(call: Call, at: int) -> Invocation:
    asks = call.kind is not Kind.GET
    return Invocation(
        at=at,
        kind=call.kind,
        client=call.client,
        key=call.key,
        expected=call.expected,
        value=call.value if asks else None,
        etag=call.etag if asks else None,
        ttl=call.ttl,
        consistency=call.consistency,
        parts=tuple(
            Part(part.kind, part.key, part.expected, part.value, part.etag, part.ttl)
            for part in call.parts
        ),
    )


def _response_of(call: Call, at: int, of: int) -> Response:
    answers = call.kind is Kind.GET
    found = any(part.found is not None for part in call.parts)
    return Response(
        at=at,
        of=of,
        status=call.status,
        etag=call.etag if answers else None,
        value=call.value if answers else None,
        found=call.found,
        actual=call.actual,
        index=call.index,
        parts=tuple(Result(found=part.found) for part in call.parts) if found else (),
    )


def _parts(asked: Invocation, told: Response, finish: int) -> tuple[Call, ...]:
    results = told.parts or (NOTHING,) * len(asked.parts)
    return tuple(
        Call(
            kind=part.kind,
            start=asked.at,
            finish=finish,
            status=_status_of_part(asked, told, number),
            client=asked.client,
            key=part.key,
            expected=part.expected,
            value=part.value,
            etag=part.etag if result.etag is None else result.etag,
            found=result.found,
            actual=told.actual if number == told.index else None,
            ttl=part.ttl,
            consistency=asked.consistency,
        )
        for number, (part, result) in enumerate(zip(asked.parts, results, strict=True))
    )


def _status_of_part(asked: Invocation, told: Response, number: int) -> Status:
    if told.status is not Status.MISMATCH:
        return told.status
    # What a part saw after an earlier part on its key was never in the store.
    earlier = {part.key for part in asked.parts[:number]}
    conflicted = number == told.index and asked.parts[number].key not in earlier
    return Status.MISMATCH if conflicted else Status.FAIL

"""Exact requests item by item, and what their answers say of each."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from msgspec import UNSET, Struct, field

from etagere.backend import Capabilities
from etagere.errors import EtagereError, Interrupted, StoreFailed
from etagere.operations import (
    KEEP,
    Consistency,
    Operation,
    Outcome,
    Read,
    Record,
    Remove,
    Stored,
    Write,
)
from etagere_http.bodies import Found, Item, Part, decoded, options_of
from etagere_http.connection import Answer
from etagere_http.failures import Failure, failure_in, outcome_of


class Description(Struct, frozen=True):
    """What a server says of a store."""

    version: str
    max_body_size: int = field(name="maxBodySize")
    capabilities: Capabilities


class Result(Struct, frozen=True):
    """What a server says of one item."""

    etag: str | None = None
    deleted: bool | None = None
    error: Failure | None = None


class Existed(Struct, frozen=True):
    """Whether there was something to delete."""

    deleted: bool


class Touched(Struct, frozen=True):
    """Whether there was something to touch."""

    found: bool


class Page(Struct, frozen=True):
    """Some keys."""

    keys: list[str]
    next: str | None = None


class Health(Struct, frozen=True):
    """Whether a store answers."""

    name: str
    ready: bool
    error: str = ""


class StoresHealth(Struct, frozen=True):
    """Whether the stores of a server answer."""

    stores: list[Health]


# --- what is sent -----------------------------------------------------------------------------


def item_of(operation: Write | Remove, consistency: Consistency) -> Item:
    """Return an operation as an exact item."""
    etag, options = operation.expected or "", options_of(operation.expected, consistency)
    if isinstance(operation, Remove):
        return Item(operation.key, etag=etag, options=options)
    metadata = {"newETag": operation.etag}
    if operation.ttl is not None:
        keeps = operation.ttl is KEEP
        metadata["ttlInMilliseconds"] = "keep" if keeps else str(operation.ttl)
    return Item(operation.key, operation.value, etag, metadata, options)


def part_of(operation: Write | Remove, consistency: Consistency) -> Part:
    """Return an operation as a part of a transaction."""
    word = "upsert" if isinstance(operation, Write) else "delete"
    return Part(word, item_of(operation, consistency))


# --- what comes back --------------------------------------------------------------------------


def fetched(read: Read, answer: Answer) -> Outcome:
    """Return the record in the answer to a get."""
    if answer.status == 204:
        return None
    if not answer.is_good:
        return outcome_of(read, failure_in(answer))
    if (etag := answer.headers.get("etag")) is None:
        return Interrupted(f"the server answered {answer.status} without an ETag")
    return Record(answer.body, etag, moment(answer.headers.get("metadata.expiresat")))


def fetched_all(reads: Sequence[Read], answer: Answer) -> list[Outcome]:
    """Return the records in the answer to a bulk get."""
    if not answer.is_good:
        failure = failure_in(answer)
        return [outcome_of(read, failure) for read in reads]
    found = decoded(answer, list[Found])
    if len(found) != len(reads):
        return [Interrupted(f"{len(reads)} keys have {len(found)} answers")] * len(reads)
    return [record_in(each) for each in found]


def record_in(found: Found) -> Outcome:
    """Return the record in one item of the answer to a bulk get."""
    if found.error:
        return StoreFailed(found.error)
    if found.data is UNSET:
        return None
    try:
        value = msgspec.json.decode(found.data, type=bytes)
    except msgspec.MsgspecError as error:
        return StoreFailed(f"the value of key {found.key!r} came without its bytes: {error}")
    return Record(value, found.etag, moment((found.metadata or {}).get("expiresAt")))


def moment(text: str | None) -> int | None:
    """Return when a record expires."""
    return None if text is None else int(text)


def given(write: Write, etag: str | None) -> Outcome:
    """Return the outcome of a write whose key the server says it gave this etag.

    Strict servers say none; any other but the writer's own is that of a server of another kind.
    """
    return True if etag in (None, write.etag) else Stored(etag or "")


def stored(operation: Operation, result: Result) -> Outcome:
    """Return the outcome of one item of a save."""
    if result.error is not None:
        return outcome_of(operation, result.error)
    assert isinstance(operation, Write)  # noqa: S101
    return given(operation, result.etag)


def deleted(operation: Operation, result: Result) -> Outcome:
    """Return the outcome of one item of a bulk delete."""
    return result.deleted if result.error is None else outcome_of(operation, result.error)


def error_in(answer: Answer, read: Read) -> EtagereError:
    """Return the error that an answer to a listing is."""
    outcome = outcome_of(read, failure_in(answer))
    return outcome if isinstance(outcome, EtagereError) else StoreFailed(str(outcome))

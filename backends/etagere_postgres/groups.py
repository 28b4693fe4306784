"""The quick way to write: one statement for all operations of one kind, each on a key of its own.

A statement says which keys it wrote. What it left alone is looked up, for the conflict to name the
etag that was there; what cannot be told even then is left to `etagere_postgres.ledger`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Sequence
from enum import Enum, IntEnum, auto
from operator import attrgetter
from typing import Any, Final, TypeAlias, cast

from etagere import contract
from etagere.errors import EtagereError, Unavailable
from etagere.operations import (
    ABSENT,
    ANYTHING,
    KEEP,
    Mutation,
    Outcome,
    Record,
    Remove,
    Touch,
    Transaction,
    Write,
)
from etagere.settling import keys_of
from etagere_postgres.failures import translated
from etagere_postgres.lanes import Connection
from etagere_postgres.packing import flags, joined, numbers, texts
from etagere_postgres.statements import Statements

Single: TypeAlias = Write | Remove | Touch


class Kind(IntEnum):
    """Operations that one statement can do together."""

    OVERWRITE = auto()
    OVERWRITE_AND_KEEP = auto()
    CREATE = auto()
    REPLACE = auto()
    TOUCH = auto()
    REMOVE = auto()
    OTHER = auto()


class Undecided(Enum):
    """In the place of an outcome: the operation has to be done again, the thorough way."""

    UNDECIDED = auto()


# Looked up once: until Python 3.12 that is a call.
OVERWRITE: Final = Kind.OVERWRITE
REPLACE: Final = Kind.REPLACE
KEY: Final = attrgetter("key")
UNDECIDED: Final = Undecided.UNDECIDED


def sort_out(operations: Sequence[Mutation]) -> dict[Kind, list[int]]:
    """Return the positions of the operations of each kind.

    No key is in two of them, and only OVERWRITE and OTHER may have several operations on one.
    """
    kinds = list(map(_kind_of, operations))
    crowded = _crowded_keys(operations, kinds)
    groups: dict[Kind, list[int]] = defaultdict(list)
    for position, kind in enumerate(kinds):
        alone = not crowded or crowded.isdisjoint(keys_of(operations[position]))
        groups[kind if alone else Kind.OTHER].append(position)
    return groups


def _crowded_keys(operations: Sequence[Mutation], kinds: Sequence[Kind]) -> set[str]:
    """Return the keys with several operations of which the order matters."""
    crowded: set[str] = set()
    if not _may_be_crowded(operations, set(kinds)):
        return crowded
    seen: dict[str, Kind] = {}
    for operation, kind in zip(operations, kinds, strict=True):
        for key in keys_of(operation):
            if key in seen and not (kind is seen[key] is Kind.OVERWRITE):
                crowded.add(key)
            seen[key] = kind
    return crowded


def _may_be_crowded(operations: Sequence[Mutation], kinds: Collection[Kind]) -> bool:
    if kinds == {Kind.OVERWRITE}:
        return False
    return Kind.OTHER in kinds or len(set(map(KEY, operations))) < len(operations)


def _kind_of(operation: Mutation) -> Kind:
    if type(operation) is Write:
        if operation.expected is ANYTHING:
            return Kind.OVERWRITE_AND_KEEP if operation.ttl is KEEP else OVERWRITE
        return Kind.CREATE if operation.expected == ABSENT else REPLACE
    if type(operation) is Transaction:
        return Kind.OTHER
    return Kind.TOUCH if isinstance(operation, Touch) else Kind.REMOVE


async def write_group(
    connection: Connection,
    statements: Statements,
    kind: Kind,
    operations: Sequence[Single],
) -> list[Outcome | Undecided]:
    """Do operations of one kind, and return what became of each."""
    text, arguments = _STATEMENTS[kind](statements, sorted(operations, key=KEY))
    rows = await connection.fetch(text, *arguments)
    if len(rows) == len(operations) or kind in (Kind.OVERWRITE, Kind.OVERWRITE_AND_KEEP):
        # An overwrite that changes nothing found its own etag in place.
        return [True] * len(operations)
    done = {row[0] for row in rows}
    missed = [operation for operation in operations if operation.key not in done]
    found = await _look_up(connection, statements, missed)
    return [
        True if operation.key in done else _verdict(operation, found) for operation in operations
    ]


async def _look_up(
    connection: Connection, statements: Statements, missed: Sequence[Single]
) -> dict[str, Record] | EtagereError:
    keys = [operation.key for operation in missed if operation.expected is not ANYTHING]
    if not keys:
        return {}
    try:
        with translated(lost=Unavailable):
            rows = await connection.fetch(statements.etags, texts(keys))
    except EtagereError as error:
        # What was written is written; this is about the rest, which was not.
        return error
    return {row[0]: Record(b"", row[1]) for row in rows}


def _verdict(operation: Single, found: dict[str, Record] | EtagereError) -> Outcome | Undecided:
    if isinstance(found, EtagereError):
        return found
    # The lookup came later than the statement: when the operation would do something to what is
    # there now, somebody wrote in between, or its own etag is in place.
    _, outcome = contract.apply(found.get(operation.key), operation, 0)
    return UNDECIDED if outcome is True else outcome


# --- what a statement is called with ----------------------------------------------------------

Statement: TypeAlias = tuple[str, Sequence[Any]]


def _upsert(
    statements: Statements, operations: Sequence[Single], *, overwrite: bool, keep: bool
) -> Statement:
    writes, outdone = _last_of_each(cast("Sequence[Write]", operations))
    return statements.upsert, (
        texts([write.key for write in writes]),
        texts([write.etag for write in writes]),
        *joined([write.value for write in writes]),
        _lifetimes(writes),
        overwrite,
        keep,
        texts(outdone),
    )


def _last_of_each(operations: Sequence[Write]) -> tuple[Collection[Write], list[str]]:
    """Return the last write of each key, which alone leaves a trace, and the keys of several."""
    if len(set(map(KEY, operations))) == len(operations):
        return operations, []
    last: dict[str, Write] = {}
    outdone: list[str] = []
    for write in operations:
        before = last.setdefault(write.key, write)
        # The same one again finds itself in place.
        if before.etag != write.etag:
            last[write.key] = write
            outdone.append(write.key)
    return last.values(), outdone


def _overwrite(statements: Statements, operations: Sequence[Single]) -> Statement:
    return _upsert(statements, operations, overwrite=True, keep=False)


def _overwrite_and_keep(statements: Statements, operations: Sequence[Single]) -> Statement:
    return _upsert(statements, operations, overwrite=True, keep=True)


def _create(statements: Statements, operations: Sequence[Single]) -> Statement:
    return _upsert(statements, operations, overwrite=False, keep=False)


def _replace(statements: Statements, operations: Sequence[Single]) -> Statement:
    writes = cast("Sequence[Write]", operations)
    return statements.replace, (
        texts([write.key for write in writes]),
        texts([write.expected for write in writes]),
        texts([write.etag for write in writes]),
        *joined([write.value for write in writes]),
        _lifetimes(writes),
        flags([write.ttl is KEEP for write in writes]),
    )


def _touch(statements: Statements, operations: Sequence[Single]) -> Statement:
    touches = cast("Sequence[Touch]", operations)
    return statements.touch, (
        texts([touch.key for touch in touches]),
        texts([touch.expected for touch in touches]),
        numbers([touch.ttl for touch in touches]),
    )


def _remove(statements: Statements, operations: Sequence[Single]) -> Statement:
    return statements.remove, (
        texts([remove.key for remove in operations]),
        texts([remove.expected for remove in operations]),
    )


def _lifetimes(writes: Collection[Write]) -> str:
    return numbers([None if write.ttl is KEEP else write.ttl for write in writes])


_STATEMENTS: Final[dict[Kind, Callable[[Statements, Sequence[Single]], Statement]]] = {
    Kind.OVERWRITE: _overwrite,
    Kind.OVERWRITE_AND_KEEP: _overwrite_and_keep,
    Kind.CREATE: _create,
    Kind.REPLACE: _replace,
    Kind.TOUCH: _touch,
    Kind.REMOVE: _remove,
}

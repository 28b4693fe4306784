"""Operations as Redis commands, and Redis's replies as outcomes."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from importlib.resources import files

from hiredis import ReplyError
from msgspec import Struct

from etagere.errors import EtagereError, NotReplicated, NotSupported
from etagere.operations import (
    KEEP,
    Conflict,
    Keep,
    Mutation,
    Operation,
    Outcome,
    Read,
    Record,
    Remove,
    Touch,
    Transaction,
    Write,
)
from etagere_redis.failures import failure
from etagere_redis.settings import Address
from etagere_redis.topology import Topology
from etagere_redis.wire import Reply, pack

_TEXT = (files("etagere_redis") / "scripts" / "apply.lua").read_bytes()
_SHA = hashlib.sha1(_TEXT, usedforsecurity=False).hexdigest()
LOAD = pack(b"SCRIPT", b"LOAD", _TEXT)


class Command(Struct, eq=False):
    """What goes to the shard of one slot, and what came back."""

    slot: int
    positions: Sequence[int]
    """Of the operations in their batch."""
    packed: bytes
    count: int
    """How many replies there will be."""
    target: Address | None = None
    """Where the cluster redirects it to."""
    prelude: tuple[bytes, ...] = ()
    """Commands that must go before it."""
    address: Address = Address("", 0)
    """Where it went."""
    replies: Sequence[Reply] = ()
    unconfirmed: str = ""
    """Why replicas may not have what it wrote."""


def keys_of(operation: Operation) -> list[str]:
    """Return the key of an operation, or those of a transaction, in order."""
    if type(operation) is Transaction:
        return [part.key for part in operation.operations]
    return [operation.key]


def _key_of(operation: Operation) -> str:
    return next(iter(keys_of(operation)), "")


# --- reads ------------------------------------------------------------------------------------


def read_commands(reads: Sequence[Read], topology: Topology) -> list[Command]:
    """Return the commands that fetch records."""
    packed = [_pack_read(read.key) for read in reads]
    if topology.slots == 1:
        return [Command(0, range(len(reads)), b"".join(packed), len(reads))]
    return [
        Command(topology.slot_of(read.key), (position,), command, 1)
        for position, (read, command) in enumerate(zip(reads, packed, strict=True))
    ]


def note_reads(command: Command, reads: Sequence[Read], outcomes: list[Outcome]) -> None:
    """Write down the outcomes that a command's replies are."""
    for position, reply in zip(command.positions, command.replies, strict=True):
        if isinstance(reply, Exception):
            outcomes[position] = _error(reply, command, reads[position])
        else:
            outcomes[position] = _record(reply)


def _error(reply: Exception, command: Command, operation: Operation) -> EtagereError:
    if isinstance(reply, EtagereError):
        return reply
    return failure(reply, command.address, _key_of(operation))


def _pack_read(key: str) -> bytes:
    # By hand, because that is three times as fast as hiredis, and this is the hot path.
    word = key.encode()
    return b"*5\r\n$5\r\nHMGET\r\n$%d\r\n%b\r\n$5\r\nvalue\r\n$4\r\netag\r\n$7\r\nexpires\r\n" % (
        len(word),
        word,
    )


def _record(fields: Sequence[bytes | None]) -> Record | None:
    value, etag, expires = fields
    if value is None or etag is None:
        return None
    return Record(value, etag.decode(), int(expires) if expires else None)


# --- writes -----------------------------------------------------------------------------------


def write_commands(
    operations: Sequence[Mutation], topology: Topology, outcomes: list[Outcome]
) -> list[Command]:
    """Return the commands that write, and note what cannot be done.

    Operations on one key always travel in one command, so that they keep their order whatever
    happens on the way. In a cluster different keys travel apart, because a slot that moves from
    node to node is moved key by key.
    """
    if topology.slots == 1:
        return [_write_command(0, range(len(operations)), operations)]
    keys_at: dict[int, list[str]] = {}
    for position, operation in enumerate(operations):
        keys = keys_of(operation)
        if len({topology.slot_of(key) for key in keys}) > 1:
            outcomes[position] = _across_slots(operation)
        elif keys:
            keys_at[position] = keys
        else:
            outcomes[position] = ()
    return [
        _write_command(topology.slot_of(keys_at[positions[0]][0]), positions, operations)
        for positions in _tied(keys_at)
    ]


def note_writes(command: Command, operations: Sequence[Mutation], outcomes: list[Outcome]) -> None:
    """Write down the outcomes that a command's reply is."""
    (reply,) = command.replies
    failed = isinstance(reply, Exception)
    for index, position in enumerate(command.positions):
        operation = operations[position]
        outcome = (
            _error(reply, command, operation)
            if failed
            else _outcome(reply[index], command, operation)
        )
        if command.unconfirmed and _is_applied(outcome):
            outcome = _unconfirmed(command, operation)
        outcomes[position] = outcome


def _tied(keys_at: Mapping[int, Sequence[str]]) -> list[list[int]]:
    """Gather the positions that have a key in common, or are tied by a transaction on both."""
    groups: dict[str, list[int]] = {}
    for position, (first, *others) in keys_at.items():
        group = groups.setdefault(first, [])
        for key in others:
            other = groups.setdefault(key, group)
            if other is not group:
                group += other
                groups.update({key: group for key, its in groups.items() if its is other})
        group.append(position)
    return [sorted(group) for group in {id(group): group for group in groups.values()}.values()]


def _write_command(slot: int, positions: Sequence[int], operations: Sequence[Mutation]) -> Command:
    keys: list[str] = []
    words: list[str | bytes | int] = []
    for position in positions:
        operation = operations[position]
        if type(operation) is Transaction:
            words += (b"transaction", len(operation.operations))
            for part in operation.operations:
                keys.append(part.key)
                words += _words(part)
        else:
            keys.append(operation.key)
            words += _words(operation)
    return Command(slot, positions, pack(b"EVALSHA", _SHA, len(keys), *keys, *words), 1)


def _words(operation: Write | Remove | Touch) -> tuple[str | bytes | int, ...]:
    expected = b"" if operation.expected is None else "=" + operation.expected
    match operation:
        case Write(etag=etag, ttl=ttl, value=value):
            return b"write", expected, etag, _ttl(ttl), value
        case Touch(ttl=ttl):
            return b"touch", expected, _ttl(ttl)
        case Remove():
            return b"remove", expected


def _ttl(ttl: int | Keep | None) -> int | bytes:
    if ttl is None:
        return b""
    return b"keep" if ttl is KEEP else ttl


def _outcome(reply: Reply, command: Command, operation: Mutation) -> Outcome:
    if isinstance(reply, int):
        return reply == 1
    if isinstance(reply, bytes):
        index, _, etag = reply.decode().partition(" ")
        return Conflict(etag or None, int(index))
    if isinstance(reply, ReplyError):
        return failure(reply, command.address, _key_of(operation), in_script=True)
    return tuple(part == 1 for part in reply)


def _is_applied(outcome: Outcome) -> bool:
    return outcome is True or (isinstance(outcome, tuple) and any(outcome))


def _unconfirmed(command: Command, operation: Mutation) -> NotReplicated:
    key = _key_of(operation)
    etag = operation.etag if isinstance(operation, Write) else None
    return NotReplicated(key, etag, f"key {key!r}: {command.unconfirmed}")


def _across_slots(operation: Mutation) -> NotSupported:
    return NotSupported(
        f"the transaction on keys {', '.join(map(repr, keys_of(operation)))} spans several hash"
        " slots, and a Redis cluster does only those of one slot: give the keys a common part in"
        " braces, as in '{order-7}head' and '{order-7}lines', and that alone picks the slot"
    )

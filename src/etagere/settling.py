"""What a look into the store says about a write that was never answered."""

from __future__ import annotations

from collections.abc import Mapping

from etagere.backend import ETagOrigin
from etagere.errors import Certainty
from etagere.operations import (
    ANYTHING,
    Mutation,
    Operation,
    Remove,
    Transaction,
    Write,
)


def keys_of(operation: Operation) -> list[str]:
    """Return the keys that an operation is about."""
    if isinstance(operation, Transaction):
        return list(dict.fromkeys(part.key for part in operation.operations))
    return [operation.key]


def verdict(
    operation: Mutation, etags: Mapping[str, str | None], origin: ETagOrigin = ETagOrigin.WRITER
) -> Certainty:
    """Tell whether an operation was applied, from the etags under its keys afterwards.

    Its own etag in place: it was. The etag that it was to replace still in place: it was not, since
    that etag could not have come back. Anything else may be the work of others, before or after;
    and so may be any etag that the server chose itself.
    """
    if origin is ETagOrigin.SERVER:
        return Certainty.UNKNOWN
    if isinstance(operation, Transaction):
        return _verdict_on_all(operation, etags)
    current = etags[operation.key]
    if isinstance(operation, Write) and current == operation.etag:
        return Certainty.APPLIED
    if isinstance(operation, Remove) and operation.expected is ANYTHING and current is None:
        return Certainty.APPLIED
    if isinstance(operation, Write | Remove) and _is_untouched(operation, etags):
        return Certainty.NOT_APPLIED
    return Certainty.UNKNOWN


def _verdict_on_all(transaction: Transaction, etags: Mapping[str, str | None]) -> Certainty:
    """All or nothing: the trace of one part speaks for the whole."""
    last = {part.key: part for part in transaction.operations}
    first = {part.key: part for part in reversed(transaction.operations)}
    if any(isinstance(part, Write) and part.etag == etags[part.key] for part in last.values()):
        return Certainty.APPLIED
    if any(_is_untouched(part, etags) for part in first.values()):
        return Certainty.NOT_APPLIED
    return Certainty.UNKNOWN


def _is_untouched(operation: Write | Remove, etags: Mapping[str, str | None]) -> bool:
    return bool(operation.expected) and operation.expected == etags[operation.key]

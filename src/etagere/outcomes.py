"""What a caller is told: the outcome of an operation, as the error that a user can act on."""

from __future__ import annotations

from etagere.errors import (
    EtagereError,
    ETagMismatch,
    Interrupted,
    NotReplicated,
    OutcomeUnknown,
    StoreFailed,
    Unavailable,
)
from etagere.operations import Conflict, Operation, Outcome, Read, Transaction


def error_of(operation: Operation, outcome: Outcome) -> EtagereError | None:
    """Return the error that an outcome is for its caller; None if it is none."""
    if isinstance(outcome, Conflict):
        return _mismatch(operation, outcome)
    if isinstance(outcome, Interrupted):
        return interrupted(operation, outcome)
    if isinstance(outcome, NotReplicated):
        return _not_replicated(operation, outcome)
    if isinstance(outcome, Unavailable | StoreFailed):
        # One failure of a batch reaches many callers: each gets an error of its own.
        verb = "read" if isinstance(operation, Read) else "written"
        error = type(outcome)(f"{subject_of(operation)} was not {verb}: {outcome}")
        error.__cause__ = outcome.__cause__ or outcome
        return error
    return outcome if isinstance(outcome, EtagereError) else None


def subject_of(operation: Operation) -> str:
    """Return how messages call what an operation is about."""
    if not isinstance(operation, Transaction):
        return f"key {operation.key!r}"
    first, *others = operation.operations
    more = f" and {len(others)} more" if others else ""
    return f"the transaction on key {first.key!r}{more}"


def _not_replicated(operation: Operation, outcome: NotReplicated) -> NotReplicated:
    # Its key is the one that the backend knows: a layer may have changed it on the way down.
    part = operation.operations[0] if isinstance(operation, Transaction) else operation
    error = NotReplicated(part.key, getattr(operation, "etag", None), str(outcome))
    error.__cause__ = outcome.__cause__
    return error


def _mismatch(operation: Operation, conflict: Conflict) -> ETagMismatch:
    index = None
    if isinstance(operation, Transaction):
        index = conflict.index
        operation = operation.operations[index]
    assert not isinstance(operation, Read)  # noqa: S101
    return ETagMismatch(operation.key, operation.expected or None, conflict.actual, index)


def interrupted(operation: Operation, outcome: Interrupted) -> EtagereError:
    """Return what an operation that was sent and not answered is for its caller."""
    error: EtagereError
    if isinstance(operation, Read):
        error = Unavailable(f"{subject_of(operation)} was not read: {outcome}")
    else:
        error = OutcomeUnknown(
            operation,
            f"{subject_of(operation)} may or may not have been written: {outcome};"
            " store.settle(error) can tell, once the store answers again",
        )
    error.__cause__ = outcome.__cause__ or outcome
    return error

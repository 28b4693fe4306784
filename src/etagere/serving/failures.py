"""What a store's errors are called on the faces of the server.

The action gives the error code and the beginning of the message, as in Dapr; the kind of the
failure gives the status. The details say which key, and whether the write is in the store.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec import Struct

from etagere.errors import (
    Closed,
    EtagereError,
    ETagMismatch,
    InvalidArgument,
    NotReplicated,
    NotSupported,
    OutcomeUnknown,
    StoreFailed,
    TooLarge,
    Unavailable,
)
from etagere.serving.errors import ETAGERE, ApiError, Condition, ErrorInfo


class Action(Struct, frozen=True):
    """What was being done."""

    code: str
    message: str
    conflicts_in_dapr: bool = True
    """Whether Dapr tells a conflict from any other failure here."""


SAVE: Final = Action("ERR_STATE_SAVE", "failed saving state in state store {store}: {cause}")
GET: Final = Action("ERR_STATE_GET", "fail to get {key} from state store {store}: {cause}")
BULK_GET: Final = Action("ERR_STATE_BULK_GET", "{cause}")
DELETE: Final = Action("ERR_STATE_DELETE", "failed deleting state with key {key}: {cause}")
BULK_DELETE: Final = Action(
    "ERR_STATE_BULK_DELETE", "failed deleting state in state store {store}: {cause}"
)
TRANSACTION: Final = Action(
    "ERR_STATE_TRANSACTION",
    "error while executing state transaction: {cause}",
    conflicts_in_dapr=False,
)
TOUCH: Final = Action("ERR_STATE_TOUCH", "failed touching state with key {key}: {cause}")
LIST: Final = Action("ERR_STATE_LIST", "failed listing keys of state store {store}: {cause}")
DELETE_PREFIX: Final = Action(
    "ERR_STATE_DELETE_PREFIX", "failed deleting keys of state store {store}: {cause}"
)


class Kind(Struct, frozen=True):
    """How an action failed."""

    status: int
    grpc: str
    reason: str
    lead: str = ""


CONFLICT: Final = Kind(
    409, "Aborted", "ETAG_MISMATCH", "possible etag mismatch. error from state store: "
)
FAILED: Final = Kind(500, "Internal", "STORE_FAILED")
KINDS: Final[Mapping[type[EtagereError], Kind]] = {
    ETagMismatch: CONFLICT,
    TooLarge: Kind(400, "InvalidArgument", "TOO_LARGE"),
    InvalidArgument: Kind(400, "InvalidArgument", "INVALID_ARGUMENT"),
    NotSupported: Kind(500, "Unimplemented", "NOT_SUPPORTED"),
    NotReplicated: Kind(500, "Internal", "NOT_REPLICATED"),
    OutcomeUnknown: Kind(500, "Internal", "OUTCOME_UNKNOWN"),
    Unavailable: Kind(500, "Internal", "UNAVAILABLE"),
    Closed: Kind(500, "Internal", "CLOSED"),
    StoreFailed: FAILED,
}


def failed(
    action: Action,
    store: str,
    error: EtagereError,
    *,
    key: str = "",
    details: Sequence[ErrorInfo] = (),
    strict: bool = False,
) -> ApiError:
    """Return what a face says when an action failed with `error`."""
    kind = kind_of(error)
    shown = FAILED if strict and _is_plain_failure_in_dapr(action, kind) else kind
    condition = Condition(action.code, shown.status, shown.grpc, action.message, kind.reason)
    cause = f"{kind.lead}{error}"
    return ApiError(condition, details or [info_of(error)], store=store, key=key, cause=cause)


def failed_items(
    action: Action, store: str, results: Sequence[object], *, strict: bool = False
) -> ApiError | None:
    """Return what a face says of a bulk call as a whole; None: no item failed.

    As in Dapr a conflict anywhere decides; the details name every item that failed, by position.
    """
    errors = [
        (index, error) for index, error in enumerate(results) if isinstance(error, EtagereError)
    ]
    if not errors:
        return None
    conflicts = [error for _, error in errors if isinstance(error, ETagMismatch)]
    decisive = conflicts[0] if conflicts else errors[0][1]
    details = [info_of(error, index) for index, error in errors]
    return failed(action, store, decisive, details=details, strict=strict)


def kind_of(error: EtagereError) -> Kind:
    """Return how an error is reported."""
    return next((KINDS[base] for base in type(error).__mro__ if base in KINDS), FAILED)


def info_of(error: EtagereError, index: int | None = None) -> ErrorInfo:
    """Return what programs are told of an error: of which key, and whether the write is there."""
    place = getattr(error, "index", None) if index is None else index
    facts = {
        "certainty": error.certainty.value,
        "key": getattr(error, "key", None),
        "index": None if place is None else str(place),
        "expected": getattr(error, "expected", None),
        "actual": getattr(error, "actual", None),
        "etag": getattr(error, "etag", None),
    }
    known = {name: fact for name, fact in facts.items() if fact is not None}
    return ErrorInfo(kind_of(error).reason, ETAGERE, known)


def _is_plain_failure_in_dapr(action: Action, kind: Kind) -> bool:
    return kind.status == 400 or (kind is CONFLICT and not action.conflicts_in_dapr)

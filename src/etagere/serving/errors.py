"""The one table of what can be wrong with a request, for every face.

Each row has Dapr's error code, the HTTP status, the name of the gRPC code, and the message. Rows
with a `reason` have details as well; so have the failures of `etagere.serving.failures`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, TypeAlias

from msgspec import Struct

TYPE: Final = "type.googleapis.com/google.rpc."
DAPR: Final = "dapr.io"
ETAGERE: Final = "etagere"


class ErrorInfo(Struct, frozen=True, tag_field="@type", tag=TYPE + "ErrorInfo"):
    """Why, in a word that programs can rely on."""

    reason: str
    domain: str = DAPR
    metadata: Mapping[str, str] | None = None


class ResourceInfo(Struct, frozen=True, tag_field="@type", tag=TYPE + "ResourceInfo"):
    """Which store."""

    resource_name: str
    resource_type: str = "state"
    owner: str = ""
    description: str = ""


class FieldViolation(Struct, frozen=True):
    """Which part of the request is wrong."""

    field: str
    description: str


class BadRequest(Struct, frozen=True, tag_field="@type", tag=TYPE + "BadRequest"):
    """Which parts of the request are wrong."""

    field_violations: Sequence[FieldViolation]


class Link(Struct, frozen=True):
    """Where to read more."""

    description: str
    url: str


class Help(Struct, frozen=True, tag_field="@type", tag=TYPE + "Help"):
    """Where to read more."""

    links: Sequence[Link]


Detail: TypeAlias = ErrorInfo | ResourceInfo | BadRequest | Help


class Condition(Struct, frozen=True):
    """One row of the table."""

    code: str
    """`errorCode` over HTTP, the reason over gRPC."""
    status: int
    grpc: str
    message: str
    reason: str = ""


class ApiError(Exception):
    """A request that is answered with an error; faces only write it down."""

    def __init__(
        self, condition: Condition, details: Sequence[Detail] = (), **words: object
    ) -> None:
        super().__init__(condition.message.format(**words))
        self.condition = condition
        self.details = details

    @property
    def message(self) -> str:
        """What happened, for people."""
        return str(self.args[0])


# --- the table --------------------------------------------------------------------------------

STORE_NOT_CONFIGURED = Condition(
    "ERR_STATE_STORE_NOT_CONFIGURED",
    500,
    "FailedPrecondition",
    "state store {store} is not configured",
    "DAPR_STATE_NOT_CONFIGURED",
)
STORE_NOT_FOUND = Condition(
    "ERR_STATE_STORE_NOT_FOUND",
    400,
    "InvalidArgument",
    "state store {store} is not found",
    "DAPR_STATE_NOT_FOUND",
)
ILLEGAL_KEY = Condition(
    "ERR_MALFORMED_REQUEST",
    400,
    "InvalidArgument",
    "input key/keyPrefix '{key}' can't contain '||'",
    "DAPR_STATE_ILLEGAL_KEY",
)
MALFORMED = Condition("ERR_MALFORMED_REQUEST", 400, "InvalidArgument", "{problem}")
MALFORMED_BODY = Condition(
    "ERR_MALFORMED_REQUEST", 400, "InvalidArgument", "failed deserializing HTTP body: {problem}"
)
BODY_TOO_LARGE = Condition("ERR_MALFORMED_REQUEST", 400, "ResourceExhausted", "stream too large")
KEY_MISSING = Condition(
    "ERR_MALFORMED_REQUEST", 400, "InvalidArgument", '"key" is a required field'
)
UNKNOWN_OPERATION = Condition(
    "ERR_NOT_SUPPORTED_STATE_OPERATION",
    400,
    "Unimplemented",
    "operation type {operation} not supported",
)
NO_TRANSACTIONS = Condition(
    "ERR_STATE_STORE_NOT_SUPPORTED",
    500,
    "Unimplemented",
    "state store {store} doesn't support transactions",
    "DAPR_STATE_TRANSACTIONS_NOT_SUPPORTED",
)
TOO_MANY_OPERATIONS = Condition(
    "ERR_STATE_STORE_TOO_MANY_TRANSACTIONS",
    400,
    "InvalidArgument",
    "the transaction contains {count} operations, which is more than what the state store"
    " supports: {limit}",
    "DAPR_STATE_TOO_MANY_TRANSACTIONS",
)
NO_QUERIES = Condition(
    "ERR_STATE_STORE_NOT_SUPPORTED",
    500,
    "Internal",
    "state store does not support querying",
    "DAPR_STATE_QUERYING_NOT_SUPPORTED",
)
NOT_READY = Condition("ERR_HEALTH_NOT_READY", 500, "Unavailable", "dapr is not ready: {why}")
OUTBOUND_NOT_READY = Condition(
    "ERR_OUTBOUND_HEALTH_NOT_READY", 500, "Unavailable", "dapr outbound is not ready"
)
OTHER_APP = Condition(
    "ERR_HEALTH_APPID_NOT_MATCH", 500, "FailedPrecondition", "dapr app-id does not match"
)
NO_ROUTE = Condition(
    "ERR_DIRECT_INVOKE",
    404,
    "Unimplemented",
    "failed getting app id either from the URL path or the header dapr-app-id",
)
UNEXPECTED = Condition(
    "ERR_INTERNAL",
    500,
    "Internal",
    "the server failed at this request; its log says why under the request id {request_id}",
    "UNEXPECTED",
)


# --- rows whose details take some words --------------------------------------------------------


def store_not_found(store: str, app_id: str, *, any_stores: bool) -> ApiError:
    """Return the error for a store that is not there."""
    condition = STORE_NOT_FOUND if any_stores else STORE_NOT_CONFIGURED
    info = ErrorInfo(condition.reason, metadata={"appID": app_id})
    return ApiError(condition, [info], store=store)


def illegal_key(store: str, key: str) -> ApiError:
    """Return the error for a key that could reach into another application's."""
    violation = FieldViolation(key, ILLEGAL_KEY.message.format(key=key))
    details: list[Detail] = [
        BadRequest([violation]),
        ResourceInfo(store),
        ErrorInfo(ILLEGAL_KEY.reason),
    ]
    return ApiError(ILLEGAL_KEY, details, key=key)


def no_transactions(store: str) -> ApiError:
    """Return the error for a transaction on a store that has none."""
    link = Link(
        "Check the list of state stores and the features they support",
        "https://docs.dapr.io/reference/components-reference/supported-state-stores/",
    )
    details: list[Detail] = [Help([link]), ResourceInfo(store), ErrorInfo(NO_TRANSACTIONS.reason)]
    return ApiError(NO_TRANSACTIONS, details, store=store)


def too_many_operations(store: str, count: int, limit: int) -> ApiError:
    """Return the error for a transaction that is over the store's limit."""
    numbers = {"currentOpsTransaction": str(count), "maxOpsPerTransaction": str(limit)}
    details: list[Detail] = [
        ResourceInfo(store),
        ErrorInfo(TOO_MANY_OPERATIONS.reason, metadata=numbers),
    ]
    return ApiError(TOO_MANY_OPERATIONS, details, count=count, limit=limit)


def no_queries(store: str) -> ApiError:
    """Return the error for a query."""
    return ApiError(NO_QUERIES, [ResourceInfo(store), ErrorInfo(NO_QUERIES.reason)])


def unexpected(request_id: str) -> ApiError:
    """Return the error for a fault of the server's own."""
    info = ErrorInfo(UNEXPECTED.reason, ETAGERE, {"requestId": request_id})
    return ApiError(UNEXPECTED, [info], request_id=request_id)

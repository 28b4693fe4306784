"""Versioned state with one contract, on the database you already run."""

from etagere._version import __version__
from etagere.backend import (
    Backend,
    Batching,
    Capabilities,
    Clock,
    ETagOrigin,
    Feature,
    Reach,
    TransactionScope,
)
from etagere.errors import (
    Certainty,
    Closed,
    ConfigurationError,
    DecodeError,
    EtagereError,
    ETagMismatch,
    Interrupted,
    InvalidArgument,
    NotReplicated,
    NotSupported,
    OutcomeUnknown,
    StoreFailed,
    TooLarge,
    Unavailable,
)
from etagere.opening import open
from etagere.operations import (
    KEEP,
    Concurrency,
    Consistency,
    Delete,
    Item,
    Keep,
    Set,
)
from etagere.store import Result, Store
from etagere.typed import TypedStore

__all__ = [
    "KEEP",
    "Backend",
    "Batching",
    "Capabilities",
    "Certainty",
    "Clock",
    "Closed",
    "Concurrency",
    "ConfigurationError",
    "Consistency",
    "DecodeError",
    "Delete",
    "ETagMismatch",
    "ETagOrigin",
    "EtagereError",
    "Feature",
    "Interrupted",
    "InvalidArgument",
    "Item",
    "Keep",
    "NotReplicated",
    "NotSupported",
    "OutcomeUnknown",
    "Reach",
    "Result",
    "Set",
    "Store",
    "StoreFailed",
    "TooLarge",
    "TransactionScope",
    "TypedStore",
    "Unavailable",
    "__version__",
    "open",
]

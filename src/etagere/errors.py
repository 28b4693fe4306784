"""Everything that etagere raises.

    EtagereError
    ├── InvalidArgument          (ValueError)   the call makes no sense as it stands
    │   └── TooLarge                            a key, value or transaction over the limit
    ├── ConfigurationError       (ValueError)   a URL, a component file or an installation is wrong
    ├── NotSupported                            this store cannot do that, and says so
    ├── DecodeError              (ValueError)   a stored value is not what the typed view expects
    ├── ETagMismatch                            somebody wrote in between
    ├── NotReplicated                           written, but not on enough replicas in time
    ├── OutcomeUnknown                          sent, and never answered
    ├── Unavailable                             the store cannot be reached, nothing was written
    ├── StoreFailed                             the store refused or broke, nothing was written
    └── Closed                                  the store is not open

Each error says, in `certainty`, whether the write it interrupts is in the store.
"""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from etagere.operations import Mutation


class Certainty(StrEnum):
    """Whether the write that an error interrupts took place."""

    NOT_APPLIED = "not applied"
    APPLIED = "applied"
    UNKNOWN = "unknown"


class EtagereError(Exception):
    """The root of all errors that etagere raises on purpose."""

    certainty: ClassVar[Certainty] = Certainty.NOT_APPLIED


class InvalidArgument(EtagereError, ValueError):
    """Raised when a call makes no sense as it stands; nothing was sent."""


class TooLarge(InvalidArgument):
    """Raised when a key, a value or a transaction is over the store's limit; nothing was sent."""


class ConfigurationError(EtagereError, ValueError):
    """Raised when a URL, a component file or the installation does not lead to a store."""


class NotSupported(EtagereError):
    """Raised when the store cannot do what was asked; it never does something weaker instead."""


class DecodeError(EtagereError, ValueError):
    """Raised when a stored value cannot be read as the type that the caller expects."""


class Unavailable(EtagereError):
    """Raised when the store cannot be reached; nothing was written, and a retry is safe."""


class StoreFailed(EtagereError):
    """Raised when the store refuses or fails at a call (a full disk, say); nothing was written."""


class Closed(EtagereError):
    """Raised when a store is used outside its `async with` block."""


class Interrupted(EtagereError):
    """Raised by a backend when a batch was sent and no answer came.

    Users never see it: `Store` reports each call of the batch as what it is for that call.
    """

    certainty = Certainty.UNKNOWN


class ETagMismatch(EtagereError):
    """Raised when the precondition of a write did not hold; the key is as it was."""

    key: str
    expected: str | None
    """The etag that was asked for; None when the key was to be absent.

    An etag in a form that no store holds (over 256 characters, with NUL) is given as "?".
    """
    actual: str | None
    """The etag that was found; None when the key is absent."""
    index: int | None
    """Inside a transaction: the position of the operation that conflicted."""

    def __init__(
        self, key: str, expected: str | None, actual: str | None, index: int | None = None
    ) -> None:
        self.key, self.expected, self.actual, self.index = key, expected, actual, index
        super().__init__(key, expected, actual, index)

    def __str__(self) -> str:
        wanted = "absent" if self.expected is None else f"at ETag {self.expected!r}"
        found = "absent" if self.actual is None else f"at ETag {self.actual!r}"
        place = "" if self.index is None else f" (operation {self.index} of the transaction)"
        return (
            f"key {self.key!r}{place} was to be {wanted} but is {found}; nothing was changed."
            " Read it again and decide anew"
        )


class NotReplicated(EtagereError):
    """Raised when a strong write is on the primary, and too few replicas confirmed it in time.

    The write is in place and readers of the primary see it; a failover may still lose it.
    """

    certainty = Certainty.APPLIED
    key: str
    etag: str | None
    """The ETag that the key has now; None after a delete, a touch or a transaction."""

    def __init__(self, key: str, etag: str | None, message: str) -> None:
        self.key, self.etag = key, etag
        super().__init__(key, etag, message)

    def __str__(self) -> str:
        return str(self.args[2])


class OutcomeUnknown(EtagereError):
    """Raised when a write was sent and no answer came: it may or may not be in the store.

    `Store.settle` reads back and tells which, where that can be told.
    """

    certainty = Certainty.UNKNOWN
    operation: Mutation
    """What was sent, as a backend gets it."""

    def __init__(self, operation: Mutation, message: str) -> None:
        self.operation = operation
        super().__init__(operation, message)

    def __str__(self) -> str:
        return str(self.args[1])

    @property
    def key(self) -> str | None:
        """The key that was to be written; None for a transaction."""
        return getattr(self.operation, "key", None)

    @property
    def etag(self) -> str | None:
        """The ETag that the write gives the key; None for all but a single write."""
        return getattr(self.operation, "etag", None)

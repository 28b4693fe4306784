"""Answers that are errors, as outcomes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import msgspec
from msgspec import Struct, field

from etagere.errors import (
    ConfigurationError,
    EtagereError,
    Interrupted,
    InvalidArgument,
    NotReplicated,
    NotSupported,
    StoreFailed,
    TooLarge,
    Unavailable,
)
from etagere.operations import Conflict, Operation, Read, Transaction
from etagere_http.connection import Answer

DOMAIN: Final = "etagere"
ADVICE: Final = {
    401: "put the server's API token into the URL, as in http://:TOKEN@host",
    404: "there is no state API at this address",
}
NO_STORE: Final = {"ERR_STATE_STORE_NOT_FOUND", "ERR_STATE_STORE_NOT_CONFIGURED"}
TOO_LARGE: Final = "stream too large"


class Detail(Struct, frozen=True):
    """More about a failure, for programs."""

    reason: str = ""
    domain: str = ""
    metadata: dict[str, str] | None = None


class Failure(Struct, frozen=True):
    """The body of an answer that is an error."""

    code: str = field(default="", name="errorCode")
    message: str = ""
    details: list[Detail] = []
    status: int = 0

    @property
    def told(self) -> str:
        """What messages say of it."""
        return f"the server answered {self.status} {self.code}".rstrip() + f": {self.message}"

    @property
    def info(self) -> Detail:
        """What a server of ours says of it."""
        ours = (detail for detail in self.details if detail.domain == DOMAIN)
        return next(ours, Detail())


REASONS: Final[Mapping[str, Callable[[str], EtagereError]]] = {
    "INVALID_ARGUMENT": InvalidArgument,
    "TOO_LARGE": TooLarge,
    "NOT_SUPPORTED": NotSupported,
    "UNAVAILABLE": Unavailable,
    "CLOSED": Unavailable,
    "STORE_FAILED": StoreFailed,
    "OUTCOME_UNKNOWN": Interrupted,
}


def failure_in(answer: Answer) -> Failure:
    """Read an answer that is an error; it may not be of a server that we know."""
    try:
        return msgspec.structs.replace(_FAILURE.decode(answer.body), status=answer.status)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        text = answer.body[:200].decode("utf-8", "replace").strip()
        return Failure(message=text or "nothing more", status=answer.status)


def outcome_of(operation: Operation, failure: Failure) -> Conflict | EtagereError:
    """Return what a failure is as the outcome of an operation."""
    info = failure.info
    facts = info.metadata or {}
    if info.reason == "ETAG_MISMATCH":
        index = int(facts.get("index", "0")) if isinstance(operation, Transaction) else 0
        return Conflict(facts.get("actual"), index)
    if info.reason == "NOT_REPLICATED":
        return NotReplicated(facts.get("key", ""), facts.get("etag"), failure.told)
    if (kind := REASONS.get(info.reason)) is not None:
        return kind(failure.told)
    return error_of(failure, reading=isinstance(operation, Read))


def error_of(failure: Failure, *, reading: bool) -> EtagereError:
    """Return what a failure is that tells no reason: by its status and code."""
    if failure.status in ADVICE or failure.code in NO_STORE:
        advice = ADVICE.get(failure.status, "the URL ends with the name of one of its stores")
        return ConfigurationError(f"{failure.told}; {advice}")
    if TOO_LARGE in failure.message or failure.status == 413:
        return TooLarge(failure.told)
    if failure.code == "ERR_STATE_STORE_NOT_SUPPORTED":
        return NotSupported(failure.told)
    if failure.status == 400:
        return InvalidArgument(failure.told)
    if failure.status >= 500 and not reading:
        # It may have failed before or after the database had done it.
        return Interrupted(failure.told)
    return StoreFailed(failure.told)


def unreadable(answer: Answer, error: Exception) -> Interrupted:
    """Return what an answer is whose body makes no sense: as good as none."""
    what = f"the server answered {answer.status} with a body that makes no sense: {error}"
    interrupted = Interrupted(what)
    interrupted.__cause__ = error
    return interrupted


_FAILURE: Final = msgspec.json.Decoder(Failure)

"""One call of any client, from its invocation to what is known of it."""

from __future__ import annotations

from types import TracebackType
from typing import TYPE_CHECKING, Self

from etagere.errors import Certainty, EtagereError, ETagMismatch, InvalidArgument
from etagere.histories.events import Invocation, Result
from etagere.histories.history import Status
from etagere.histories.identities import identity_of

if TYPE_CHECKING:
    from etagere.histories.recording import Recorder


class Calling:
    """One call under way: inside the `with` block, say how it went."""

    def __init__(self, recorder: Recorder, session: str, asked: Invocation) -> None:
        self._recorder = recorder
        self._session = session
        self._asked = asked
        self._open = True
        self.is_minted = True
        """Whether an error names the etag that the write gives; not where the database makes it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._open:
            self.raised(exc)

    def ok(
        self,
        *,
        etag: str | None = None,
        value: bytes | str | None = None,
        found: bool | None = None,
        parts: tuple[Result, ...] = (),
    ) -> None:
        """Note that it took effect.

        A get gives `value` and `etag`, or `found=False`; a set its new `etag`; a delete and a
        touch `found`; a transaction the `parts`.
        """
        self._close()
        identity = identity_of(value)
        self._recorder.respond(
            self._asked, Status.OK, etag=etag, value=identity, found=found, parts=parts
        )

    def mismatch(self, *, actual: str | None = None, index: int = 0) -> None:
        """Note that its precondition did not hold; `actual`: what was there, "" for nothing."""
        self._close()
        self._recorder.respond(self._asked, Status.MISMATCH, actual=actual, index=index)

    def info(self, *, etag: str | None = None) -> None:
        """Note that nobody knows whether it took effect, or will yet."""
        self._close()
        self._recorder.respond(self._asked, Status.INFO, etag=etag)
        self._recorder.bury(self._session, self._asked.client)

    def fail(self) -> None:
        """Note that it surely had no effect, and that nothing was learned from it."""
        self._close()
        self._recorder.respond(self._asked, Status.FAIL)

    def raised(self, error: BaseException | None) -> None:
        """Note that it ended with this error; one that is not etagere's leaves it unknown."""
        if isinstance(error, ETagMismatch):
            self.mismatch(actual=error.actual or "", index=error.index or 0)
        elif isinstance(error, EtagereError) and error.certainty is Certainty.NOT_APPLIED:
            self.fail()
        else:
            # Also a write that is not replicated enough: it took effect, but a failover may undo
            # that, which the contract allows and an "ok" would not.
            self.info(etag=getattr(error, "etag", None) if self.is_minted else None)

    def _close(self) -> None:
        if not self._open:
            raise InvalidArgument(
                f"the {self._asked.kind} of {self._session!r} is answered already"
            )
        self._open = False

"""Recording: what a backend is asked and what it answers, as a history."""

from __future__ import annotations

from collections.abc import Sequence

from etagere.backend import Backend, ETagOrigin
from etagere.errors import Certainty, EtagereError, Interrupted
from etagere.histories.events import Invocation, Part, Result
from etagere.histories.history import Kind, Status
from etagere.histories.identities import AS_BEFORE, value_identity
from etagere.histories.recording import Recorder
from etagere.layers.base import Layer
from etagere.operations import (
    Conflict,
    Consistency,
    Keep,
    Operation,
    Outcome,
    Read,
    Record,
    Remove,
    Stored,
    Touch,
    Transaction,
    Write,
)


class Recording(Layer):
    """Notes every operation of every batch, and its outcome, in a `Recorder`.

    A write that the store sends again because it was not answered is one call, from its first
    sending to the answer that tells. A layer does not know who calls: each call under way counts as
    a client of its own, named `NAME/1`, `NAME/2`... For session guarantees, record the clients.
    """

    def __init__(self, inner: Backend, recorder: Recorder, *, name: str = "store") -> None:
        super().__init__(inner)
        self._recorder = recorder
        self._name = name
        self._clients = 0
        self._idle: list[str] = []
        self._unanswered: dict[str, Invocation] = {}

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        """Let the backend inside do a batch, and note it."""
        asked = [self._invoke(operation, consistency) for operation in operations]
        outcomes: Sequence[Outcome] = ()
        try:
            outcomes = await self.inner.execute(operations, consistency)
        except BaseException as error:
            self._note_all(operations, asked, [error] * len(asked))
            raise
        understood = outcomes if len(outcomes) == len(asked) else [UNCLEAR] * len(asked)
        self._note_all(operations, asked, understood)
        return outcomes

    def _invoke(self, operation: Operation, consistency: Consistency) -> Invocation:
        if type(operation) is Write and operation.etag in self._unanswered:
            return self._unanswered[operation.etag]
        note, client = self._recorder.invoke, self._idle.pop() if self._idle else self._new_client()
        if type(operation) is Read:
            return note(Kind.GET, client, operation.key, consistency=consistency)
        if type(operation) is Transaction:
            parts = tuple(map(self._part_of, operation.operations))
            return note(Kind.TRANSACTION, client, "", consistency=consistency, parts=parts)
        part = self._part_of(operation)
        return note(
            part.kind,
            client,
            part.key,
            expected=part.expected,
            value=part.value,
            etag=part.etag,
            ttl=part.ttl,
            consistency=consistency,
        )

    def _part_of(self, operation: Write | Remove | Touch) -> Part:
        if type(operation) is Write:
            ttl = AS_BEFORE if isinstance(operation.ttl, Keep) else operation.ttl
            value = value_identity(operation.value)
            # Where the database makes up etags, the one in the operation may never come to be.
            etag = operation.etag if self.capabilities.etags is ETagOrigin.WRITER else None
            return Part(Kind.SET, operation.key, operation.expected, value, etag, ttl)
        kind = Kind.TOUCH if type(operation) is Touch else Kind.DELETE
        ttl = operation.ttl if type(operation) is Touch else None
        return Part(kind, operation.key, operation.expected, ttl=ttl)

    def _new_client(self) -> str:
        self._clients += 1
        return f"{self._name}/{self._clients}"

    def _note_all(
        self,
        operations: Sequence[Operation],
        asked: Sequence[Invocation],
        outcomes: Sequence[Outcome | BaseException],
    ) -> None:
        for operation, invocation, outcome in zip(operations, asked, outcomes, strict=True):
            if type(operation) is Write and self._unanswered.get(operation.etag) is invocation:
                self._settle(invocation, outcome)
            else:
                self._note(operation, invocation, outcome)

    def _note(
        self, operation: Operation, asked: Invocation, outcome: Outcome | BaseException
    ) -> None:
        respond = self._recorder.respond
        if type(outcome) is Record and type(operation) is Read:
            value = value_identity(outcome.value)
            respond(asked, Status.OK, etag=outcome.etag, value=value, found=True)
        elif isinstance(outcome, Conflict):
            actual = outcome.actual or ""
            respond(asked, Status.MISMATCH, actual=actual, index=outcome.index)
        elif isinstance(outcome, tuple):
            parts = map(result_of, asked.parts, outcome)
            respond(asked, Status.OK, parts=tuple(parts))
        elif isinstance(outcome, Stored):
            respond(asked, Status.OK, etag=outcome.etag)
        elif isinstance(outcome, bool) or (type(operation) is Read and outcome is None):
            if type(operation) is Write:
                respond(asked, Status.OK, etag=None if asked.etag else operation.etag)
            else:
                respond(asked, Status.OK, found=bool(outcome))
        elif isinstance(outcome, EtagereError) and outcome.certainty is Certainty.NOT_APPLIED:
            respond(asked, Status.FAIL)
        else:
            # Also `NotReplicated`: it took effect, and a failover may undo that.
            respond(asked, Status.INFO)
            self._unanswered.update(dict.fromkeys(etags_of(operation), asked))
            return
        self._idle.append(asked.client)

    def _settle(self, asked: Invocation, outcome: Outcome | BaseException) -> None:
        """Note what a write that was sent again, or looked for, tells of its first sending."""
        if outcome is True:
            self._recorder.respond(asked, Status.OK)
            self._idle.append(asked.client)
            for etag in [etag for etag, open in self._unanswered.items() if open is asked]:
                del self._unanswered[etag]


UNCLEAR = Interrupted("the backend gave another number of outcomes than of operations")


def result_of(part: Part, done: bool | Stored) -> Result:
    """Return what became of a part of a transaction as it is recorded."""
    if isinstance(done, Stored):
        return Result(etag=done.etag)
    return Result(found=done if part.kind is Kind.DELETE else None)


def etags_of(operation: Operation) -> list[str]:
    """Return the etags that an operation gives, by which it can be recognised."""
    parts = operation.operations if type(operation) is Transaction else (operation,)
    return [part.etag for part in parts if type(part) is Write]

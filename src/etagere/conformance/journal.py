"""The journal: what a clause's stores asked of the backend, and what it answered."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator, Sequence
from typing import Final

from etagere.backend import Backend
from etagere.layers.base import Layer
from etagere.operations import Consistency, Operation, Outcome, Read, Transaction

LINES: Final = 200
SHOWN: Final = 60
ETAGS: Final = {"etag", "expected", "actual"}
MINTED: Final = 32


class Journal:
    """The last operations of a test, and every key that it may have written."""

    def __init__(self) -> None:
        self.written: dict[str, None] = {}
        """In the order in which they came up."""
        self._lines: deque[str] = deque(maxlen=LINES)
        self._count = 0

    def note(self, line: str) -> None:
        """Write down one line, with its number."""
        self._count += 1
        self._lines.append(f"{self._count}. {line}")

    def will_write(self, operations: Sequence[Operation]) -> None:
        """Remember the keys that a batch may write, whatever becomes of it."""
        for operation in operations:
            if type(operation) is Transaction:
                self.will_write(operation.operations)
            elif type(operation) is not Read:
                self.written[operation.key] = None

    def lines(self) -> list[str]:
        """Return the last lines."""
        left_out = self._count - len(self._lines)
        return ([f"... {left_out} before these"] if left_out else []) + list(self._lines)


class Journaling(Layer):
    """Writes down what passes through it."""

    def __init__(self, inner: Backend, journal: Journal, name: str) -> None:
        super().__init__(inner)
        self._journal = journal
        self._name = name

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        """Let the backend inside do a batch, and write down what came of it."""
        self._journal.will_write(operations)
        try:
            outcomes = await self.inner.execute(operations, consistency)
        except BaseException as error:
            for operation in operations:
                self._note(operation, consistency, repr(error))
            raise
        for operation, outcome in zip(operations, outcomes, strict=False):
            self._note(operation, consistency, shown(outcome))
        return outcomes

    def scan(
        self, prefix: str, after: str, limit: int | None, consistency: Consistency
    ) -> AsyncIterator[Sequence[str]]:
        """List the keys of the backend inside, and write down that it was asked."""
        bounds = f"prefix={shown(prefix)}, after={shown(after)}, limit={limit}"
        self._journal.note(f"{self._name} {consistency}: scan({bounds})")
        return self.inner.scan(prefix, after, limit, consistency)

    def _note(self, operation: Operation, consistency: Consistency, outcome: str) -> None:
        self._journal.note(f"{self._name} {consistency}: {shown(operation)} -> {outcome}")


def shown(thing: object) -> str:
    """Return an operation or an outcome as a line of text, its long parts shortened."""
    if isinstance(thing, Transaction):
        return f"Transaction({', '.join(shown(part) for part in thing.operations)})"
    if isinstance(thing, bytes | str):
        return repr(thing) if len(thing) <= SHOWN else f"{thing[:SHOWN]!r}... ({len(thing)} long)"
    names = getattr(thing, "__struct_fields__", None)
    if names is None:
        return repr(thing)
    fields = [f"{name}={shown_field(name, getattr(thing, name))}" for name in names]
    return f"{type(thing).__name__}({', '.join(fields)})"


def shown_field(name: str, value: object) -> str:
    """Return a field's value as text; of an ETag that `Store` minted, enough to know it again."""
    if name in ETAGS and isinstance(value, str) and len(value) == MINTED:
        return f"{value[:8]}…"
    return shown(value)

"""Histories as Jepsen and Knossos store them: EDN maps, in one vector or one after the other.

    {:process 0, :type :invoke, :f :cas, :value [1 2]}

What fails did not happen: other than in Jepsen's log, a `cas` may fail for any reason, so that it
tells nothing of the value. What a process does that is not numbered, the nemesis above all, is not
an operation. Where the value of every invocation is a pair (of each `cas`, one with another pair in
it), the first half is the key: independent objects are written so.
"""

from __future__ import annotations

from collections.abc import Iterator
from os import PathLike, fspath

from etagere.histories.compressed import open_text
from etagere.histories.formats.edn import EdnError, Keyword, Map, Value, is_vector, read_edn
from etagere.histories.formats.pairing import Event, pair
from etagere.histories.malformed import MalformedHistory
from etagere.histories.steps import Step

PROCESS, TYPE, FUNCTION, VALUE, KEY = map(Keyword, ("process", "type", "f", "value", "key"))


def read(path: str | PathLike[str]) -> list[Step]:
    """Read the steps of a file, compressed or not."""
    with open_text(path) as file:
        return read_text(file.read(), fspath(path))


def read_text(text: str, source: str = "") -> list[Step]:
    """Read the steps of a text; `source` is what messages call it."""
    return pair(_Reading(text, source).events(), source)


class _Reading:
    def __init__(self, text: str, source: str) -> None:
        self._text = text
        self._source = source
        self._line, self._counted = 1, 0

    def events(self) -> Iterator[Event]:
        for operation in self._operations():
            line = self._line_at(operation.offset)
            if not {PROCESS, TYPE, FUNCTION} <= operation.keys():
                raise self._wrong(line, "an operation has :process, :type and :f; this one has not")
            if type(operation[PROCESS]) is int:
                yield _event(operation, line)

    def _operations(self) -> Iterator[Map]:
        try:
            for value in read_edn(self._text):
                for operation in value if is_vector(value) else (value,):
                    if not isinstance(operation, Map):
                        raise self._wrong(None, f"an operation is a map, not {operation}")
                    yield operation
        except EdnError as error:
            line = self._text.count("\n", 0, error.offset) + 1
            raise self._wrong(line, f"this is not EDN: {error.problem}") from error

    def _line_at(self, offset: int) -> int:
        self._line += self._text.count("\n", self._counted, offset)
        self._counted = offset
        return self._line

    def _wrong(self, line: int | None, problem: str) -> MalformedHistory:
        return MalformedHistory(self._source, line, problem)


def _event(operation: Map, line: int) -> Event:
    key = operation.get(KEY)
    return Event(
        line=line,
        process=operation[PROCESS],
        type=_name(operation[TYPE]),
        function=_name(operation[FUNCTION]),
        value=operation.get(VALUE),
        key=None if key is None else str(key),
    )


def _name(value: Value) -> str:
    return value.name if isinstance(value, Keyword) else str(value)

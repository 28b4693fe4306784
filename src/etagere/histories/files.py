"""Histories on disk: JSON Lines, written as it happens. `docs/histories.md` has the format.

A header, then one line for each invocation and one for each response, in the order in which they
took place. So each beginning of a file is a history too: what a crash cuts off leaves calls that
were never answered.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from os import PathLike, fspath
from types import TracebackType
from typing import Final, Self, final

import msgspec
from msgspec import Struct

from etagere.histories.compressed import open_text
from etagere.histories.events import (
    Event,
    Invocation,
    Response,
    call_of,
    events_of,
    problem_between,
    problem_with,
)
from etagere.histories.history import Call, History, Status, in_order
from etagere.histories.malformed import MalformedHistory

FORMAT: Final = "etagere-history"
VERSION: Final = 1
BLOCK: Final = 64 * 1024


@final
class Header(Struct, frozen=True, omit_defaults=True):
    """The first line of a file; fields that it does not know are remarks."""

    format: str
    version: int
    initial: str | None = None
    """The identity of the value that every key has at the start; left out: keys start absent."""


class HistoryWriter:
    """Writes events to a file, which starts anew.

    They reach the operating system when 64 KiB have gathered, at `flush` and at `close`; a process
    that is killed before that loses the last of them, never one from the middle.
    """

    def __init__(self, path: str | PathLike[str], *, initial: str | None = None) -> None:
        self._file = open(path, "wb", buffering=BLOCK)  # noqa: SIM115, PTH123
        self._encode = msgspec.json.Encoder().encode
        self._write = self._file.write
        self._write(self._encode(Header(FORMAT, VERSION, initial)) + b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def append(self, event: Event) -> None:
        """Write one event down."""
        self._write(self._encode(event) + b"\n")

    def flush(self) -> None:
        """Hand everything to the operating system."""
        self._file.flush()

    def close(self) -> None:
        """Flush and close the file."""
        self._file.close()


def write_history(history: History, path: str | PathLike[str]) -> None:
    """Write a whole history to a file. Numbers that occur twice are counted on, in their order."""
    with HistoryWriter(path, initial=history.initial) as writer:
        for event in events_of(history.calls):
            writer.append(event)


def load_history(path: str | PathLike[str]) -> History:
    """Read a history from a file, compressed or not.

    A last line that was cut off is left out. Raises `MalformedHistory`, which names the line; also
    where the file cannot be read at all.
    """
    with open_text(path) as lines:
        return read_history(lines, fspath(path))


def read_history(lines: Iterable[str], source: str = "") -> History:
    """Read a history from its lines; `source` is what messages call it."""
    reading = _Reading(source)
    return History(in_order(reading.calls(iter(lines))), source, reading.initial)


class _Reading:
    """Makes calls of lines."""

    def __init__(self, source: str) -> None:
        self.source = source
        self.initial: str | None = None
        self._line = 0
        self._latest = -1
        self._asked: dict[int, Invocation] = {}
        self._unsettled: dict[int, Response] = {}

    def calls(self, lines: Iterator[str]) -> Iterator[Call]:
        """Yield each call when it is answered, and in the end those that never were."""
        self._read_header(next(lines, ""))
        asked = self._asked
        for event in self._events(lines):
            if event.at <= self._latest:
                raise self._wrong(f"'at' is {event.at}, but a line above has {self._latest};{RULE}")
            self._latest = event.at
            if type(event) is Invocation:
                if problem := problem_with(event):
                    raise self._wrong(problem)
                asked[event.at] = event
            elif (call := self._answered(event)) is not None:
                yield call
        for start, invocation in asked.items():
            yield call_of(invocation, self._unsettled.get(start))

    def _read_header(self, line: str) -> None:
        self._line = 1
        try:
            header = msgspec.json.decode(line, type=Header)
        except msgspec.MsgspecError as error:
            raise self._wrong(f"this is not the header of a history ({error}); {OTHERS}") from error
        if header.format != FORMAT:
            raise self._wrong(f"its format is {header.format!r}, not {FORMAT!r}; {OTHERS}")
        if header.version != VERSION:
            raise self._wrong(
                f"its version is {header.version}; this etagere reads version {VERSION}:"
                " use the etagere that wrote it, or a newer one"
            )
        self.initial = header.initial

    def _events(self, lines: Iterator[str]) -> Iterator[Event]:
        decode = msgspec.json.Decoder(Event).decode
        for self._line, line in enumerate(lines, 2):
            try:
                yield decode(line)
            except msgspec.MsgspecError as error:
                if line.isspace():
                    continue
                if not line.endswith("\n"):  # only the last one: it was cut off
                    return
                raise self._wrong(str(error)) from error

    def _answered(self, told: Response) -> Call | None:
        asked = self._asked.get(told.of)
        if asked is None:
            raise self._wrong(f"no call {told.of} is open: none was invoked, or it was answered")
        if problem := problem_between(asked, told):
            raise self._wrong(problem)
        if told.status is Status.INFO:
            self._unsettled[told.of] = told
            return None
        del self._asked[told.of]
        return call_of(asked, told)

    def _wrong(self, problem: str) -> MalformedHistory:
        return MalformedHistory(self.source, self._line, problem)


RULE: Final = " lines are in order, and no two have the same number"
OTHERS: Final = "--format reads files of other tools"

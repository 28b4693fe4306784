r"""Jepsen's log: one line for each invocation and completion, among the other lines of a log.

    INFO  jepsen.util - 2	:invoke	:cas	[1 4]

A `cas` that fails with its own value as the answer has seen another value than the first one. What
fails with anything else, such as `:timed-out`, did not happen and tells nothing.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from os import PathLike, fspath
from typing import Final

from etagere.histories.compressed import open_text
from etagere.histories.formats.edn import EdnError, Value, read_edn
from etagere.histories.formats.pairing import Event, pair
from etagere.histories.malformed import MalformedHistory
from etagere.histories.steps import Step

PREFIX: Final = re.compile(r"\bjepsen\.util - (?=\d)")
OPERATION: Final = re.compile(r"(\d+)\s+:(\w+)\s+:([\w-]+)\s+(\S.*)")


def read(path: str | PathLike[str]) -> list[Step]:
    """Read the steps of a file, compressed or not."""
    with open_text(path) as lines:
        return pair(_events(lines, fspath(path)), fspath(path))


def _events(lines: Iterable[str], source: str) -> Iterator[Event]:
    # A history has few different values, each many times.
    known: dict[str, list[Value]] = {}
    for number, line in enumerate(lines, 1):
        prefix = PREFIX.search(line)
        if prefix is None:
            continue
        match = OPERATION.match(line, prefix.end())
        if match is None:
            problem = "after 'jepsen.util -' come a process, a type, a function and a value"
            raise MalformedHistory(
                source, number, f"{problem}, not {line[prefix.end() :].strip()!r}"
            )
        process, type_, function, text = match.groups()
        if text not in known:
            known[text] = _values(text, number, source)
        value, *remarks = known[text]
        # Its own value as the answer: it found another one than the first. A remark: it broke down.
        observed = type_ == "fail" and function == "cas" and type(value) is tuple and not remarks
        yield Event(number, process, type_, function, value, observed=observed)


def _values(text: str, line: int, source: str) -> list[Value]:
    try:
        values = list(read_edn(text))
    except EdnError as error:
        raise MalformedHistory(source, line, f"the value is not EDN: {error.problem}") from error
    if not values:
        raise MalformedHistory(source, line, f"there is no value in {text!r}")
    return values

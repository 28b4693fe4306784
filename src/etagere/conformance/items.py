"""What pytest's items and reports say, in the kit's terms."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from traceback import format_exception_only
from types import TracebackType
from typing import Any, cast

import pytest

from etagere.conformance.clauses import Clause, clause_of
from etagere.conformance.running import Target
from etagere.pages import visible


def suite_of(metafunc: pytest.Metafunc) -> Any:
    """Return the class that a test belongs to."""
    return cast("Any", metafunc).cls


def tested_by(item: pytest.Item) -> Clause | None:
    """Return the clause that an item tests."""
    return clause_of(getattr(item, "function", None))


def parameters_of(item: pytest.Item) -> dict[str, Any]:
    """Return the parameters of an item."""
    found: dict[str, Any] = cast("Any", item).callspec.params
    return found


def target_of(item: pytest.Item) -> Target:
    """Return the store that an item tests."""
    target: Target = parameters_of(item)["target"]
    return target


def variant_of(item: pytest.Item) -> str:
    """Return what tells an item from the others of its clause and store: as pytest names it."""
    target, name = target_of(item), item.name.partition("[")[2].removesuffix("]")
    rest = name.replace(target.id, "", 1).strip("-")
    return " ".join(filter(None, (target.label, rest)))


def reason_of(report: pytest.TestReport) -> str:
    """Return why a test skipped itself."""
    longrepr = report.longrepr
    return str(longrepr[2] if isinstance(longrepr, tuple) else longrepr).removeprefix("Skipped: ")


def message_of(call: pytest.CallInfo[None]) -> str:
    """Return what an exception says, without where it was raised."""
    if call.excinfo is None:
        return ""
    lines = [line for error in leaves(call.excinfo.value) for line in format_exception_only(error)]
    return readable("".join(lines)).removeprefix("AssertionError: ").strip()


def alone(error: BaseException) -> BaseException:
    """Return what is in groups that hold one exception only."""
    inside: Sequence[BaseException] = getattr(error, "exceptions", ())
    return alone(inside[0]) if len(inside) == 1 else error


def with_lines(trace: TracebackType | None) -> TracebackType | None:
    """Return a traceback in which every frame has a line.

    Python 3.11 does not know the line of some instructions, and pytest counts from it.
    """
    entries: list[TracebackType] = []
    while trace is not None:
        entries.append(trace)
        trace = trace.tb_next
    mended: TracebackType | None = None
    for entry in reversed(entries):
        line = cast("int | None", entry.tb_lineno)
        if line is None:
            line = entry.tb_frame.f_code.co_firstlineno
        mended = TracebackType(mended, entry.tb_frame, entry.tb_lasti, line)
    return mended


def leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the exceptions in a group, or the one that is none."""
    if isinstance(error, BaseExceptionGroup):
        group = cast("BaseExceptionGroup[BaseException]", error)
        for part in group.exceptions:
            yield from leaves(part)
    else:
        yield error


def readable(text: str) -> str:
    """Return text that every file and terminal can hold."""
    return "\n".join(map(visible, text.split("\n")))

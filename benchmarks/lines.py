"""Contests whose results are lines: what was measured, and what is to be reached."""

from __future__ import annotations

import multiprocessing
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

import msgspec
from msgspec import Struct
from rich.console import Console
from rich.progress import Progress
from rich.table import Table

T = TypeVar("T")


class Line(Struct, frozen=True):
    """One thing that is to be reached."""

    what: str
    measured: str
    to_reach: str
    reached: bool


def at_most(what: str, seconds: float, limit: float) -> Line:
    """Return a line that is reached within so many seconds."""
    return Line(what, f"{seconds:.3f} s", f"≤ {limit:g} s", seconds <= limit)


def play_all(
    title: str, names: Sequence[str], play: Callable[[str], list[Line]], *, note: str, json: str
) -> None:
    """Play contests, each in a process of its own, and print what came of them.

    `json` names a file for the lines; "": none.
    """
    console = Console()
    if not console.is_terminal:
        console = Console(width=110)
    lines: list[Line] = []
    with Progress(console=console, transient=True) as progress:
        for name in progress.track(names, description="measuring"):
            lines += apart(play, name)
    console.print(_table_of(title, lines))
    if note:
        console.print(note)
    if json:
        Path(json).write_bytes(msgspec.json.encode(lines))


def apart(work: Callable[..., T], *arguments: object) -> T:
    """Do something in a new process, and return what it returns."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(work, *arguments).result()


def _table_of(title: str, lines: list[Line]) -> Table:
    table = Table(title=title)
    for column in ("what", "measured", "to reach"):
        table.add_column(column)
    for line in lines:
        colour = "[green]" if line.reached else "[red]"
        table.add_row(line.what, line.measured, f"{colour}{line.to_reach}")
    return table

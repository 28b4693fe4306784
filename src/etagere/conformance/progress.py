"""The progress of a run, on a terminal."""

from __future__ import annotations

import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import TextIO

from etagere.conformance.results import Outcome, Result
from etagere.conformance.running import Run


@contextmanager
def shown_progress(run: Run) -> Generator[None]:
    """Show how far a run is, if a person looks at standard error and rich is installed."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield
        return
    # Another descriptor, because pytest keeps what is written to this one while it runs tests.
    with os.fdopen(os.dup(sys.stderr.fileno()), "w", encoding="utf-8") as terminal:
        with _bar(run, terminal):
            yield


@contextmanager
def _bar(run: Run, terminal: TextIO) -> Generator[None]:
    try:
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
    except ImportError:
        yield
        return
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[failed]}", style="bold red"),
        TextColumn("{task.description}"),
    )
    failed: set[tuple[str, str]] = set()
    with Progress(*columns, console=Console(file=terminal), transient=True) as progress:
        task = progress.add_task("looking at the stores", total=None, failed="")

        def plan(count: int) -> None:
            progress.update(task, total=count)

        def advance(result: Result) -> None:
            if result.outcome is Outcome.FAILED:
                failed.add((result.subject, result.clause))
            words = f"{len(failed)} failed" if failed else ""
            doing = f"{result.subject} {result.clause}"
            progress.update(task, advance=1, description=doing, failed=words)

        run.on_planned, run.on_result = plan, advance
        yield

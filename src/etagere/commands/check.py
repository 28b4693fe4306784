"""`etagere check`: tell whether recorded histories are linearizable."""

from __future__ import annotations

import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from etagere.commands import options, output
from etagere.commands.command import Command
from etagere.commands.failures import message_of
from etagere.commands.verdicts import (
    Report,
    as_json,
    explain,
    overall_code,
    print_verdicts,
    print_weaker_checks,
)
from etagere.errors import InvalidArgument
from etagere.histories.checking import ETAGERE, MODEL_OF_FORMAT, VERSIONED, read_case
from etagere.histories.counterexamples import write_page
from etagere.histories.history import History
from etagere.histories.limits import Limits
from etagere.histories.malformed import MalformedHistory
from etagere.histories.sessions import check_sessions
from etagere.histories.staleness import measure_staleness

EXAMPLES = """\
  etagere check run.jsonl
  etagere check run.jsonl --session --staleness --html run.html
  etagere check logs/*.log --format jepsen-log --model cas-register --json
  etagere check history.edn --format jepsen-edn --initial 0

Exits with 0 if all are linearizable, with 1 if one is not (or, with --session, broke a guarantee),
else with 2 if one is undecided or unreadable.
"""
DRAWN: Final = 20
"""Findings on a page."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `check` takes."""
    parser.add_argument("files", metavar="FILE", nargs="+", help="a history, compressed or not")
    parser.add_argument(
        "--format",
        choices=MODEL_OF_FORMAT,
        default=ETAGERE,
        help=f"who wrote the files (default: {ETAGERE})",
    )
    parser.add_argument(
        "--model",
        choices=[VERSIONED, "register", "cas-register", "append"],
        help="what each key is (default: versioned, cas-register for Jepsen, append for Porcupine)",
    )
    parser.add_argument("--initial", metavar="VALUE", help="what each key holds at the start")
    parser.add_argument(
        "--seconds",
        metavar="TIME",
        type=options.duration,
        default=Limits().seconds,
        help="give up on a file after this long, undecided (default: 60s)",
    )
    parser.add_argument("--session", action="store_true", help="check the session guarantees too")
    parser.add_argument("--staleness", action="store_true", help="tell how stale reads were")
    parser.add_argument(
        "--html",
        metavar="OUT",
        type=Path,
        help="draw what was found: a page, or a folder of pages for several files",
    )
    parser.add_argument(
        "--details", action="store_true", help="with --json: an object for each file"
    )
    options.add_output(parser)


def run(arguments: Namespace) -> int:
    """Check the files and print what was found; return the exit code."""
    if arguments.details and not arguments.json:
        raise InvalidArgument("--details is for --json; without it, details are printed anyway")
    if (arguments.session or arguments.staleness) and arguments.format != ETAGERE:
        raise InvalidArgument("--session and --staleness need versions: --format etagere has them")
    with progress(arguments.files) as files:
        reports = [report_on(file, arguments) for file in files]
    if arguments.html:
        write_pages(reports, arguments.html)
    if arguments.json:
        output.write(as_json(reports, details=arguments.details))
    else:
        print_verdicts(reports)
        print_weaker_checks(reports)
        explain(reports)
    for report in reports:
        if report.problem:
            output.say(f"etagere: {report.problem}")
    return overall_code(reports)


def report_on(name: str, arguments: Namespace) -> Report:
    """Check one file."""
    try:
        case = read_case(
            name,
            form=arguments.format,
            model=arguments.model,
            initial=arguments.initial,
            limits=Limits(seconds=arguments.seconds),
        )
    except (MalformedHistory, OSError) as error:
        return Report(name, problem=message_of(error))
    try:
        verdict = case.check(case.history)
    except InvalidArgument as error:
        return Report(name, problem=f"{name}: {message_of(error)}")
    if not isinstance(case.history, History):
        return Report(name, case, verdict)
    sessions = check_sessions(case.history, verdict) if arguments.session else None
    staleness = measure_staleness(case.history) if arguments.staleness else None
    return Report(name, case, verdict, sessions, staleness)


def write_pages(reports: list[Report], out: Path) -> None:
    """Draw what was found in each file: one page, or a folder of them for several files."""
    if len(reports) > 1:
        out.mkdir(parents=True, exist_ok=True)
    for number, report in enumerate(reports, 1):
        if report.case is not None and report.verdict is not None:
            name = f"{number:0{len(str(len(reports)))}}-{Path(report.file).name}.html"
            drawings = report.case.drawings(report.verdict, DRAWN)
            omitted = max(0, len(report.verdict.findings) - DRAWN)
            page = out / name if len(reports) > 1 else out
            write_page(page, f"{report.file}: {report.verdict.answer}", *drawings, omitted=omitted)


@contextmanager
def progress(files: Sequence[str]) -> Generator[Iterable[str]]:
    """Give the files one by one; on a terminal, show which one is being checked."""
    if sys.stderr is None or not sys.stderr.isatty():
        yield files
        return
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        yield files
        return
    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("", total=len(files))

        def each() -> Iterator[str]:
            for file in files:
                bar.update(task, description=file)
                yield file
                bar.advance(task)

        yield each()


COMMAND = Command(add_arguments=add_arguments, run=run, examples=EXAMPLES)

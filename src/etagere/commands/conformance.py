"""`etagere conformance`: hold stores to the contract."""

from __future__ import annotations

import os
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from etagere.commands import options, output
from etagere.commands.command import Command
from etagere.commands.failures import Exit
from etagere.commands.tables import columns, print_table
from etagere.errors import ConfigurationError, InvalidArgument

if TYPE_CHECKING:
    from etagere.conformance.report.model import Report
    from etagere.conformance.running import Run, Settings

FAILED = 1
EXAMPLES = """\
  etagere conformance memory:// sqlite:///scratch.db
  etagere conformance redis://127.0.0.1:6379 --level core --level conditional
  etagere conformance postgres://127.0.0.1/test --soak 60s --report report.html
  etagere conformance sqlite:///scratch.db --clause ETG-CAS-003 --seed 12345
  etagere conformance --list

Writes keys that begin with "etg-", and deletes them again. Do not use a store that is in service:
races and large values will slow it down.

Exits with 0 if every store keeps what it claims and refuses what it does not, with 1 if not, and
with 2 if the command line makes no sense or a store cannot be reached.
"""


def add_arguments(parser: ArgumentParser) -> None:
    """Add what `conformance` takes."""
    parser.add_argument(
        "urls",
        metavar="URL",
        nargs="*",
        help=f"which stores to test (default: ${options.VARIABLE})",
    )
    add = parser.add_argument_group("what to test").add_argument
    add("--level", action="append", default=[], dest="levels", help="only this level; repeatable")
    add(
        "--clause",
        metavar="ID",
        action="append",
        default=[],
        dest="clauses",
        help="only this clause, such as ETG-CAS-003; repeatable",
    )
    add("--list", action="store_true", help="list the clauses, and test nothing")
    add("--seed", metavar="N", type=seed, help="repeat a run: the seed that it printed")
    add(
        "--soak",
        metavar="TIME",
        type=options.duration,
        default=0.0,
        help="go on with races and faults for so long, all together, such as 60s or 5m",
    )
    add(
        "--hooks",
        metavar="MODULE:CLASS",
        help="what can be done to the servers: a subclass of etagere.conformance.Hooks",
    )
    add(
        "--probe",
        metavar="MODULE:CLASS",
        help="another way to the data: a class that is made with the URL",
    )
    add(
        "--report",
        metavar="FILE",
        type=Path,
        action="append",
        default=[],
        dest="reports",
        help="write a report: .html, .json, .md or .xml (JUnit); repeatable",
    )
    options.add_output(parser)


def run(arguments: Namespace) -> int:
    """Test the stores and say what came of it; return the exit code."""
    try:
        import_module("etagere.conformance.session")
    except ImportError as error:
        raise ConfigurationError(
            f"the conformance kit needs the package {error.name!r};"
            " install it with: pip install 'etagere[conformance]'"
        ) from error
    if arguments.list:
        return list_clauses(as_json=arguments.json)
    from etagere.conformance.report.writing import as_json, write_all

    tested, report = test(arguments)
    written = write_all(report, tested.results, arguments.reports)
    if arguments.json:
        output.write(as_json(report))
    else:
        print_report(report, written)
    return Exit.OK if is_good(report) else FAILED


def test(arguments: Namespace) -> tuple[Run, Report]:
    """Test the stores of a command line."""
    from etagere.conformance.clauses import REGISTRY
    from etagere.conformance.progress import shown_progress
    from etagere.conformance.report.building import report_of
    from etagere.conformance.running import Run
    from etagere.conformance.session import perform
    from etagere.conformance.subjects import subject_of_url

    hooks, probe = named(arguments.hooks), named(arguments.probe)
    subjects = [
        subject_of_url(url, hooks=hooks and hooks(), probe=probe) for url in urls_of(arguments)
    ]
    run = Run(settings_of(arguments), subjects)
    for subject in run.subjects.values():
        if problem := run.survey(subject).problem:
            raise ConfigurationError(f"{subject.name} cannot be tested: {problem}")
    with shown_progress(run):
        perform(run)
    for name in arguments.clauses:
        if name not in REGISTRY:
            raise InvalidArgument(f"there is no clause {name!r}; --list shows them all")
    return run, report_of(run)


def settings_of(arguments: Namespace) -> Settings:
    """Return what a command line asks for, if it makes sense so far."""
    from etagere.conformance.clauses import Level
    from etagere.conformance.report.writing import check_path
    from etagere.conformance.running import Settings

    for name in arguments.levels:
        if name not in list(Level):
            raise InvalidArgument(f"there is no level {name!r}; there are {', '.join(Level)}")
    for path in arguments.reports:
        check_path(path)
    settings = Settings(
        levels=frozenset(arguments.levels),
        clauses=frozenset(arguments.clauses),
        soak=arguments.soak,
    )
    return settings if arguments.seed is None else replace(settings, seed=arguments.seed)


def named(words: str | None) -> Any:  # noqa: ANN401 - whatever the words name
    """Return the class that MODULE:CLASS names, from the current folder or what is installed."""
    if words is None:
        return None
    module, _, name = words.partition(":")
    if (folder := str(Path.cwd())) not in sys.path:
        sys.path.insert(0, folder)
    try:
        return getattr(import_module(module), name)
    except (ImportError, AttributeError, ValueError) as error:
        raise ConfigurationError(f"{words!r} names no class (MODULE:CLASS): {error}") from error


def urls_of(arguments: Namespace) -> list[str]:
    """Return the URLs to test."""
    urls = arguments.urls or [os.environ.get(options.VARIABLE, "")]
    if not all(urls):
        raise InvalidArgument(f"which store? Name its URL, or set {options.VARIABLE}")
    return list(dict.fromkeys(urls))


def is_good(report: Report) -> bool:
    """Tell whether everything is as it is claimed to be."""
    from etagere.conformance.report.model import Verdict

    return report.verdict is not Verdict.FAILED


# --- what is printed ------------------------------------------------------------------------------


def print_report(report: Report, written: list[Path]) -> None:
    """Print the table, then what is to be known about each failure."""
    from etagere.conformance.report import text

    headings, rows = text.table(report)
    if output.is_terminal():
        print_table(headings, rows)
    else:  # where headings would be in capitals, and these are URLs
        for line in columns([headings, *rows]):
            output.write_line(line)
    output.write_line("")
    for line in (*text.failures(report), *text.omitted(report), "", *text.summary(report)):
        output.write_line(line)
    for path in written:
        output.write_line(f"written: {path}")


def list_clauses(*, as_json: bool) -> int:
    """Print every clause."""
    from etagere.conformance import BackendConformance
    from etagere.conformance.clauses import REGISTRY, Level

    assert BackendConformance.__conformance__  # noqa: S101 - importing it loads every clause
    order = list(Level)
    clauses = sorted(REGISTRY.values(), key=lambda each: (order.index(each.level), each.id))
    if as_json:
        for each in clauses:
            line = output.json_line(id=each.id, level=each.level, sentence=each.sentence)
            output.write(line)
    else:
        rows = [[each.id, each.level.value, each.sentence] for each in clauses]
        print_table(("clause", "level", "sentence"), rows)
    return Exit.OK


def seed(text: str) -> int:
    """Read a seed."""
    if not text.isdecimal():
        raise ArgumentTypeError(f"{text!r} is not a seed: a whole number, as a run prints it")
    return int(text)


COMMAND = Command(add_arguments=add_arguments, run=run, examples=EXAMPLES)

"""The whole of the kit on everything that we answer for, with reports: `make conformance`."""

from __future__ import annotations

import sys
from argparse import ArgumentParser
from contextlib import ExitStack
from pathlib import Path

from etagere.commands.conformance import is_good, print_report
from etagere.conformance.progress import shown_progress
from etagere.conformance.report.building import report_of
from etagere.conformance.report.writing import write_all
from etagere.conformance.running import Run, Settings
from etagere.conformance.session import perform
from tests.conformance.fleet import fleet

FORMS = ("html", "json", "md", "xml")


def main() -> int:
    """Test the ships that are named, or all; return the exit code."""
    ships = fleet()
    parser = ArgumentParser(prog="python -m tests.conformance", description=__doc__)
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of {', '.join(ships)}")
    parser.add_argument("--soak", type=float, default=0.0, help="seconds for races and faults")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--reports", type=Path, default=Path("reports"))
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - ships.keys():
        parser.error(f"there is no {', '.join(sorted(unknown))}")
    settings = Settings(soak=arguments.soak)
    if arguments.seed is not None:
        settings = Settings(soak=arguments.soak, seed=arguments.seed)
    with ExitStack() as stack:
        chosen = arguments.names or list(ships)
        run = Run(settings, [stack.enter_context(ships[name]()) for name in chosen])
        with shown_progress(run):
            perform(run)
        report = report_of(run)
    arguments.reports.mkdir(exist_ok=True)
    paths = [arguments.reports / f"conformance.{form}" for form in FORMS]
    print_report(report, write_all(report, run.results, paths))
    return 0 if is_good(report) else 1


if __name__ == "__main__":
    sys.exit(main())

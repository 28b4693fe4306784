"""Inside pytest: which tests there are, which of them apply, and what came of them."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any, Final, cast

import pytest

from etagere.commands.tables import columns
from etagere.conformance.clauses import SPEC_VERSION, Clause
from etagere.conformance.hidden import hidden_clauses
from etagere.conformance.items import (
    alone,
    message_of,
    parameters_of,
    readable,
    reason_of,
    suite_of,
    target_of,
    tested_by,
    variant_of,
    with_lines,
)
from etagere.conformance.options import reports_of, run_of
from etagere.conformance.paths import PATHS
from etagere.conformance.report import text
from etagere.conformance.report.building import report_of
from etagere.conformance.report.writing import write_all
from etagere.conformance.results import Outcome, Result
from etagere.conformance.running import Run
from etagere.conformance.subjects import Subject, subject_of_class

RUN: Final = pytest.StashKey[Run]()
NAME: Final = "etagere-conformance"


class ConformancePlugin:
    """Runs the tests of suite classes on their stores, and keeps the score."""

    def __init__(self, run: Run, reports: Sequence[Path] = ()) -> None:
        self.run = run
        self._reports = list(reports)
        self._written: list[Path] = []
        self._began = time.monotonic()
        self._suites: dict[type, list[Subject]] = {}
        self._pending: Result | None = None
        """What came of the test that is run, until it is known how it ends."""
        self._explained_so_far: defaultdict[str, set[str]] = defaultdict(set)
        """The clauses that failed, by store."""

    # --- collection ---------------------------------------------------------------------------

    def parametrize(self, metafunc: pytest.Metafunc) -> None:
        """Give a test its stores, and its paths."""
        subjects = self._subjects(suite_of(metafunc))
        targets = [target for subject in subjects for target in self.run.targets(subject)]
        if "target" in metafunc.fixturenames:
            ids = [target.id for target in targets]
            metafunc.parametrize("target", targets, ids=ids, scope="class")
        if "path" in metafunc.fixturenames:
            metafunc.parametrize("path", PATHS, ids=[path.name for path in PATHS])

    def _subjects(self, suite: Any) -> list[Subject]:
        if suite not in self._suites:
            own = suite.backend is not None or suite.url
            self._suites[suite] = [subject_of_class(suite)] if own else self.run.named()
            self._note_hidden(suite)
        return self._suites[suite]

    def _note_hidden(self, suite: Any) -> None:
        for clause, owner in hidden_clauses(suite):
            for subject in self._suites[suite]:
                reason = f"{owner} overrides its test"
                self.run.omit(subject, clause, reason)

    def pytest_itemcollected(self, item: pytest.Item) -> None:
        """Let `-k` know tests by the ids and levels of their clauses."""
        if clause := tested_by(item):
            item.extra_keyword_matches.update({clause.id, clause.level})

    @pytest.hookimpl(trylast=True)
    def pytest_collection_modifyitems(
        self, config: pytest.Config, items: list[pytest.Item]
    ) -> None:
        """Deselect what does not apply, and remember why."""
        if [] in self._suites.values():
            raise pytest.UsageError("which store? give --etagere URL, once or several times")
        dropped = [item for item in items if self._drops(item)]
        if dropped:
            config.hook.pytest_deselected(items=dropped)
            gone = {id(item) for item in dropped}
            items[:] = [item for item in items if id(item) not in gone]
        tested = [clause for item in items if (clause := tested_by(item))]
        self.run.soaking = max(1, sum(clause.soaks for clause in tested))
        self.run.on_planned(len(tested))

    def _drops(self, item: pytest.Item) -> bool:
        clause = tested_by(item)
        if clause is None:
            return False
        target, path = target_of(item), parameters_of(item).get("path")
        if reason := self.run.why_not(clause, target, path):
            self._deselect(item, reason)
        return bool(reason)

    def _deselect(self, item: pytest.Item, reason: str) -> None:
        clause, target = tested_by(item), target_of(item)
        assert clause is not None
        self.run.omit(target.subject, clause, reason, variant_of(item))

    # --- the tests ----------------------------------------------------------------------------

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Let Hypothesis draw by the run's seed, and remember nothing of other runs."""
        test, clause = getattr(item, "function", None), tested_by(item)
        if clause is not None and hasattr(test, "hypothesis"):
            sow(test, self.run.seed_of(clause))

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put what the kit knows of a test into its report."""
        if call.excinfo is not None and tested_by(item):
            inside = alone(call.excinfo.value)
            inside = inside.with_traceback(with_lines(inside.__traceback__))
            call.excinfo = cast("Any", pytest.ExceptionInfo).from_exception(inside)
        report = yield
        if clause := tested_by(item):
            self._take_note(item, clause, report, call)
        return report

    def _take_note(
        self,
        item: pytest.Item,
        clause: Clause,
        report: pytest.TestReport,
        call: pytest.CallInfo[None],
    ) -> None:
        if report.skipped:
            self._deselect(item, reason_of(report))
        elif report.failed or report.when == "call":
            result = self._result_of(item, clause, report, call)
            # What fails afterwards as well fails for the same reason.
            if self._pending is None or self._pending.outcome is Outcome.PASSED:
                self._pending = result
            if report.failed:
                report.sections.append((f"clause {clause.id}", self._explained(clause, result)))
        if report.when == "teardown" and self._pending is not None:
            self.run.add(self._pending)
            self._pending = None

    def _explained(self, clause: Clause, result: Result) -> str:
        self._explained_so_far[result.subject].add(clause.id)
        most = text.OPERATIONS
        if len(self._explained_so_far[result.subject]) > text.CLAUSES:
            most = 0
        lines = text.operations(result.operations, most)
        return "\n".join([clause.sentence, f"seed: {self.run.settings.seed}", *lines])

    def _result_of(
        self,
        item: pytest.Item,
        clause: Clause,
        report: pytest.TestReport,
        call: pytest.CallInfo[None],
    ) -> Result:
        failed = report.failed
        # Afterwards the lab is closed, and its files are gone.
        lab = getattr(item, "funcargs", {}).get("lab") if report.when == "call" else None
        return Result(
            subject=target_of(item).subject.name,
            clause=clause.id,
            variant=variant_of(item),
            outcome=Outcome.FAILED if failed else Outcome.PASSED,
            seconds=call.duration,
            message=message_of(call) if failed else "",
            details=readable(report.longreprtext) if failed else "",
            operations=lab.journal.lines() if failed and lab else [],
            attachments=lab.files() if failed and lab else {},
        )

    # --- what the terminal says ---------------------------------------------------------------

    def pytest_report_header(self) -> str:
        """Say which specification and which seed."""
        return f"etagere conformance {SPEC_VERSION}, seed {self.run.settings.seed}"

    def pytest_sessionfinish(self) -> None:
        """Write the reports."""
        self.run.seconds = time.monotonic() - self._began
        self._written = write_all(report_of(self.run), self.run.results, self._reports)

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say to what each store conforms, and what was not tested."""
        if not self.run.results:
            return
        report = report_of(self.run)
        headings, rows = text.table(report)
        terminalreporter.section("etagere conformance")
        for line in (*columns([headings, *rows]), *text.omitted(report), *text.summary(report)):
            terminalreporter.write_line(line)
        for path in self._written:
            terminalreporter.write_line(f"written: {path}")


def plugin_of(config: pytest.Config) -> ConformancePlugin:
    """Return this session's plugin, made and registered when it is first asked for."""
    plugin = config.pluginmanager.get_plugin(NAME)
    if plugin is None:
        run = config.stash.get(RUN, None) or run_of(config)
        plugin = ConformancePlugin(run, reports_of(config))
        config.pluginmanager.register(plugin, NAME)
    return cast("ConformancePlugin", plugin)


def sow(test: Any, seed: int) -> None:
    """Make a test of Hypothesis's draw by a seed."""
    import hypothesis

    hypothesis.seed(seed)(test)

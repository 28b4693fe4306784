"""Inside pytest: which tests there are, which of them apply, and what came of them."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence
from pathlib import Path as FilePath
from traceback import format_exception_only
from typing import Any, Final, cast

import pytest

from etagere.commands.tables import columns
from etagere.conformance.clauses import SPEC_VERSION, Clause, Level, clause_of
from etagere.conformance.hidden import hidden_clauses
from etagere.conformance.paths import PATHS
from etagere.conformance.report import text
from etagere.conformance.report.building import report_of
from etagere.conformance.report.writing import check_path, write_all
from etagere.conformance.results import Deselected, Outcome, Result
from etagere.conformance.running import Run, Settings, Target
from etagere.conformance.subjects import Subject, subject_of_class, subject_of_url
from etagere.errors import ConfigurationError
from etagere.pages import visible

RUN: Final = pytest.StashKey[Run]()
NAME: Final = "etagere-conformance"


class ConformancePlugin:
    """Runs the tests of suite classes on their stores, and keeps the score."""

    def __init__(self, run: Run, reports: Sequence[FilePath] = ()) -> None:
        self.run = run
        self._reports = list(reports)
        self._written: list[FilePath] = []
        self._began = time.monotonic()
        self._suites: dict[type, list[Subject]] = {}

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
                self.run.deselected.append(
                    Deselected(
                        subject=subject.name,
                        clause=clause.id,
                        variant="",
                        reason=f"{owner} overrides its test",
                    )
                )

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
        self.run.deselected.append(
            Deselected(
                subject=target.subject.name,
                clause=clause.id,
                variant=variant_of(item),
                reason=reason,
            )
        )

    # --- the tests ----------------------------------------------------------------------------

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Put what the kit knows of a test into its report."""
        report = yield
        clause = tested_by(item)
        if clause is None:
            return report
        if report.skipped:
            self._deselect(item, reason_of(report))
        elif report.failed or report.when == "call":
            result = self._result_of(item, clause, report, call)
            self.run.add(result)
            if report.failed:
                report.sections.append((f"clause {clause.id}", explained(clause, result, self.run)))
        return report

    def _result_of(
        self,
        item: pytest.Item,
        clause: Clause,
        report: pytest.TestReport,
        call: pytest.CallInfo[None],
    ) -> Result:
        lab = getattr(item, "funcargs", {}).get("lab")
        failed = report.failed
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

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Let Hypothesis draw by the run's seed, and remember nothing of other runs."""
        test, clause = getattr(item, "function", None), tested_by(item)
        if clause is not None and hasattr(test, "hypothesis"):
            sow(test, self.run.seed_of(clause))

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


def run_of(config: pytest.Config) -> Run:
    """Return the run that pytest's command line describes."""
    option: Any = config.option
    levels: list[str] = option.etagere_level
    if unknown := set(levels) - {level.value for level in Level}:
        known = ", ".join(Level)
        raise pytest.UsageError(f"there is no level {', '.join(unknown)}; there are {known}")
    wanted: dict[str, Any] = {"levels": frozenset(levels), "soak": option.etagere_soak}
    seed = option.etagere_seed
    settings = Settings(**wanted) if seed is None else Settings(seed=seed, **wanted)
    try:
        subjects = [subject_of_url(url) for url in option.etagere]
    except ConfigurationError as error:
        raise pytest.UsageError(str(error)) from error
    run = Run(settings, subjects)
    check_stores(run)
    return run


def check_stores(run: Run) -> None:
    """Refuse stores that cannot be reached, before anything is tested."""
    for subject in run.named():
        if problem := run.survey(subject).problem:
            raise pytest.UsageError(f"{subject.name} cannot be tested: {problem}")


def reports_of(config: pytest.Config) -> list[FilePath]:
    """Return the reports that pytest's command line asks for."""
    paths = [FilePath(name) for name in cast("Any", config.option).etagere_report]
    try:
        for path in paths:
            check_path(path)
    except ConfigurationError as error:
        raise pytest.UsageError(str(error)) from error
    if paths and getattr(config.option, "numprocesses", None):
        raise pytest.UsageError("a report is of tests in one process: leave out --numprocesses")
    return paths


# --- what an item is ------------------------------------------------------------------------------


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


def sow(test: Any, seed: int) -> None:
    """Make a test of Hypothesis's draw by a seed."""
    import hypothesis

    hypothesis.seed(seed)(test)


def explained(clause: Clause, result: Result, run: Run) -> str:
    """Return what to know about a clause that failed."""
    lines = [clause.sentence, f"seed: {run.settings.seed}", "operations:", *result.operations]
    return "\n".join(lines)

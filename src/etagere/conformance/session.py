"""A run of the kit in this process: pytest, without its knowing the user's projects."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pytest

from etagere.conformance.plugin import RUN
from etagere.conformance.results import Result
from etagere.conformance.running import Run, Settings
from etagere.conformance.subjects import Subject

HERE: Final = Path(__file__).parent
DOOR: Final = HERE / "test_conformance.py"
ARGUMENTS: Final = (
    "--disable-plugin-autoload",
    *("-p", "anyio"),
    *("-p", "etagere_pytest"),
    *("-p", "no:cacheprovider"),
    *("-p", "no:terminal"),
    *("-c", str(HERE / "pytest.ini")),
    f"--rootdir={HERE}",
    f"--confcutdir={HERE}",
)


DONE: Final = (
    pytest.ExitCode.OK,
    pytest.ExitCode.TESTS_FAILED,
    pytest.ExitCode.NO_TESTS_COLLECTED,
)


class KitFailed(Exception):
    """Raised when pytest itself did not get through a run."""


def conduct(
    subjects: Sequence[Subject],
    settings: Settings | None = None,
    *,
    on_planned: Callable[[int], None] = lambda count: None,
    on_result: Callable[[Result], None] = lambda result: None,
) -> Run:
    """Hold stores to the contract; return what came of it.

    `on_planned` is told how many tests there are, `on_result` what came of each.
    """
    run = Run(settings or Settings(), subjects)
    run.on_planned, run.on_result = on_planned, on_result
    perform(run)
    return run


def perform(run: Run) -> None:
    """Test the stores of a run. Raises `KeyboardInterrupt`, or `KitFailed`."""
    session, began = _Session(run), time.monotonic()
    code = pytest.main([*ARGUMENTS, str(DOOR)], plugins=[session])
    run.seconds = time.monotonic() - began
    if session.interrupted:
        raise KeyboardInterrupt
    if session.problems or code not in DONE:
        problems = "\n".join(session.problems) or f"pytest ended with {code!r}"
        raise KitFailed(f"the kit did not get through: {problems}")


class _Session:
    def __init__(self, run: Run) -> None:
        self._run = run
        self.interrupted = False
        self.problems: list[str] = []

    @pytest.hookimpl(tryfirst=True)
    def pytest_configure(self, config: pytest.Config) -> None:
        config.stash[RUN] = self._run
        # Tracebacks as Python prints them: pytest's own look the source up anew for each failure.
        config.option.tbstyle = "native"

    def pytest_keyboard_interrupt(self) -> None:
        self.interrupted = True

    def pytest_internalerror(self, excrepr: object) -> None:
        self.problems.append(str(excrepr))

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        if report.failed:
            self.problems.append(report.longreprtext)

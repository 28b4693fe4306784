"""What pytest's command line asks of the kit."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest

from etagere.conformance.clauses import Level
from etagere.conformance.report.writing import check_path
from etagere.conformance.running import Run, Settings
from etagere.conformance.subjects import subject_of_url
from etagere.errors import ConfigurationError


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


def reports_of(config: pytest.Config) -> list[Path]:
    """Return the reports that pytest's command line asks for."""
    paths = [Path(name) for name in cast("Any", config.option).etagere_report]
    try:
        for path in paths:
            check_path(path)
    except ConfigurationError as error:
        raise pytest.UsageError(str(error)) from error
    if paths and getattr(config.option, "numprocesses", None):
        raise pytest.UsageError("a report is of tests in one process: leave out --numprocesses")
    return paths

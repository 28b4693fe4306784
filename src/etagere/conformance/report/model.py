"""The report of a run, as data. Its JSON form is documented in docs/conformance.md."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Final

from msgspec import Struct

from etagere.backend import Capabilities

FORMAT: Final = "etagere-conformance-report"
FORMAT_VERSION: Final = 1


class Verdict(StrEnum):
    """What a run says of a store, a level or a clause."""

    PASSED = "passed"
    """Claimed, and kept."""
    REFUSED = "refused"
    """Not claimed, and refused as it must be."""
    FAILED = "failed"
    NOT_TESTED = "not tested"
    """No clause applied, or none was asked for; the report says why."""


class Failure(Struct, frozen=True, kw_only=True):
    """One test that failed."""

    variant: str
    """By which path, on which event loop, with which parameter."""
    message: str
    operations: list[str]
    """What was asked of the backend, and what it answered, in order."""
    details: str = ""
    """The test's source, with values."""
    files: list[str] = []
    """Names of files that tell more; they lie in a folder next to the report."""


class ClauseReport(Struct, frozen=True, kw_only=True):
    """What became of one clause on one store."""

    id: str
    level: str
    sentence: str
    verdict: Verdict
    tests: int
    """How many were run: one for each path, event loop and parameter."""
    seconds: float
    reproduce: str
    """How to run this clause alone, with the same seed."""
    failures: list[Failure] = []


class Omission(Struct, frozen=True, kw_only=True):
    """Tests of a clause that were not run."""

    clause: str
    reason: str
    variants: list[str]
    """Which of its tests; empty: all."""


class LevelReport(Struct, frozen=True, kw_only=True):
    """What became of the clauses of one level on one store."""

    level: str
    verdict: Verdict
    passed: int
    """Clauses."""
    failed: int
    not_tested: int


class SubjectReport(Struct, frozen=True, kw_only=True):
    """What became of one store."""

    name: str
    """Its URL, without a password, or the name of a test class."""
    verdict: Verdict
    server_version: str
    """Empty where the backend does not tell."""
    capabilities: Capabilities
    levels: list[LevelReport]
    clauses: list[ClauseReport]
    not_tested: list[Omission]
    badge: str
    """One line that says to what the store conforms."""


class Report(Struct, frozen=True, kw_only=True):
    """What became of a run."""

    spec: str
    """The version of the clauses."""
    etagere: str
    """The version of the package."""
    python: str
    seed: int
    started: datetime
    seconds: float
    verdict: Verdict
    subjects: list[SubjectReport]
    format: str = FORMAT
    format_version: int = FORMAT_VERSION

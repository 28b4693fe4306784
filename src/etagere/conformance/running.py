"""A run of the kit: on which stores, with which seed, and what came of it."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from importlib.util import find_spec
from typing import Final

from msgspec import Struct, field

from etagere.conformance.clauses import Clause
from etagere.conformance.lab import PATIENCE, Lab
from etagere.conformance.paths import Path
from etagere.conformance.results import Deselected, Result
from etagere.conformance.subjects import Subject, Survey, survey

SEED_BITS: Final = 32


class Settings(Struct, frozen=True, kw_only=True):
    """What a run was asked for."""

    seed: int = field(default_factory=lambda: secrets.randbits(SEED_BITS))
    levels: frozenset[str] = frozenset()
    """Only these; empty: all."""
    clauses: frozenset[str] = frozenset()
    """Only these, by their ids; empty: all."""
    paths: frozenset[str] = frozenset()
    """Writes travel only so, by the names of paths; empty: in every way."""
    soak: float = 0.0
    """Seconds for which clauses that soak go on, all together."""
    patience: float = PATIENCE
    """Seconds after which what was to happen in the end is given up."""


class Target(Struct, frozen=True):
    """One store on one event loop."""

    subject: Subject
    loop: str
    label: str
    """What tells it from other targets of the same store; empty if there are none."""

    @property
    def id(self) -> str:
        """What pytest calls it."""
        if self.subject.suite is None:
            return " ".join(filter(None, (self.subject.name, self.label)))
        return self.loop


class Run:
    """What is known of a run so far."""

    def __init__(self, settings: Settings, subjects: Sequence[Subject] = ()) -> None:
        self.settings = settings
        self.subjects: dict[str, Subject] = {subject.name: subject for subject in subjects}
        self.results: list[Result] = []
        self.deselected: list[Deselected] = []
        self.started = datetime.now(UTC)
        self.seconds = 0.0
        """How long it took; told by whoever conducts it."""
        self.soaking = 1
        """How many tests share the time to soak."""
        self.on_planned: Callable[[int], None] = lambda count: None
        self.on_result: Callable[[Result], None] = lambda result: None
        self._surveys: dict[str, Survey] = {}

    def survey(self, subject: Subject) -> Survey:
        """Return what a store says of itself; it is asked once."""
        if subject.name not in self._surveys:
            self.subjects.setdefault(subject.name, subject)
            loops = sorted(subject.offered.event_loops & available_loops())
            self._surveys[subject.name] = survey(subject, (loops or ["asyncio"])[0])
        return self._surveys[subject.name]

    def named(self) -> list[Subject]:
        """Return the stores that were named on a command line."""
        return [subject for subject in self.subjects.values() if subject.suite is None]

    def targets(self, subject: Subject) -> list[Target]:
        """Return a store once for each event loop that it claims and this machine has."""
        claimed = self.survey(subject).capabilities.event_loops
        loops = sorted(claimed & available_loops())
        alone = len(loops) == 1
        return [Target(subject, loop, "" if alone else loop) for loop in loops]

    def missing_loops(self, subject: Subject) -> list[str]:
        """Return the event loops that a store claims and this machine does not have."""
        return sorted(self.survey(subject).capabilities.event_loops - available_loops())

    def why_not(self, clause: Clause, target: Target, path: Path | None) -> str:
        """Return why a clause is not tested on a target by a path; empty if it is."""
        wanted = self.settings
        if wanted.levels and clause.level not in wanted.levels:
            return "its level was not asked for"
        if wanted.clauses and clause.id not in wanted.clauses:
            return "it was not asked for"
        if wanted.paths and path and path.name not in wanted.paths:
            return "its path was not asked for"
        return self.inapplicable(clause, target.subject, path)

    def inapplicable(self, clause: Clause, subject: Subject, path: Path | None) -> str:
        """Return why a clause says nothing about a store; empty if it does."""
        capabilities = self.survey(subject).capabilities
        if reason := clause.why_not(capabilities, subject.hooks):
            return reason
        if reason := subject.why_not(clause, subject.url):
            return reason
        reasons = [need.why_not(capabilities) for need in (path.needs if path else ())]
        return next(filter(None, reasons), "")

    def lab(self, clause: Clause, target: Target, url: str) -> Lab:
        """Return the place for one test of a clause."""
        soak = self.settings.soak / self.soaking if clause.soaks else 0.0
        return Lab(target.subject, url, self.seed_of(clause), soak, self.settings.patience)

    def seed_of(self, clause: Clause) -> int:
        """Return a seed of the clause's own: it does not depend on what else is run, or on what."""
        text = f"{self.settings.seed} {clause.id}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8])

    def omit(self, subject: Subject, clause: Clause, reason: str, variant: str = "") -> None:
        """Take note of what is not tested."""
        self.deselected.append(
            Deselected(subject=subject.name, clause=clause.id, variant=variant, reason=reason)
        )

    def add(self, result: Result) -> None:
        """Take note of a result."""
        self.results.append(result)
        self.on_result(result)


def available_loops() -> frozenset[str]:
    """Return the event loops that this machine has."""
    return frozenset({"asyncio"} | ({"trio"} if find_spec("trio") else set()))

"""Holding the broken backends to clauses: what their tests have in common."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from etagere.cli import main
from etagere.conformance import BackendConformance
from etagere.conformance.broken import FLAWS, Flaw
from etagere.conformance.broken.backend import on_its_server
from etagere.conformance.broken.sound import Sound
from etagere.conformance.clauses import REGISTRY
from etagere.conformance.results import Outcome, Result
from etagere.conformance.running import Settings
from etagere.conformance.session import conduct
from etagere.conformance.subjects import Subject
from etagere.layers import Layer

assert BackendConformance.__conformance__  # importing it fills the registry

SEED = 7
WHOLE = os.environ.get("ETAGERE_CONFORMANCE") == "whole"
"""Whether there is time for every clause on every broken backend."""
FEW = 4
"""Clauses of a row that are tried each time; most rows have no more."""
ALL = frozenset(REGISTRY)
IN_PROCESS = [flaw for flaw in FLAWS if not issubclass(flaw.backend, Layer)]
LAYERS = [flaw for flaw in FLAWS if issubclass(flaw.backend, Layer)]


def name_of(flaw: Flaw) -> str:
    return flaw.name


def theme_of(flaw: Flaw) -> str:
    return flaw.backend.__module__.rpartition(".")[2]


def hold(
    flaw: Flaw, clauses: Iterable[str], *, loop: str = "asyncio", patience: float, path: str = ""
) -> list[Result]:
    """Hold a broken backend to some clauses, and return the tests that failed."""

    def make(url: str) -> Sound:
        backend = on_its_server(flaw)
        backend.capabilities = replace(backend.capabilities, event_loops=frozenset({loop}))
        return backend

    made = make("")
    subject = Subject(name=flaw.name, make=make, offered=made.capabilities, hooks=made.hooks)
    return failed_of(subject, clauses, patience=patience, path=path)


def failed_of(
    subject: Subject, clauses: Iterable[str], *, patience: float, path: str = ""
) -> list[Result]:
    """Hold a store to some clauses, where writes travel by one path or by all."""
    settings = Settings(
        seed=SEED,
        clauses=frozenset(clauses),
        paths=frozenset({path} if path else ()),
        patience=patience,
    )
    run = conduct([subject], settings)
    assert run.results
    return [result for result in run.results if result.outcome is Outcome.FAILED]


def clauses_of(failed: Iterable[Result]) -> set[str]:
    return {result.clause for result in failed}


def told(failed: list[Result]) -> str:
    """What failed, first as the table writes it."""
    lines = [f"{each.clause} {each.variant}: {each.message}" for each in failed]
    return "\n".join([short(clauses_of(failed)), *lines])


def short(ids: Iterable[str]) -> str:
    families: dict[str, list[str]] = {}
    for each in sorted(ids):
        _, family, number = each.split("-")
        families.setdefault(family, []).append(str(int(number)))
    return " ".join(" ".join([family, *numbers]) for family, numbers in families.items())


def check_that_the_clauses_fail(flaw: Flaw, path: str) -> None:
    """Hold a broken backend to clauses that its row names, by a path on which all fail."""
    named = flaw.clauses if WHOLE else frozenset(sorted(flaw.clauses)[:FEW])
    # Less patience makes more fail, never less: what is right is checked elsewhere.
    failed = hold(flaw, named, patience=0.2, path=flaw.path or path)
    assert clauses_of(failed) == named, told(failed)
    for each in failed:
        assert each.message
        assert each.operations, f"{each.clause} does not tell what was done"


def command(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str]:
    """The exit code of a command, and what it printed."""
    code = main(list(words))
    return code, capsys.readouterr().out


def steps(printed: str) -> list[str]:
    """The operations that a failure shows, without what is new in each run: ETags and times."""
    lines = re.findall(r"^ +\d+\. store .*", printed, re.MULTILINE)
    return [re.sub(r"[0-9A-Fa-f]{8}…|expires_at=[0-9]+", "…", line) for line in lines]

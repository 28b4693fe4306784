"""A broken backend fails the clauses that the table names, and no other.

Some are held to the clauses that are quick; with ETAGERE_CONFORMANCE=whole all of them are held to
every clause but those that search at random, on every event loop.
"""

from __future__ import annotations

import pytest

from etagere.conformance.broken import FLAWS, SEARCHES, Flaw, flaw_of
from tests.conformance.flaws import (
    ALL,
    IN_PROCESS,
    WHOLE,
    clauses_of,
    hold,
    name_of,
    theme_of,
    told,
)

QUICK = {each for each in ALL if each.split("-")[1] in {"CORE", "CAS", "BULK", "TXN", "LIST"}}
SOME = [
    "racy-check-then-act",
    "delete-ignores-etag",
    "etags-ignored-in-bulk",
    "compares-values",
    "conflict-without-index",
    "no-rollback",
    "bulk-stops-at-conflict",
    "keys-fold-case",
    "first-page-only",
]
FLAWS_HERE = IN_PROCESS if WHOLE else [flaw_of(name) for name in SOME[:3]]
CLAUSES = ALL - SEARCHES if WHOLE else QUICK
LOOPS = ["asyncio", "trio"] if WHOLE else ["asyncio"]


@pytest.mark.timeout(600)
@pytest.mark.parametrize("loop", LOOPS)
@pytest.mark.parametrize("flaw", FLAWS_HERE, ids=name_of)
def test_fails_what_it_must_and_passes_the_rest(flaw: Flaw, loop: str) -> None:
    clauses = CLAUSES | flaw.clauses if WHOLE else CLAUSES
    failed = hold(flaw, clauses, loop=loop, patience=2.0)
    assert clauses_of(failed) == flaw.clauses & clauses, told(failed)
    if flaw.path:
        # A race is lost by whoever is in it, also by those who came by a path that is right.
        alone = [each for each in failed if "-RACE-" not in each.clause]
        assert {each.variant for each in alone} <= {"", flaw.path}, told(alone)


def test_the_some_are_of_many_themes() -> None:
    assert len({theme_of(flaw_of(name)) for name in SOME}) >= 8
    assert {theme_of(flaw_of(name)) for name in SOME} <= {theme_of(flaw) for flaw in FLAWS}

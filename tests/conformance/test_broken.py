"""The kit finds what is wrong with each broken backend, and nothing else.

The clauses that wait for records to expire, and those that search at random, take most of the time:
backends whose flaw lies elsewhere are held to them only with ETAGERE_CONFORMANCE=whole.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

import pytest
from msgspec.structs import replace

from etagere.cli import main
from etagere.conformance import BackendConformance
from etagere.conformance.broken import FLAWS, SEARCHES, BrokenBackend, Flaw
from etagere.conformance.broken.__main__ import table
from etagere.conformance.broken.backend import on_its_server
from etagere.conformance.broken.sound import Sound
from etagere.conformance.clauses import REGISTRY, Level
from etagere.conformance.results import Outcome, Result
from etagere.conformance.running import Run, Settings
from etagere.conformance.session import conduct
from etagere.conformance.subjects import Subject
from etagere.errors import ConfigurationError
from etagere.layers import Layer

SEED = 7
WHOLE = os.environ.get("ETAGERE_CONFORMANCE") == "whole"
ALL = frozenset(REGISTRY)
SLOW = SEARCHES | {each.id for each in REGISTRY.values() if each.level is Level.EXPIRING}
IN_PROCESS = [flaw for flaw in FLAWS if not issubclass(flaw.backend, Layer)]

assert BackendConformance.__conformance__  # importing it fills the registry


def name_of(flaw: Flaw) -> str:
    return flaw.name


def hold(flaw: Flaw, clauses: Iterable[str], *loops: str) -> list[Result]:
    """Hold a broken backend to some clauses, and return the tests that failed."""

    def make(url: str) -> Sound:
        backend = on_its_server(flaw)
        backend.capabilities = replace(backend.capabilities, event_loops=frozenset(loops))
        return backend

    made = make("")
    subject = Subject(name=flaw.name, make=make, offered=made.capabilities, hooks=made.hooks)
    return failed_of(conduct([subject], Settings(seed=SEED, clauses=frozenset(clauses))))


def failed_of(run: Run) -> list[Result]:
    assert run.results
    return [result for result in run.results if result.outcome is Outcome.FAILED]


def told(failed: list[Result]) -> str:
    """What failed, first as the table writes it."""
    lines = [f"{each.clause} {each.variant}: {each.message}" for each in failed]
    return "\n".join([short({each.clause for each in failed}), *lines])


def short(ids: Iterable[str]) -> str:
    families: dict[str, list[str]] = {}
    for each in sorted(ids):
        _, family, number = each.split("-")
        families.setdefault(family, []).append(str(int(number)))
    return " ".join(" ".join([family, *numbers]) for family, numbers in families.items())


@pytest.mark.timeout(600)
@pytest.mark.parametrize("flaw", IN_PROCESS, ids=name_of)
def test_fails_what_it_must_and_passes_the_rest(flaw: Flaw) -> None:
    clauses = ALL if WHOLE else ALL - SLOW | flaw.clauses
    failed = hold(flaw, clauses, "asyncio")
    found = {each.clause for each in failed}
    assert flaw.clauses <= found <= flaw.clauses | SEARCHES, told(failed)
    for each in failed:
        assert each.message
        assert each.operations, f"{each.clause} does not tell what was done"


@pytest.mark.timeout(600)
@pytest.mark.parametrize("flaw", IN_PROCESS, ids=name_of)
def test_the_same_on_trio(flaw: Flaw) -> None:
    failed = hold(flaw, flaw.clauses, "trio")
    assert {each.clause for each in failed} == flaw.clauses, told(failed)


@pytest.mark.parametrize("flaw", [flaw for flaw in IN_PROCESS if flaw.path], ids=name_of)
def test_only_the_path_that_is_wrong_fails(flaw: Flaw) -> None:
    # A race is lost by whoever is in it, also by those who came by a path that is right.
    alone = {each for each in flaw.clauses if "-RACE-" not in each}
    failed = hold(flaw, alone, "asyncio")
    assert {each.variant for each in failed} <= {"", flaw.path}, told(failed)


@pytest.mark.parametrize("flaw", IN_PROCESS, ids=name_of)
def test_the_command_tells_clause_operations_and_seed(
    flaw: Flaw, capsys: pytest.CaptureFixture[str]
) -> None:
    clause = min(flaw.clauses - SEARCHES or flaw.clauses)
    url = f"broken://{flaw.name}"
    assert main(["conformance", url, "--clause", clause, "--seed", str(SEED)]) == 1
    printed = capsys.readouterr().out
    assert f"{clause} failed on {url}" in printed
    assert re.search(r"operations, with what the backend answered:\n(.*\n)? +\d+\. ", printed)
    assert f"again: etagere conformance {url} --clause {clause} --seed {SEED}" in printed


def test_the_table_has_a_row_for_each() -> None:
    rows = table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == [flaw.name for flaw in FLAWS]


def test_each_flaw_is_another() -> None:
    assert len({flaw.name for flaw in FLAWS}) == len(FLAWS) >= 24
    assert len({flaw.sentence for flaw in FLAWS}) == len(FLAWS)


def test_each_flaw_names_clauses_that_there_are() -> None:
    for flaw in FLAWS:
        assert flaw.clauses, flaw.name
        assert flaw.clauses <= ALL, flaw.name


def test_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(ConfigurationError, match=r"racy-check-then-act.*lost-on-close"):
        BrokenBackend.from_url("broken://nothing")


def test_layer_without_a_database_says_how_to_write_it() -> None:
    with pytest.raises(ConfigurationError, match=r"127.0.0.1:6379/never-reconnects\?over=redis"):
        BrokenBackend.from_url("broken://never-reconnects")


def test_what_is_no_layer_takes_no_database() -> None:
    with pytest.raises(ConfigurationError, match="write broken://racy-create"):
        BrokenBackend.from_url("broken://127.0.0.1:1/racy-create?over=redis")

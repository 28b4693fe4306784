"""The kit finds what is wrong with each broken backend, and nothing else."""

from __future__ import annotations

import pytest

from etagere.conformance.broken import FLAWS, BrokenBackend, Flaw
from etagere.conformance.broken.__main__ import table
from etagere.conformance.results import Outcome, Result
from etagere.conformance.running import Run, Settings
from etagere.conformance.session import conduct
from etagere.conformance.subjects import subject_of_url
from etagere.errors import ConfigurationError
from etagere.layers import Layer

SEED = 7
IN_PROCESS = [flaw for flaw in FLAWS if not issubclass(flaw.backend, Layer)]


def name_of(flaw: Flaw) -> str:
    return flaw.name


def hold(flaw: Flaw, *clauses: str) -> Run:
    """Hold a broken backend to all clauses, or to some."""
    settings = Settings(seed=SEED, clauses=frozenset(clauses))
    return conduct([subject_of_url(f"broken://{flaw.name}")], settings)


def failures(run: Run) -> list[Result]:
    return [result for result in run.results if result.outcome is Outcome.FAILED]


def told(failed: list[Result]) -> str:
    return "\n".join(f"{each.clause} {each.variant}: {each.message}" for each in failed)


@pytest.mark.parametrize("flaw", IN_PROCESS, ids=name_of)
def test_fails_what_it_must_and_passes_the_rest(flaw: Flaw) -> None:
    failed = failures(hold(flaw))
    assert sorted({each.clause for each in failed}) == sorted(flaw.clauses), told(failed)
    for each in failed:
        assert each.message
        assert each.operations, f"{each.clause} does not tell what was done"


@pytest.mark.parametrize("flaw", IN_PROCESS, ids=name_of)
def test_the_seed_reproduces_it(flaw: Flaw) -> None:
    again = failures(hold(flaw, *flaw.clauses))
    assert {each.clause for each in again} == set(flaw.clauses)
    assert {each.variant.split()[0] for each in again} == {"asyncio", "trio"}


def test_each_clause_is_in_the_table_of_some_flaw() -> None:
    ...


def test_the_table_has_a_row_for_each() -> None:
    rows = table().splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == [flaw.name for flaw in FLAWS]


def test_no_two_are_the_same() -> None:
    assert len({flaw.name for flaw in FLAWS}) == len(FLAWS) >= 24
    assert len({flaw.sentence for flaw in FLAWS}) == len(FLAWS)


def test_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(ConfigurationError, match="racy-check-then-act.*lost-on-close"):
        BrokenBackend.from_url("broken://nothing")


def test_layer_without_a_database_says_how_to_write_it() -> None:
    with pytest.raises(ConfigurationError, match="127.0.0.1:6379/never-reconnects.over=redis"):
        BrokenBackend.from_url("broken://never-reconnects")


def test_no_layer_over_a_database() -> None:
    with pytest.raises(ConfigurationError, match="write broken://racy-create"):
        BrokenBackend.from_url("broken://127.0.0.1:1/racy-create?over=redis")

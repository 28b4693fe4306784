"""Each clause that the table names fails: backends that are wrong about several calls."""

from __future__ import annotations

import pytest

from etagere.conformance.broken import Flaw
from tests.conformance.flaws import IN_PROCESS, check_that_the_clauses_fail, name_of, theme_of

CALLS = {"races", "transactions", "bulk", "cancellation", "consistency"}


@pytest.mark.parametrize(
    "flaw", [flaw for flaw in IN_PROCESS if theme_of(flaw) in CALLS], ids=name_of
)
def test_each_clause_of_its_row_fails(flaw: Flaw) -> None:
    check_that_the_clauses_fail(flaw)

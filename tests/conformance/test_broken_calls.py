"""Each clause that the table names fails: backends that are wrong about several calls."""

from __future__ import annotations

import pytest

from etagere.conformance.broken import Flaw
from tests.conformance.flaws import IN_PROCESS, check_that_the_clauses_fail, name_of, theme_of

CALLS = {"races", "transactions", "bulk", "cancellation", "consistency"}
FLAWS_HERE = [flaw for flaw in IN_PROCESS if theme_of(flaw) in CALLS]


@pytest.mark.parametrize("flaw", FLAWS_HERE, ids=name_of)
def test_each_clause_of_its_row_fails(flaw: Flaw) -> None:
    check_that_the_clauses_fail(flaw, path="bulk" if theme_of(flaw) == "bulk" else "single")

"""Each clause that the table names fails: backends that are wrong about one operation."""

from __future__ import annotations

import pytest

from etagere.conformance.broken import Flaw
from tests.conformance.flaws import IN_PROCESS, check_that_the_clauses_fail, name_of, theme_of
from tests.conformance.test_broken_calls import CALLS

VALUES = [flaw for flaw in IN_PROCESS if theme_of(flaw) not in CALLS]


@pytest.mark.parametrize("flaw", VALUES, ids=name_of)
def test_each_clause_of_its_row_fails(flaw: Flaw) -> None:
    check_that_the_clauses_fail(flaw, path="single")

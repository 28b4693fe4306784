"""A server that is not ours keeps what it claims; what its API lacks, the kit finds."""

from __future__ import annotations

from etagere.conformance.results import Outcome
from etagere.conformance.running import Settings
from etagere.conformance.session import conduct
from etagere.conformance.subjects import subject_of_url
from tests.backends.http.daprd import daprd

KEPT = frozenset({"ETG-CAS-001", "ETG-CAS-002", "ETG-CAS-003", "ETG-CAS-004", "ETG-CAS-041"})
FOR_WRITERS = {"ETG-CAS-044", "ETG-CAS-045"}


def test_what_it_claims_is_kept() -> None:
    with daprd() as server:
        run = conduct([subject_of_url(server.store)], Settings(seed=1, clauses=KEPT | FOR_WRITERS))
    assert {result.clause for result in run.results} >= {"ETG-CAS-001", "ETG-CAS-041"}
    failures = [result for result in run.results if result.outcome is not Outcome.PASSED]
    assert not failures, failures[0].message
    assert {deselected.clause for deselected in run.deselected} >= FOR_WRITERS


def test_etags_that_come_back_are_found_out() -> None:
    with daprd(counting=True) as server:
        clauses = frozenset({"ETG-CAS-041"})
        run = conduct([subject_of_url(server.store)], Settings(seed=1, clauses=clauses))
    assert Outcome.FAILED in {result.outcome for result in run.results}

"""Strong protocols keep the contract; the whole of the kit is for `make conformance`."""

from __future__ import annotations

from typing import Final

import pytest

from etagere.conformance import BackendConformance
from etagere.conformance.results import Outcome
from etagere.conformance.running import Settings
from etagere.conformance.session import conduct
from etagere.conformance.subjects import subject_of_url

assert BackendConformance.__conformance__  # importing it loads every clause

CLAUSES: Final = {
    "ETG-CORE-001",
    "ETG-CAS-001",
    "ETG-CAS-004",
    "ETG-CAS-045",
    "ETG-BULK-004",
    "ETG-BULK-010",
    "ETG-LIST-001",
    "ETG-RACE-001",
    "ETG-REPL-001",
    "ETG-STRONG-001",
    "ETG-TTL-001",
    "ETG-TXN-001",
}


def broken(url: str, *clauses: str) -> list[str]:
    """Return which clauses a store does not keep."""
    chosen = frozenset(clauses or CLAUSES)
    settings = Settings(seed=20_260, paths=frozenset({"batch"}), clauses=chosen)
    run = conduct([subject_of_url(url)], settings)
    assert run.results, f"nothing was tested on {url}"
    return [result.clause for result in run.results if result.outcome is not Outcome.PASSED]


@pytest.mark.parametrize("protocol", ["single", "caspaxos", "primary_backup"])
def test_strong_protocols_conform(protocol: str) -> None:
    assert broken(f"sim://?protocol={protocol}&latency=lnkd-ssd") == []


def test_one_that_reads_checks_and_writes_does_not() -> None:
    url = "sim://?protocol=dynamo&r=2&w=2&unsafe=1&latency=lnkd-ssd"
    assert broken(url, "ETG-RACE-001") == ["ETG-RACE-001"]

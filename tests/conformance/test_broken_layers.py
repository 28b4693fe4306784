"""The kit finds what is wrong with layers that misread a connection which breaks, on a real server.

They are held to the clauses that their rows name, and to all with ETAGERE_CONFORMANCE=whole.
"""

from __future__ import annotations

import pytest

from etagere.conformance.broken import SEARCHES, Flaw
from etagere.conformance.subjects import subject_of_url
from tests.conformance.flaws import ALL, LAYERS, WHOLE, clauses_of, failed_of, name_of, told


def url_of(flaw: Flaw, redis_url: str) -> str:
    place = redis_url.removeprefix("redis://").partition("/")[0]
    return f"broken://{place}/{flaw.name}?over=redis"


@pytest.mark.timeout(900)
@pytest.mark.parametrize("flaw", LAYERS, ids=name_of)
def test_fails_what_it_must_and_passes_the_rest(flaw: Flaw, redis_url: str) -> None:
    subject = subject_of_url(url_of(flaw, redis_url))
    failed = failed_of(subject, ALL if WHOLE else flaw.clauses, patience=5.0 if WHOLE else 1.0)
    assert flaw.clauses <= clauses_of(failed) <= flaw.clauses | SEARCHES, told(failed)


@pytest.mark.timeout(300)
def test_without_a_layer_none_of_it_fails(redis_url: str) -> None:
    clauses = {clause for flaw in LAYERS for clause in flaw.clauses}
    failed = failed_of(subject_of_url(redis_url), clauses, patience=5.0)
    assert not failed, told(failed)

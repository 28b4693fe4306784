"""The kit finds what is wrong with layers that misread a connection which breaks, on a real server.

They are held to all clauses with ETAGERE_CONFORMANCE=whole, to those about faults without.
"""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from etagere.conformance.broken import FLAWS, SEARCHES, Flaw
from etagere.conformance.results import Result
from etagere.conformance.running import Settings
from etagere.conformance.session import conduct
from etagere.conformance.subjects import subject_of_url
from etagere.layers import Layer
from tests.conformance.test_broken import ALL, SEED, WHOLE, failed_of, name_of, told

FAULTS = {each for each in ALL if each.startswith("ETG-FAULT-")}
LAYERS = [flaw for flaw in FLAWS if issubclass(flaw.backend, Layer)]


def hold(url: str, clauses: Iterable[str]) -> list[Result]:
    return failed_of(
        conduct([subject_of_url(url)], Settings(seed=SEED, clauses=frozenset(clauses)))
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize("flaw", LAYERS, ids=name_of)
def test_fails_what_it_must_and_passes_the_rest(flaw: Flaw, redis_url: str) -> None:
    place = redis_url.removeprefix("redis://").partition("/")[0]
    url = f"broken://{place}/{flaw.name}?over=redis"
    failed = hold(url, ALL if WHOLE else FAULTS)
    found = {each.clause for each in failed}
    assert flaw.clauses <= found <= flaw.clauses | SEARCHES, told(failed)


@pytest.mark.timeout(600)
def test_without_a_layer_nothing_fails(redis_url: str) -> None:
    failed = hold(redis_url, FAULTS)
    assert not failed, told(failed)

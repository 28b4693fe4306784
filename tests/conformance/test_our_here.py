"""Our own stores keep the contract, at the highest level that they claim."""

from __future__ import annotations

import pytest

from tests.conformance.voyages import MINUTES, conforms, names


@pytest.mark.timeout(MINUTES)
@pytest.mark.parametrize("name", names("memory", "sqlite", "prefix", "recording"))
def test_conforms(name: str) -> None:
    conforms(name)

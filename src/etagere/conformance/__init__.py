"""The conformance kit, which tells whether a backend keeps the contract.

Three doors lead to one suite of clauses:

- a class to subclass, `BackendConformance`, in a test module of the backend's own;
- `pytest --pyargs etagere.conformance --etagere URL`;
- `etagere conformance URL`.

Needs pytest and more: `pip install 'etagere[conformance]'`.
"""

import sys
from typing import TYPE_CHECKING

import pytest

from etagere.conformance.clauses import SPEC_VERSION, Clause, Level, clause
from etagere.conformance.hooks import Hooks, Probe
from etagere.conformance.lab import Lab
from etagere.conformance.paths import Path

if TYPE_CHECKING:
    from etagere.conformance.backend_conformance import BackendConformance

__all__ = [
    "SPEC_VERSION",
    "BackendConformance",
    "Clause",
    "Hooks",
    "Lab",
    "Level",
    "Path",
    "Probe",
    "clause",
]

_REWRITTEN = ("suite", "races", "faults")


def __getattr__(name: str) -> object:
    # Imported late: once pytest has started, it can rewrite the suite's assertions so that they
    # show their values, however the kit is installed.
    if name != "BackendConformance":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    packages = {f"{__name__}.{package}" for package in _REWRITTEN}
    pytest.register_assert_rewrite(*(packages - sys.modules.keys()))
    from etagere.conformance.backend_conformance import BackendConformance

    return BackendConformance

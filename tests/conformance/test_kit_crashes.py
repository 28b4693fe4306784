"""Crashes: a child process writes, is killed, and what it left behind is looked at."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

import tests
from etagere.conformance.crashing import number_of, value_of
from etagere.conformance.report.building import report_of
from etagere.conformance.results import Outcome
from etagere.conformance.running import Run, Settings
from etagere.conformance.session import conduct
from etagere.conformance.subjects import Subject, subject_of_url
from etagere.memory import MemoryBackend
from tests.conformance.torn import TornFiles

ROOT = Path(tests.__file__ or "").parents[1]
CRASHES = frozenset({"ETG-FAULT-080", "ETG-FAULT-081"})


def hold(subject: Subject) -> Run:
    return conduct([subject], Settings(seed=1, clauses=CRASHES))


def reasons(run: Run) -> set[str]:
    return {each.reason for each in run.deselected if each.clause in CRASHES}


@pytest.fixture
def torn(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """The URL of a store that is installed, for this process and its children."""
    distribution = tmp_path / "torn-1.dist-info"
    distribution.mkdir()
    (distribution / "METADATA").write_text("Metadata-Version: 2.1\nName: torn\nVersion: 1\n")
    (distribution / "entry_points.txt").write_text(
        "[etagere.backends]\ntorn = tests.conformance.torn:TornFiles\n"
    )
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path), str(ROOT)]))
    return f"torn://{tmp_path}/data"


def test_a_store_that_keeps_its_word_passes(tmp_path: Path) -> None:
    run = hold(subject_of_url(f"sqlite:///{tmp_path}/state.db"))
    assert {result.clause for result in run.results} == CRASHES
    assert {result.outcome for result in run.results} == {Outcome.PASSED}


def test_what_is_half_written_is_found(torn: str) -> None:
    run = hold(subject_of_url(torn))
    found = {result.clause: result for result in run.results}
    assert {result.outcome for result in found.values()} == {Outcome.FAILED}
    assert "TornFiles failed: DecodeError" in found["ETG-FAULT-080"].message
    assert "(conformance/torn.py:" in found["ETG-FAULT-080"].message
    assert any("a process was killed" in line for line in found["ETG-FAULT-080"].operations)


def test_values_tell_whether_they_are_whole() -> None:
    value = value_of(["a"], 7)
    assert number_of(["a"], value) == 7
    assert number_of(["a"], value[:-1]) is None
    assert number_of(["b"], value) is None
    assert number_of(["a"], b"") is None


class Elsewhere(MemoryBackend):
    """Says that it is durable, and is in this process only."""

    capabilities = TornFiles.capabilities


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("", "it needs a URL, by which another process can open the store"),
        ("broken://etag-creates", "its server is a part of this process"),
        ("nosuch://x", "another process cannot open the store (no backend is installed for"),
        ("sqlite:////nowhere/x.db", "another process cannot write to the store: "),
    ],
)
def test_is_deselected_where_another_process_finds_nothing(url: str, reason: str) -> None:
    subject = Subject(name="x", make=lambda _: Elsewhere(), offered=Elsewhere.capabilities, url=url)
    run = hold(subject)
    assert run.results == []
    assert all(each.startswith(reason) for each in reasons(run)), reasons(run)
    assert report_of(run).subjects[0].clauses == []

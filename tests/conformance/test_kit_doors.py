"""The two doors through pytest, as a backend author meets them: in a process of their own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

SHELF = """
from etagere import Batching, Capabilities, contract
from etagere.memory import wall_clock

class Shelf:
    capabilities = Capabilities(durable=False)
    batching = Batching()

    def __init__(self):
        self.records = {}

    async def open(self): ...
    async def close(self): ...
    async def ping(self): ...
    async def maintain(self): ...

    async def scan(self, prefix, after, limit, consistency):
        yield []

    async def execute(self, operations, consistency):
        return [self.apply(operation) for operation in operations]

    def apply(self, operation):
        record, outcome = contract.apply(self.records.get(operation.key), operation, wall_clock())
        self.records[operation.key] = record
        return outcome
"""
THREE_LINES = """
from etagere.conformance import BackendConformance
from shelf import Shelf

class TestMine(BackendConformance):
    backend = Shelf
"""
LOSING = '''
from etagere.conformance import BackendConformance
from etagere.memory import MemoryBackend
from etagere.operations import Write
from msgspec.structs import replace

class Losing(MemoryBackend):
    """Ignores preconditions."""

    def _apply(self, operation, now):
        if isinstance(operation, Write):
            operation = replace(operation, expected=None)
        return super()._apply(operation, now)

class TestMine(BackendConformance):
    backend = Losing
'''


def pytest_in(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *arguments]
    variables = {**os.environ, "PYTHONPATH": str(folder), "COLUMNS": "200"}
    variables.pop("PYTEST_ADDOPTS", None)
    return subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, timeout=100
    )


def write(folder: Path, **files: str) -> None:
    for name, text in files.items():
        (folder / f"{name}.py").write_text(text)


class TestSubclass:
    def test_three_lines_are_enough(self, tmp_path: Path) -> None:
        write(tmp_path, shelf=SHELF, test_mine=THREE_LINES)
        done = pytest_in(tmp_path, "-k", "ETG-CORE or ETG-TXN or ETG-TTL or ETG-STRONG")
        assert done.returncode == 0, done.stdout
        assert re.search(r"core +passed \(", done.stdout)
        for level in ("expiring", "transactional", "strong"):
            assert re.search(rf"{level} +refused, as it must \(", done.stdout)
        assert "test_mine.TestMine conforms to etagere 1.0: core" in done.stdout

    def test_a_failure_says_what_a_backend_author_must_know(self, tmp_path: Path) -> None:
        write(tmp_path, test_mine=LOSING)
        done = pytest_in(tmp_path, "-k", "ETG-CAS-002 and asyncio", "--etagere-seed", "77")
        assert done.returncode == 1
        assert "With an older ETag, a write is a conflict" in done.stdout
        assert "seed: 77" in done.stdout
        assert "it was done, though 'key-1' was to be at ETag" in done.stdout
        assert "Write(key='key-1', value=b'lost'" in done.stdout
        assert re.search(r"conditional +FAILED \(1 of 1\)", done.stdout)

    def test_url_and_hooks_by_fixture_and_attribute(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            test_mine="""
import pytest
from etagere.conformance import BackendConformance, Hooks
from etagere_sqlite import SqliteBackend

restarts = []

class Restarting(Hooks):
    async def restart(self):
        restarts.append(1)

class TestFixture(BackendConformance):
    backend = SqliteBackend
    hooks = Restarting()

    @pytest.fixture
    def url(self, tmp_path):
        return f"sqlite:///{tmp_path}/state.db"

class TestAttribute(BackendConformance):
    url = "sqlite:///:memory:"

def test_restarted():
    assert len(restarts) == 4  # once for each path
""",
        )
        done = pytest_in(tmp_path, "-k", "ETG-CORE-002 or ETG-STRONG-007 or test_restarted")
        assert done.returncode == 0, done.stdout
        assert "13 passed" in done.stdout

    def test_what_the_open_store_does_not_claim_is_told(self, tmp_path: Path) -> None:
        """Known only when the test runs, because the URL is a fixture."""
        write(
            tmp_path,
            test_mine="""
import pytest
from etagere.conformance import BackendConformance
from etagere_sqlite import SqliteBackend

class TestMine(BackendConformance):
    backend = SqliteBackend

    @pytest.fixture
    def url(self):
        return "sqlite:///:memory:"
""",
        )
        done = pytest_in(tmp_path, "-k", "ETG-CORE-023", "-rs")
        assert done.returncode == 0, done.stdout
        assert "1 skipped" in done.stdout
        assert "the store does not claim data that outlives a process" in done.stdout

    def test_an_overridden_clause_is_told(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            shelf=SHELF,
            test_mine=THREE_LINES + "    def test_a_b_a(self): ...\n",
        )
        done = pytest_in(tmp_path, "-k", "ETG-CAS-040")
        assert "TestMine overrides its test: ETG-CAS-041" in done.stdout

    def test_a_class_without_a_backend_is_told_so(self, tmp_path: Path) -> None:
        write(
            tmp_path,
            test_mine="from etagere.conformance import BackendConformance\n"
            "class TestMine(BackendConformance): ...\n",
        )
        done = pytest_in(tmp_path)
        assert done.returncode == 4
        assert "which store? give --etagere URL" in done.stderr


class TestUrl:
    def test_several_stores(self, tmp_path: Path) -> None:
        urls = ["--etagere", "memory://", "--etagere", "sqlite:///state.db"]
        report = tmp_path / "report.json"
        done = pytest_in(
            tmp_path,
            "--pyargs",
            "etagere.conformance",
            *urls,
            *("--etagere-level", "core", "--etagere-report", str(report)),
        )
        assert done.returncode == 0, done.stdout
        assert "memory:// conforms to etagere 1.0: core" in done.stdout
        assert "sqlite:///state.db conforms to etagere 1.0: core" in done.stdout
        assert "its level was not asked for" in done.stdout
        assert report.exists()

    def test_on_every_event_loop_that_is_claimed(self, tmp_path: Path) -> None:
        arguments = ["--pyargs", "etagere.conformance", "--etagere", "memory://", "-v"]
        done = pytest_in(tmp_path, *arguments, "-k", "ETG-CORE-001")
        assert done.returncode == 0, done.stdout
        assert "2 passed" in done.stdout

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ((), "which store?"),
            (("--etagere", "redis://127.0.0.1:1"), "redis://127.0.0.1:1 cannot be tested"),
            (("--etagere", "nosuch://x"), "no backend is installed for nosuch://"),
            (("--etagere", "memory://", "--etagere-level", "x"), "there is no level x"),
            (("--etagere", "memory://", "--etagere-report", "x.pdf"), "its name must end with"),
        ],
    )
    def test_mistakes(self, tmp_path: Path, arguments: tuple[str, ...], message: str) -> None:
        done = pytest_in(tmp_path, "--pyargs", "etagere.conformance", *arguments)
        assert done.returncode == 4, done.stdout
        assert message in done.stderr


class TestLaziness:
    PROBE = """
import sys

def test_nothing_is_imported():
    assert "etagere_pytest" in sys.modules
    assert not [name for name in sys.modules if name.partition(".")[0] == "etagere"]
"""

    def test_an_unrelated_session_imports_nothing_of_etagere(self, tmp_path: Path) -> None:
        write(tmp_path, test_unrelated=self.PROBE)
        done = pytest_in(tmp_path)
        assert done.returncode == 0, done.stdout
        assert "etagere" not in done.stdout

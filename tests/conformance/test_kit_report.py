"""Reports: the same facts in every form, and a page that a person can read anywhere."""

from __future__ import annotations

import re
from functools import cache
from html import unescape
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import msgspec
import pytest
from msgspec.structs import replace

from etagere import Capabilities
from etagere.conformance import running
from etagere.conformance.items import with_lines
from etagere.conformance.report import text
from etagere.conformance.report.building import of_all, report_of
from etagere.conformance.report.html import html
from etagere.conformance.report.junit import junit
from etagere.conformance.report.markdown import markdown
from etagere.conformance.report.model import (
    FORMAT,
    FORMAT_VERSION,
    Omission,
    Report,
    Verdict,
)
from etagere.conformance.report.writing import as_json, check_path, write_all
from etagere.conformance.results import Outcome, Result
from etagere.conformance.running import Run, Settings
from etagere.conformance.session import conduct
from etagere.conformance.subjects import Subject, masked
from etagere.errors import ConfigurationError
from etagere.memory import MemoryBackend
from etagere.operations import Conflict
from tests.browser import Chromium

EVIL = "</style><script>document.title = 'evil'</script> \ud800 \x1b[31m `|`"
CLAUSES = frozenset(
    {"ETG-CORE-001", "ETG-CORE-023", "ETG-CAS-002", "ETG-TXN-001", "ETG-TXN-090", "ETG-TTL-090"}
)


class Modest(MemoryBackend):
    """Claims nothing."""

    capabilities = Capabilities(durable=False)
    server_version = "Modest 1.2"


class Confused(MemoryBackend):
    """Tells conflicts without the ETag that is there."""

    async def execute(self, operations: Any, consistency: Any) -> Any:
        outcomes = await super().execute(operations, consistency)
        return [Conflict("?") if isinstance(each, Conflict) else each for each in outcomes]


@cache
def run() -> Run:
    subjects = [
        Subject(name=name, make=lambda url, kind=kind: kind(), offered=kind.capabilities)
        for name, kind in (("modest://", Modest), ("confused://u:***@h/x", Confused))
    ]
    return conduct(subjects, Settings(seed=4, clauses=CLAUSES))


@cache
def report() -> Report:
    return report_of(run())


def evil_report() -> Report:
    """A report whose every text is hostile."""
    run = Run(Settings(seed=4), report_run_subjects())
    run.results.append(
        Result(
            subject="modest://",
            clause="ETG-CAS-002",
            variant=EVIL,
            outcome=Outcome.FAILED,
            message=EVIL,
            details=EVIL,
            operations=[EVIL] * 30,
            attachments={"history.jsonl": b"{}"},
        )
    )
    return report_of(run)


def report_run_subjects() -> list[Subject]:
    return [run().subjects["modest://"]]


class TestVerdicts:
    def test_by_level(self) -> None:
        modest, confused = report().subjects
        found = {level.level: level.verdict for level in modest.levels}
        assert found["core"] is Verdict.PASSED
        assert found["conditional"] is Verdict.PASSED
        assert found["transactional"] is Verdict.REFUSED
        assert found["expiring"] is Verdict.REFUSED
        assert found["listing"] is Verdict.NOT_TESTED
        assert modest.verdict is Verdict.PASSED
        assert {level.level: level.verdict for level in confused.levels}[
            "conditional"
        ] is Verdict.FAILED
        assert confused.verdict is report().verdict is Verdict.FAILED

    def test_of_all(self) -> None:
        assert of_all([Verdict.PASSED, Verdict.REFUSED]) is Verdict.PASSED
        assert of_all([Verdict.PASSED, Verdict.FAILED]) is Verdict.FAILED
        assert of_all([Verdict.REFUSED]) is Verdict.REFUSED
        assert of_all([Verdict.NOT_TESTED]) is Verdict.NOT_TESTED

    def test_the_circumstances_are_recorded(self) -> None:
        modest, _ = report().subjects
        assert report().seed == 4
        assert report().spec == "1.0"
        assert modest.server_version == "Modest 1.2"
        assert modest.capabilities == Modest.capabilities

    def test_nothing_is_left_out_in_silence(self) -> None:
        """Every test of every clause was run, or is told with the reason why not."""
        for subject in report().subjects:
            asked = {clause.id for clause in subject.clauses if clause.id in CLAUSES}
            told = {each.clause: each.reason for each in subject.not_tested}
            assert asked | set(told) >= CLAUSES
            assert all(told.values())
        modest, _ = report().subjects
        told = {each.clause: each for each in modest.not_tested}
        assert told["ETG-TXN-001"].reason == "the store does not claim transactions"
        assert told["ETG-TXN-001"].variants == []
        assert told["ETG-CAS-002"].variants == ["transaction"]
        assert told["ETG-CORE-002"].reason == "it was not asked for"

    def test_a_failure_has_all_that_is_needed(self) -> None:
        _, confused = report().subjects
        (clause,) = [each for each in confused.clauses if each.failures]
        assert clause.id == "ETG-CAS-002"
        assert clause.reproduce == (
            "etagere conformance 'confused://u:***@h/x' --clause ETG-CAS-002 --seed 4"
        )
        variants = {failure.variant for failure in clause.failures}
        paths = ("single", "bulk", "transaction", "batch")
        assert variants == {f"{loop} {path}" for loop in ("asyncio", "trio") for path in paths}
        failure = clause.failures[0]
        assert "the actual ETag is not the one that is there" in failure.message
        assert any("Conflict(actual='?'" in line for line in failure.operations)
        assert "in test_stale" in failure.details

    def test_an_event_loop_that_is_not_installed_is_told(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(running, "available_loops", lambda: frozenset({"asyncio"}))
        memory = Subject(
            name="m://", make=lambda _: MemoryBackend(), offered=MemoryBackend.capabilities
        )
        found = report_of(conduct([memory], Settings(clauses=frozenset({"ETG-CORE-001"}))))
        (subject,) = found.subjects
        assert [clause.tests for clause in subject.clauses] == [1]
        assert (
            Omission(clause="all clauses", reason="trio is not installed", variants=["trio"])
            in subject.not_tested
        )
        assert "  trio is not installed: by trio: all clauses" in list(text.omitted(found))

    def test_a_backend_that_cannot_be_made_fails_and_breaks_nothing(self) -> None:
        def make(url: str) -> MemoryBackend:
            raise RuntimeError("no disk")

        subject = Subject(name="x://", make=make, offered=Modest.capabilities)
        found = conduct([subject], Settings(clauses=frozenset({"ETG-CORE-001"})))
        assert [result.outcome for result in found.results] == [Outcome.FAILED]
        assert found.results[0].message == "RuntimeError: no disk"


class TestForms:
    def test_json_can_be_read_back(self) -> None:
        assert msgspec.json.decode(as_json(report()), type=Report) == report()
        raw = msgspec.json.decode(as_json(report()))
        assert (raw["format"], raw["format_version"]) == (FORMAT, FORMAT_VERSION)

    def test_text(self) -> None:
        headings, rows = text.table(report())
        assert headings == ["level", "modest://", "confused://u:***@h/x"]
        assert ["conditional", "passed (1)", "FAILED (1 of 1)"] in rows
        assert ["transactional", "refused, as it must (1)", "passed (1)"] in rows
        told = "\n".join(text.failures(report()))
        assert told.startswith("ETG-CAS-002 failed on confused://u:***@h/x\n  the contract: With")
        assert "the same clause failed as well by: asyncio bulk" in told
        assert "--seed 4" in told

    def test_markdown(self) -> None:
        lines = markdown(report()).splitlines()
        assert "| conditional | passed (1) | FAILED (1 of 1) |" in lines
        assert "### ETG-CAS-002" in lines
        assert any("conforms to etagere 1.0: core, conditional" in line for line in lines)
        assert "| ETG-TXN-001 | all | the store does not claim transactions |" in lines

    def test_junit(self) -> None:
        root = ET.fromstring(junit(report()))
        modest, confused = root
        assert (modest.get("failures"), confused.get("failures")) == ("0", "1")
        for suite, subject in zip(root, report().subjects, strict=True):
            assert suite.get("tests") == str(len(suite.findall("testcase")))
            assert len(suite.findall("testcase/skipped")) == sum(
                not each.variants for each in subject.not_tested
            )
        (failure,) = confused.findall("testcase/failure")
        assert "With an older ETag" in (failure.text or "")

    def test_html_holds_everything(self) -> None:
        page = unescape(html(report()))
        for wanted in ("modest://", "FAILED (1 of 1)", "ETG-CAS-002", "Modest 1.2", "seed 4"):
            assert wanted in page
        assert "--clause ETG-CAS-002 --seed 4" in page
        assert not re.search(r"(src|href)=\"?(http|//)", page)

    def test_hostile_text_is_only_text(self) -> None:
        evil = evil_report()
        page = html(evil)
        assert "<script>document.title" not in page
        assert ET.fromstring(junit(evil)) is not None
        for form in (page, junit(evil).decode(), "\n".join(text.failures(evil))):
            assert "\x1b" not in form or form is not page

    def test_files_lie_beside_the_first_report(self, tmp_path: Path) -> None:
        result = Result(
            subject="a://b",
            clause="ETG-CAS-002",
            outcome=Outcome.FAILED,
            attachments={"history.jsonl": b"{}\n"},
        )
        paths = [tmp_path / "r.json", tmp_path / "r.html"]
        written = write_all(report(), [result], paths)
        assert written == [*paths, tmp_path / "r.files"]
        (file,) = (tmp_path / "r.files").iterdir()
        assert file.name == "ETG-CAS-002_a___b-history.jsonl"
        assert file.read_bytes() == b"{}\n"
        assert write_all(report(), [replace(result, attachments={})], paths) == paths

    @pytest.mark.parametrize(
        ("name", "message"), [("r.pdf", "must end with"), ("none/r.html", "there is no folder")]
    )
    def test_impossible_paths(self, tmp_path: Path, name: str, message: str) -> None:
        with pytest.raises(ConfigurationError, match=message):
            check_path(tmp_path / name)


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://user:secret@host/0", "redis://user:***@host/0"),
        ("postgres://u:p:q@h:1/x?y=a@b", "postgres://u:***@h:1/x?y=a@b"),
        ("redis://:secret@host", "redis://:***@host"),
        ("redis://host:6379/0", "redis://host:6379/0"),
        ("sqlite:////a:b/c@d.db", "sqlite:////a:b/c@d.db"),
    ],
)
def test_passwords_are_not_told(url: str, shown: str) -> None:
    assert masked(url) == shown


class TestPage:
    @pytest.mark.parametrize("width", [360, 1200])
    def test_is_readable(self, browser: Chromium, tmp_path: Path, width: int) -> None:
        path = tmp_path / "report.html"
        path.write_text(html(report()), "utf-8")
        with browser.page(width=width, height=800) as tab:
            tab.open(path)
            assert tab.text("h1") == "Conformance to etagere's contract"
            wide = tab.evaluate("document.documentElement.scrollWidth")
            assert wide <= width, "the page must not scroll sideways"
            assert tab.evaluate("document.querySelectorAll('.failure').length") == 1
            tab.click("details summary")
            assert tab.evaluate("document.querySelector('details').open") is True
            assert tab.errors == []


def test_a_frame_of_no_known_line_gets_one() -> None:
    def fail() -> None:
        raise ZeroDivisionError

    # As the compiler of Python 3.11 leaves some instructions of asserts that pytest rewrote.
    fail.__code__ = fail.__code__.replace(co_linetable=b"")
    with pytest.raises(ZeroDivisionError) as raised:
        fail()
    trace = raised.value.__traceback__
    assert trace is not None
    assert trace.tb_next is not None
    assert trace.tb_next.tb_lineno is None
    mended = with_lines(trace)
    assert mended is not None
    assert mended.tb_next is not None
    assert mended.tb_lineno == trace.tb_lineno
    assert mended.tb_next.tb_lineno == fail.__code__.co_firstlineno

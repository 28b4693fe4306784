"""The third door: `etagere conformance`, for those who know nothing of pytest."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import SCRIPT, Finished, Script


@pytest.fixture
def kit(tmp_path: Path) -> Script:
    return Script(tmp_path)


class TestAGoodStore:
    def test_prints_the_table_and_exits_with_0(self, kit: Script) -> None:
        done = kit("conformance", "memory://", "sqlite:///x.db", "--level", "core", "--seed", "9")
        assert done.code == 0, done
        lines = done.out.decode().splitlines()
        assert re.fullmatch(r"level +memory:// +sqlite:///x\.db", lines[0])
        assert re.fullmatch(r"core +passed \(\d+\) +passed \(\d+\)", lines[1])
        assert "memory:// conforms to etagere 1.0: core" in lines
        assert "--seed 9" in lines[-1]
        assert done.err == ""

    def test_conforms_at_every_level(self, kit: Script) -> None:
        done = kit("conformance", "memory://", "--json")
        assert done.code == 0, done
        (subject,) = json.loads(done.out)["subjects"]
        verdicts = {level["level"]: level["verdict"] for level in subject["levels"]}
        assert verdicts.pop("replicated") == "not tested", "it has no replica that could lag"
        assert set(verdicts.values()) == {"passed"}

    def test_of_the_environment(self, kit: Script) -> None:
        clause = ("--clause", "ETG-CORE-001")
        assert kit("conformance", *clause, ETAGERE_STORE="memory://").code == 0

    def test_writes_reports(self, kit: Script) -> None:
        names = ["r.html", "r.json", "r.md", "r.xml"]
        options = [word for name in names for word in ("--report", name)]
        done = kit("conformance", "memory://", "--clause", "ETG-CORE-001", *options)
        assert done.code == 0, done
        assert done.out.decode().splitlines()[-4:] == [f"written: {name}" for name in names]
        assert all((kit.folder / name).stat().st_size for name in names)

    def test_leaves_nothing_behind(self, kit: Script) -> None:
        kit("conformance", "sqlite:///x.db", "--level", "bulk")
        assert kit("keys", "--store", "sqlite:///x.db").out == b""

    def test_does_not_read_the_configuration_of_where_it_runs(self, kit: Script) -> None:
        (kit.folder / "pytest.ini").write_text("[pytest]\naddopts = --no-such-option\n")
        (kit.folder / "conftest.py").write_text("raise SystemExit(9)\n")
        assert kit("conformance", "memory://", "--clause", "ETG-CORE-001").code == 0


HOOKS = """
from etagere.conformance import Hooks

class MyHooks(Hooks):
    async def restart(self):
        print("restarted")
"""


def test_takes_hooks(kit: Script) -> None:
    (kit.folder / "mine.py").write_text(HOOKS)
    words = ("conformance", "sqlite:///x.db", "--clause", "ETG-STRONG-007", "--json")
    assert json.loads(kit(*words).out)["verdict"] == "not tested"
    done = kit(*words, "--hooks", "mine:MyHooks")
    assert done.code == 0, done
    assert json.loads(done.out)["verdict"] == "passed"


BROKEN = """
class Backend:
    batching = None
    def __init__(self):
        from etagere import Capabilities
        self.capabilities = Capabilities()
    from_url = classmethod(lambda cls, url: cls())
    async def open(self): ...
    async def close(self): ...
    async def ping(self): ...
    async def maintain(self): ...
    async def execute(self, operations, consistency):
        raise ZeroDivisionError("nothing works")
"""


class TestAStoreThatDoesNothing:
    def test_is_told_in_short(self, kit: Script) -> None:
        distribution = kit.folder / "x-1.dist-info"
        distribution.mkdir()
        (distribution / "METADATA").write_text("Metadata-Version: 2.1\nName: x\nVersion: 1\n")
        (distribution / "entry_points.txt").write_text("[etagere.backends]\nx = x:Backend\n")
        (kit.folder / "x.py").write_text(BROKEN)
        levels = ("--level", "core")
        done = kit("conformance", "x://y", *levels, PYTHONPATH=str(kit.folder))
        assert done.code == 1
        text = done.out.decode()
        line = BROKEN.splitlines().index('        raise ZeroDivisionError("nothing works")') + 1
        assert re.search(rf"Backend failed: ZeroDivisionError\(.*\) \(.*/x\.py:{line}\)", text)
        assert text.count(" failed on x://y\n  the contract:") == 10
        assert re.search(r"\d+ more clauses failed on x://y; a report \(--report\) has all:", text)
        assert len(text.splitlines()) < 350


class TestABrokenStore:
    def test_is_told_with_clause_operations_and_seed(self, kit: Script) -> None:
        done = kit("conformance", "broken://etag-creates", "--clause", "ETG-CAS-003")
        text = done.out.decode()
        assert done.code == 1
        assert re.search(r"conditional +FAILED \(1 of 1\)", text)
        assert "the contract: With an ETag, a write of an absent key is a conflict" in text
        assert re.search(r"  +\d+\. store eventual: Write\(key=", text)
        assert "does not conform to etagere 1.0" in text
        (again,) = re.findall(r"again: etagere (conformance .*)", text)
        once_more = kit(*again.split())
        assert once_more.code == 1
        assert steps(once_more) == steps(done)


def steps(done: Finished) -> list[str]:
    """The operations that a failure shows, without what is new in each run: the ETags."""
    lines = re.findall(r"^ +\d+\. store .*", done.out.decode(), re.MULTILINE)
    assert lines
    return [re.sub(r"[0-9a-f]{8}…", "…", line) for line in lines]


class TestMistakes:
    @pytest.mark.parametrize(
        ("words", "message"),
        [
            ((), "which store?"),
            (("nosuch://x",), "no backend is installed for nosuch://"),
            (("redis://127.0.0.1:1",), "redis://127.0.0.1:1 cannot be tested"),
            (("memory://?a=b",), "unknown settings"),
            (("memory://", "--level", "corex"), "there is no level 'corex'"),
            (("memory://", "--clause", "ETG-CORE-999"), "there is no clause 'ETG-CORE-999'"),
            (("memory://", "--report", "r.pdf"), "its name must end with"),
            (("memory://", "--report", "no/r.html"), "there is no folder"),
            (("memory://", "--hooks", "nowhere:Hooks"), "'nowhere:Hooks' names no class"),
            (("memory://", "--probe", "json:Probe"), "'json:Probe' names no class"),
            (("memory://", "--hooks", "json"), "'json' names no class"),
            (("memory://", "--seed", "x"), "'x' is not a seed"),
            (("memory://", "--soak", "x"), "'x' is not a time"),
        ],
    )
    def test_exit_with_2(self, kit: Script, words: tuple[str, ...], message: str) -> None:
        done = kit("conformance", *words)
        assert done.code == 2
        assert message in done.problem


def test_lists_the_clauses(kit: Script) -> None:
    lines = kit("conformance", "--list").out.decode().splitlines()
    assert "ETG-CAS-003     conditional" in "\n".join(lines)
    found = [json.loads(line) for line in kit("conformance", "--list", "--json").out.splitlines()]
    assert len(found) == len(lines) - 1
    assert found[0] == {
        "id": "ETG-CORE-001",
        "level": "core",
        "sentence": "`get` returns None where there is nothing.",
    }


def test_shows_progress_on_a_terminal(kit: Script) -> None:
    mine, theirs = pty.openpty()
    command = [SCRIPT, "conformance", "memory://", "--clause", "ETG-TTL-001"]
    process = subprocess.Popen(command, cwd=kit.folder, stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    try:
        while chunk := os.read(mine, 65536):
            shown += chunk
    except OSError:  # how Linux says that the other side is closed
        pass
    assert process.wait(timeout=60) == 0
    assert b"/8" in shown
    assert b"memory:// ETG-TTL-001" in shown
    assert b"conforms to etagere" in shown

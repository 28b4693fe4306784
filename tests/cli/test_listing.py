"""`keys` and `stores`."""

from __future__ import annotations

import contextlib
import json
import os
import pty
from pathlib import Path

import pytest

from tests.cli.conftest import Here, Script

KEYS = ["a", "b/1", "b/2", "b/3", "c", "é", "🍏"]


@pytest.fixture
def filled(here: Here) -> Here:
    for key in reversed(KEYS):
        here("set", key, "value")
    return here


def test_keys_come_in_order_one_on_each_line(filled: Here) -> None:
    assert filled("keys").out.decode().split("\n") == [*KEYS, ""]


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        (["--prefix", "b/"], ["b/1", "b/2", "b/3"]),
        (["--prefix", "b/", "--after", "b/1"], ["b/2", "b/3"]),
        (["--after", "b/3", "--limit", "2"], ["c", "é"]),
        (["--limit", "0"], []),
        (["--prefix", "nothing"], []),
        (["--consistency", "strong", "--limit", "1"], ["a"]),
    ],
)
def test_some_of_the_keys(filled: Here, words: list[str], keys: list[str]) -> None:
    assert filled("keys", *words).out.decode().splitlines() == keys
    lines = filled("keys", *words, "--json").out.splitlines()
    assert [json.loads(line) for line in lines] == [{"key": key} for key in keys]


def test_keys_with_line_breaks_survive_xargs(etagere: Script) -> None:
    done = etagere.shell(
        r"etagere set $'two\nlines' v >etag && etagere set ' spaces ' v >etag"
        " && etagere keys -0 | xargs -0 -n 1 etagere delete"
    )
    assert (done.code, done.out) == (0, b"deleted\ndeleted\n")


@pytest.mark.parametrize(
    "words", [["--limit=-1"], ["--limit", "many"], ["-0", "--json"], ["a-key"]]
)
def test_what_keys_refuses(here: Here, words: list[str]) -> None:
    assert here("keys", *words).code == 2


# --- stores -------------------------------------------------------------------------------------


def test_stores_lists_what_is_installed(here: Here) -> None:
    heading, *lines = here("stores").out.decode().splitlines()
    assert heading.split()[:3] == ["SCHEME", "STRONG", "TRANSACTIONS"]
    rows = {line.split()[0]: line for line in lines}
    assert "client's clock" in rows["memory"]
    assert "always" in rows["sqlite"]


def test_stores_as_json(here: Here) -> None:
    lines = [json.loads(line) for line in here("stores", "--json").out.splitlines()]
    kinds = {line["schemes"][0]: line for line in lines}
    assert {"memory", "sqlite", "redis", "postgres"} <= set(kinds)
    assert kinds["postgres"]["schemes"] == ["postgres", "postgresql"]
    assert kinds["memory"] == {
        "schemes": ["memory"],
        "origin": "etagere (etagere.memory:MemoryBackend)",
        "capabilities": {
            "reach": "while the primary lives",
            "why_not_strong": "",
            "conditional": True,
            "transactions": "full",
            "etags": "writer",
            "clock": "client",
            "ttl_resolution": 1,
            "touching": True,
            "deletes_tell": True,
            "listing": True,
            "durable": False,
            "max_key_bytes": 1024,
            "max_value_bytes": 2**29 - 1,
            "max_transaction": 1000,
            "event_loops": ["asyncio", "trio"],
        },
        "problem": None,
    }


def missing(folder: Path, module: str) -> None:
    """Make a module look as if it were not installed."""
    folder.mkdir(exist_ok=True)
    code = f"raise ModuleNotFoundError('it is not installed', name={module!r})\n"
    (folder / f"{module}.py").write_text(code)


def test_a_missing_driver_is_listed_with_its_remedy(bare: Script) -> None:
    hidden = bare.folder / "hidden"
    missing(hidden, "aiosqlite")
    done = bare("stores", PYTHONPATH=str(hidden))
    assert (done.code, done.err) == (0, "")
    assert "sqlite: not usable: " in done.out.decode()
    assert "pip install 'etagere[sqlite]'" in done.out.decode()
    done = bare("get", "key", "--store", "sqlite:///t.db", PYTHONPATH=str(hidden))
    assert done.code == 2
    assert "pip install 'etagere[sqlite]'" in done.problem


def test_a_broken_backend_hides_no_other(bare: Script) -> None:
    folder = bare.folder / "site"
    information = folder / "shaky-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: shaky\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text(
        "[etagere.backends]\nshaky = shaky:Backend\nmemory = shaky:Backend\n"
    )
    (folder / "shaky.py").write_text("1 / 0")
    done = bare("stores", PYTHONPATH=str(folder))
    assert (done.code, done.err) == (0, "")
    text = done.out.decode()
    assert "sqlite" in text
    assert "shaky (shaky:Backend) does not load: ZeroDivisionError" in text
    assert "memory:// is claimed by etagere (etagere.memory:MemoryBackend) and shaky" in text


def screen(script: Script, **variables: str) -> str:
    """Return what `stores` shows on a terminal."""
    master, terminal = pty.openpty()
    script.variables.update(variables, COLUMNS="200", TERM="xterm")
    shown = b""
    with script.running("stores", stdout=terminal) as process:
        os.close(terminal)
        with contextlib.suppress(OSError):  # raised when the terminal has no other end any more
            while chunk := os.read(master, 4096):
                shown += chunk
        assert process.wait(timeout=30) == 0
    os.close(master)
    return shown.decode()


def test_rich_draws_the_table_on_a_terminal(bare: Script) -> None:
    shown = screen(bare)
    assert "\x1b[1m" in shown
    assert "scheme" in shown
    assert "sqlite" in shown


def test_without_rich_there_are_plain_columns(bare: Script) -> None:
    hidden = bare.folder / "hidden"
    missing(hidden, "rich")
    shown = screen(bare, PYTHONPATH=str(hidden))
    assert "\x1b" not in shown
    assert shown.startswith("SCHEME ")

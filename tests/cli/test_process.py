"""The script as a process: how it starts, how it is stopped, and where its output goes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import anyio
import pytest

import etagere as library
from etagere.cli import main
from etagere.commands import COMMANDS
from tests.cli.conftest import SECONDS, Script

HEAVY = ["aiosqlite", "redis", "asyncpg", "uvicorn", "uvloop", "rich", "yaml", "trio"]
MANY = 20_000


def fill(url: str) -> None:
    """Write more keys than a pipe holds."""

    async def write() -> None:
        async with library.open(url) as store:
            await store.set_many({f"key/{number:06}": b"" for number in range(MANY)})

    anyio.run(write)


# --- starting -----------------------------------------------------------------------------------


def test_version(bare: Script) -> None:
    assert bare("--version").line == f"etagere {library.__version__}"


def test_python_runs_it_too(bare: Script) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "etagere", "get", "key", "--store", "memory://"],
        capture_output=True,
        cwd=bare.folder,
        timeout=SECONDS,
    )
    assert done.returncode == 1
    assert done.stderr == b"etagere: there is nothing under key 'key'\n"


@pytest.mark.parametrize(
    "words", [["--version"], ["set", "--help"], ["get", "k", "--store", "memory://"]]
)
def test_nothing_heavy_is_imported_before_it_is_needed(bare: Script, words: list[str]) -> None:
    code = (
        "import atexit, sys; from etagere.cli import main;"
        f"atexit.register(lambda: print(sorted(sys.modules.keys() & set({HEAVY}))));"
        f"sys.exit(main({words}))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=SECONDS)
    assert done.stdout.splitlines()[-1] == b"[]"


# --- help ---------------------------------------------------------------------------------------


def test_the_overview_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    for name, summary in COMMANDS.items():
        assert f"  {name} " in text
        assert summary in text


@pytest.mark.parametrize("name", COMMANDS)
def test_help_has_examples(capsys: pytest.CaptureFixture[str], name: str) -> None:
    with pytest.raises(SystemExit) as stop:
        main([name, "--help"])
    assert stop.value.code == 0
    text = capsys.readouterr().out
    assert text.startswith(f"usage: etagere {name} ")
    assert f"examples:\n  etagere {name}" in text
    assert max(map(len, text.splitlines())) <= 100


def test_without_a_command_the_overview_is_the_error(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "commands:" in capsys.readouterr().err


@pytest.mark.parametrize("words", [["nonsense"], ["--nonsense"], [""]])
def test_unknown_commands(capsys: pytest.CaptureFixture[str], words: list[str]) -> None:
    assert main(words) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err.startswith("etagere: ")
    assert err.endswith("see 'etagere --help'\n")


# --- output that goes nowhere -------------------------------------------------------------------


def test_a_reader_that_stops_early(etagere: Script, sqlite_url: str) -> None:
    fill(sqlite_url)
    done = etagere.shell("etagere keys | head -1")
    assert (done.code, done.out, done.err) == (141, b"key/000000\n", "")


@pytest.mark.parametrize("words", ["--help", "set --help", "stores", "get key"])
def test_a_reader_that_is_gone(etagere: Script, words: str) -> None:
    etagere("set", "key", "value")
    reading, writing = os.pipe()
    os.close(reading)
    with etagere.running(*words.split(), stdout=writing, stderr=subprocess.PIPE) as process:
        os.close(writing)
        _, problem = process.communicate(timeout=SECONDS)
        assert (process.returncode, problem) == (141, b"")


@pytest.mark.parametrize("size", [1, 1 << 20])
def test_a_full_disk(etagere: Script, size: int) -> None:
    etagere("set", "key", stdin=bytes(size))
    with (
        Path("/dev/full").open("wb") as full,
        etagere.running("get", "key", stdout=full, stderr=subprocess.PIPE) as process,
    ):
        _, problem = process.communicate(timeout=SECONDS)
        assert process.returncode == 7
        assert problem == b"etagere: No space left on device\n"


def test_closed_standard_streams(etagere: Script) -> None:
    assert etagere.shell("etagere set key value >&-").problem.startswith("OSError: standard output")
    assert etagere.shell("etagere get key 2>&-").out == b"value"
    done = etagere.shell("etagere get missing 2>&-")
    assert (done.code, done.out) == (1, b"")
    assert etagere.shell("etagere set key <&-").code == 2


def test_a_reader_of_errors_that_is_gone(etagere: Script) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    with etagere.running("get", "missing", stdout=writing, stderr=writing) as process:
        os.close(writing)
        assert process.wait(timeout=SECONDS) == 1


# --- Ctrl-C -------------------------------------------------------------------------------------


def test_interrupted_while_reading_the_value(etagere: Script) -> None:
    pipe = etagere.folder / "pipe"
    os.mkfifo(pipe)
    with etagere.running("set", "key", "--file", str(pipe), stderr=subprocess.PIPE) as process:
        with pipe.open("wb"):  # returns when the command has opened its end
            process.send_signal(signal.SIGINT)
            _, problem = process.communicate(timeout=SECONDS)
        assert (process.returncode, problem) == (130, b"")
    assert etagere("get", "key").code == 1


def test_interrupted_while_the_store_is_at_work(etagere: Script, sqlite_url: str) -> None:
    fill(sqlite_url)
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with etagere.running("keys", **options) as process:
        assert process.stdout is not None
        assert process.stdout.read(1) == b"k"  # and now it waits for somebody to read the rest
        process.send_signal(signal.SIGINT)
        out, problem = process.communicate(timeout=SECONDS)
        assert (process.returncode, problem) == (130, b"")
        assert out.count(b"\n") < MANY

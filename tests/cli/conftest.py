from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

SCRIPT = Path(sys.executable).with_name("etagere")
SECONDS = 60
DROPPED = {"ETAGERE_STORE", "PYTHONUNBUFFERED", "COLUMNS"}


@dataclass(frozen=True)
class Finished:
    """What a command left behind."""

    code: int
    out: bytes
    err: str

    @property
    def line(self) -> str:
        """The one line of the output."""
        text = self.out.decode()
        assert text.count("\n") == 1, text
        assert text.endswith("\n"), text
        return text[:-1]

    @property
    def json(self) -> Any:
        return json.loads(self.line)

    @property
    def problem(self) -> str:
        """The one line of an error."""
        assert self.out == b""
        assert self.err.startswith("etagere: "), self.err
        assert self.err.count("\n") == 1, self.err
        return self.err.removeprefix("etagere: ").rstrip("\n")


class Script:
    """The console script, with the environment that its commands get."""

    def __init__(self, folder: Path, **variables: str) -> None:
        self.folder = folder
        inherited = {name: value for name, value in os.environ.items() if name not in DROPPED}
        self.variables = inherited | variables

    def __call__(self, *words: str | bytes, stdin: bytes = b"", **variables: str) -> Finished:
        done = subprocess.run(
            [SCRIPT, *words],
            input=stdin,
            capture_output=True,
            cwd=self.folder,
            env=self.variables | variables,
            timeout=SECONDS,
        )
        return Finished(done.returncode, done.stdout, done.stderr.decode())

    @contextmanager
    def running(self, *words: str, **options: Any) -> Iterator[subprocess.Popen[bytes]]:
        """Start a command and go on; it is ended at the latest with the block."""
        process = subprocess.Popen([SCRIPT, *words], cwd=self.folder, env=self.variables, **options)
        try:
            yield process
        finally:
            process.kill()
            process.communicate(timeout=SECONDS)

    def shell(self, command: str) -> Finished:
        """Run a line of bash, in which `etagere` is the script."""
        path = f"{SCRIPT.parent}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            cwd=self.folder,
            env=self.variables | {"PATH": path},
            timeout=SECONDS,
        )
        return Finished(done.returncode, done.stdout, done.stderr.decode())


@pytest.fixture
def bare(tmp_path: Path) -> Script:
    """The script without a store."""
    return Script(tmp_path)


@pytest.fixture
def etagere(tmp_path: Path, sqlite_url: str) -> Script:
    """The script on a SQLite file that is not there yet."""
    return Script(tmp_path, ETAGERE_STORE=sqlite_url)


Here = Callable[..., Finished]


@pytest.fixture
def here(
    monkeypatch: pytest.MonkeyPatch, capfdbinary: pytest.CaptureFixture[bytes], sqlite_url: str
) -> Here:
    """Run a command line in this process, on a SQLite file that is not there yet."""
    from etagere.cli import main

    monkeypatch.setenv("ETAGERE_STORE", sqlite_url)

    def run(*words: str) -> Finished:
        code = main(words)
        out, err = capfdbinary.readouterr()
        return Finished(code, out, err.decode())

    return run

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import pytest

from etagere.cli import main


@dataclass(frozen=True)
class Said:
    """What a command exited with and said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        assert self.out.count("\n") == 1
        return json.loads(self.out)

    @property
    def problem(self) -> str:
        """The one line of an error."""
        assert self.out == ""
        assert self.err.startswith("etagere: ")
        assert self.err.count("\n") == 1, self.err
        return self.err.removeprefix("etagere: ").rstrip("\n")


Simulate = Callable[..., Said]


@pytest.fixture
def simulate(capfd: pytest.CaptureFixture[str]) -> Simulate:
    """Run `etagere simulate ...` in this process."""

    def run(*words: str) -> Said:
        code = main(["simulate", *words])
        out, err = capfd.readouterr()
        return Said(code, out, err)

    return run

"""docs/conformance.md tells what the kit does."""

from __future__ import annotations

import re

from etagere.conformance import Hooks
from etagere.conformance.clauses import REGISTRY, Level
from tests.conformance.page import PAGE, written


def test_the_tables_are_those_of_the_code() -> None:
    text = PAGE.read_text()
    assert text == written(text), "write them with: python -m tests.conformance.page"
    assert all(name in text for name in REGISTRY)


def test_the_levels_are_those_of_the_code() -> None:
    _, _, levels = PAGE.read_text().partition("## Levels")
    rows = re.findall(r"^\| ([a-z]+) \|", levels.partition("\n## ")[0], re.MULTILINE)
    assert rows == ["level", *Level]


def test_the_hooks_are_those_of_the_code() -> None:
    assert re.findall(r"async def (\w+)\(self", PAGE.read_text()) == list(Hooks.NAMES)

"""The broken backends: their table, their URLs, and what the command says of them."""

from __future__ import annotations

import re

import pytest

from etagere.conformance.broken import FLAWS, BrokenBackend, Flaw, flaw_of
from etagere.conformance.broken.__main__ import table
from etagere.conformance.broken.sources import SOURCES
from etagere.errors import ConfigurationError
from etagere.opening import schemes
from tests.conformance.flaws import ALL, SEED, command, name_of, steps

TOLD = [flaw_of(name) for name in ("zero-matches-all", "keys-fold-case", "ttl-in-client-time")]
BY_HOOKS = ["ttl-in-client-time", "strong-read-from-replica", "saved-too-late", "wait-elsewhere"]


@pytest.mark.parametrize("flaw", TOLD, ids=name_of)
def test_the_command_tells_clause_operations_and_seed(
    flaw: Flaw, capsys: pytest.CaptureFixture[str]
) -> None:
    url, clause = f"broken://{flaw.name}", min(flaw.clauses)
    words = ["conformance", url, "--clause", clause, "--seed", str(SEED)]
    code, printed = command(capsys, *words)
    assert code == 1
    assert f"{clause} failed on {url}" in printed
    assert steps(printed)
    (again,) = re.findall(rf"again: etagere (conformance {url} --clause {clause} .*)", printed)
    assert again.split() == words
    code, repeated = command(capsys, *again.split())
    assert code == 1
    assert steps(repeated) == steps(printed)


@pytest.mark.parametrize("name", BY_HOOKS)
def test_the_url_of_a_broken_backend_brings_its_hooks(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    clause = max(flaw_of(name).clauses)
    code, printed = command(capsys, "conformance", f"broken://{name}", "--clause", clause)
    assert code == 1
    assert f"{clause} failed" in printed


def test_broken_backends_are_no_stores_for_users() -> None:
    assert "memory" in schemes()
    assert "broken" not in schemes()


def test_the_table_has_a_row_for_each() -> None:
    rows = table().partition("\n\n")[0].splitlines()[2:]
    assert [row.split("`")[1] for row in rows] == [flaw.name for flaw in FLAWS]


def test_what_is_said_of_others_can_be_read_there() -> None:
    mentioned = {name for flaw in FLAWS for name in re.findall(r"\[(.*?)\]", flaw.seen)}
    assert mentioned == SOURCES.keys()


def test_each_flaw_is_another() -> None:
    assert len({flaw.name for flaw in FLAWS}) == len(FLAWS) >= 24
    assert len({flaw.sentence for flaw in FLAWS}) == len(FLAWS)


def test_each_flaw_names_clauses_that_there_are() -> None:
    for flaw in FLAWS:
        assert flaw.clauses, flaw.name
        assert flaw.clauses <= ALL, flaw.name


def test_unknown_name_lists_what_there_is() -> None:
    with pytest.raises(ConfigurationError, match=r"racy-check-then-act.*lost-on-close"):
        BrokenBackend.from_url("broken://nothing")


def test_layer_without_a_database_says_how_to_write_it() -> None:
    with pytest.raises(ConfigurationError, match=r"127.0.0.1:6379/never-reconnects\?over=redis"):
        BrokenBackend.from_url("broken://never-reconnects")


def test_what_is_no_layer_takes_no_database() -> None:
    with pytest.raises(ConfigurationError, match="write broken://racy-create"):
        BrokenBackend.from_url("broken://127.0.0.1:1/racy-create?over=redis")

"""What strong means, read off what a server says of itself."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace

from etagere.backend import Reach
from etagere.errors import ConfigurationError
from etagere_postgres.cluster import _check
from etagere_postgres.replication import (
    LOCAL,
    LOCAL_BY_TRANSACTION,
    REPLICATED,
    Facts,
    Quorum,
    quorum_of,
    strength_of,
)
from etagere_postgres.settings import Host


def facts(synchronous: str = "", attached: int = 0, commit: str = "local") -> Facts:
    return Facts(
        in_recovery=False,
        version=180_000,
        encoding="UTF8",
        synchronous=synchronous,
        attached=attached,
        commit=commit,
    )


@pytest.mark.parametrize(
    ("names", "quorum"),
    [
        ("s1", Quorum(1, 1)),
        ("s1, s2", Quorum(1, 2)),
        ("2 (s1, s2, s3)", Quorum(2, 3)),
        ("ANY 2 (s1, s2, s3)", Quorum(2, 3)),
        ("any 1 ( s1,s2 )", Quorum(1, 2)),
        ("FIRST 1 (s1, s2)", Quorum(1, 2)),
        ('ANY 1 ("a, (b)", "c""d")', Quorum(1, 2)),
        ("*", Quorum(1, 4)),
        ("ANY 2 (*)", Quorum(2, 4)),
        ("ANY 5 (*)", Quorum(5, 5)),
    ],
)
def test_quorums(names: str, quorum: Quorum):
    assert quorum_of(names, attached=4) == quorum


def test_a_server_alone_is_strong_while_it_lives():
    strength = strength_of(facts(), None)
    assert (strength.reach, strength.strong) == (Reach.PRIMARY, LOCAL)


@pytest.mark.parametrize("names", ["ANY 1 (a, b)", "FIRST 1 (a)", "a", "ANY 2 (a, b, c, d)"])
def test_a_majority_is_strong_across_failover(names: str):
    strength = strength_of(facts(names, attached=4), None)
    assert (strength.reach, strength.strong) == (Reach.FAILOVER, REPLICATED)
    assert strength.eventual == LOCAL


@pytest.mark.parametrize(
    ("given", "acks", "says"),
    [
        (facts(attached=2), None, "acks=0"),
        (facts(attached=0), 1, "synchronous_standby_names"),
        (facts("ANY 1 (a, b, c)", 3), None, "1 of 3 standbys, and 2 are needed"),
        (facts("ANY 1 (a, b)", 2), 2, "acks=1"),
    ],
)
def test_too_few_acknowledgements_are_refused(given: Facts, acks: int | None, says: str):
    strength = strength_of(given, acks)
    assert strength.reach is Reach.NONE
    assert says in strength.why_not_strong


def test_the_url_can_ask_for_less_than_a_majority():
    assert strength_of(facts("ANY 1 (a, b, c)", 3), 1).reach is Reach.FAILOVER
    assert strength_of(facts("ANY 1 (a, b)", 2), 0).strong == LOCAL


@pytest.mark.parametrize("given", [facts(commit="off"), facts("ANY 1 (a, b)", 2, commit="on")])
def test_where_sessions_commit_otherwise_every_transaction_says_how(given: Facts):
    assert strength_of(given, 0).eventual == LOCAL_BY_TRANSACTION


@pytest.mark.parametrize(
    ("field", "says"), [({"version": 130_012}, "14 or newer"), ({"encoding": "LATIN1"}, "UTF8")]
)
def test_a_server_that_cannot_hold_a_store_is_refused(field: dict[str, Any], says: str):
    with pytest.raises(ConfigurationError, match=says):
        _check(Host("db"), replace(facts(), **field))


def test_a_session_that_waits_for_nobody_need_not_be_told():
    assert strength_of(facts(commit="on"), None).eventual == LOCAL

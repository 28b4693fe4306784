"""Clauses: what they are called, when they apply, and that none is lost."""

from __future__ import annotations

import re
from typing import Any

import anyio
import pytest

from etagere import Capabilities, Clock, Reach, TransactionScope
from etagere.conformance import BackendConformance, Hooks, Level, clause, needs
from etagere.conformance.clauses import REGISTRY, Clause, clause_of
from etagere.conformance.hidden import hidden_clauses

LEAST = Capabilities(durable=False, conditional=False)
MOST = Capabilities(
    reach=Reach.ALWAYS,
    transactions=TransactionScope.FULL,
    clock=Clock.SERVER,
    listing=True,
    max_value_bytes=1000,
)


def clauses_of(suite: type) -> dict[str, Clause]:
    found = {name: clause_of(getattr(suite, name)) for name in dir(suite)}
    return {name: clause for name, clause in found.items() if clause}


@pytest.fixture
def registry() -> Any:
    """What a test registers is forgotten after it."""
    before = dict(REGISTRY)
    yield REGISTRY
    REGISTRY.clear()
    REGISTRY.update(before)


class TestTheSuite:
    def test_every_clause_has_one_test_in_it(self) -> None:
        ids = [clause.id for clause in clauses_of(BackendConformance).values()]
        assert len(ids) == len(set(ids))
        assert set(ids) == set(REGISTRY)

    def test_every_test_in_it_is_of_a_clause(self) -> None:
        tests = {name for name in dir(BackendConformance) if name.startswith("test")}
        assert tests == set(clauses_of(BackendConformance))

    def test_every_level_has_clauses(self) -> None:
        assert {clause.level for clause in REGISTRY.values()} == set(Level)

    def test_sentences_are_sentences(self) -> None:
        for each in REGISTRY.values():
            assert re.fullmatch(r"[A-Z`\"'].{15,}\.", each.sentence), each
        sentences = [each.sentence for each in REGISTRY.values()]
        assert len(set(sentences)) == len(sentences)

    def test_what_is_not_claimed_is_refused(self) -> None:
        """A store that claims nothing is asked to refuse every level that one can claim."""
        asked = [each for each in REGISTRY.values() if not each.why_not(LEAST, None)]
        assert {each.level for each in asked if each.refuses} == {
            Level.CONDITIONAL,
            Level.EXPIRING,
            Level.TRANSACTIONAL,
            Level.LISTING,
            Level.STRONG,
        }

    def test_no_level_is_passed_that_is_not_claimed(self) -> None:
        asked = [each for each in REGISTRY.values() if not each.why_not(LEAST, None)]
        assert {each.level for each in asked if not each.refuses} == {
            Level.CORE,
            Level.CONDITIONAL,
            Level.BULK,
        }

    def test_each_clause_applies_somewhere(self) -> None:
        everything = [
            LEAST,
            MOST,
            Capabilities(transactions=TransactionScope.SAME_SLOT, clock=Clock.CLIENT),
            Capabilities(clock=Clock.CLIENT, touching=False),
        ]

        class All(Hooks):
            def offers(self, name: str) -> bool:
                return True

        for each in REGISTRY.values():
            assert any(not each.why_not(offered, All()) for offered in everything), each.id


class TestHidden:
    def test_nothing_is_hidden_in_the_suite(self) -> None:
        assert list(hidden_clauses(BackendConformance)) == []

    def test_an_override_is_noticed(self) -> None:
        class Mine(BackendConformance):
            async def test_a_b_a(self, lab: Any) -> None:
                """Not for me."""

        assert [(clause.id, owner) for clause, owner in hidden_clauses(Mine)] == [
            ("ETG-CAS-041", "Mine")
        ]


class TestClause:
    def test_reasons(self) -> None:
        made = Clause(
            id="ETG-X-001",
            level=Level.CORE,
            sentence="It is.",
            needs=(needs.LISTING, ~needs.STRONG),
            hooks=("restart", "pause_replica"),
        )
        assert made.why_not(LEAST, None) == "the store does not claim listing"
        assert made.why_not(MOST, None) == "the store claims strong consistency"
        listing = Capabilities(listing=True)
        assert made.why_not(listing, None) == "it needs the hook restart and pause_replica"

        class Mine(Hooks):
            async def restart(self) -> None:
                """Here it is."""

        assert made.why_not(listing, Mine()) == "it needs the hook pause_replica"

    @pytest.mark.parametrize(
        ("name", "options", "message"),
        [
            ("CAS-1", {}, "is not the id of a clause"),
            ("ETG-CAS-001", {}, "two clauses are called ETG-CAS-001"),
            ("ETG-X-002", {"hooks": "reboot"}, "hooks that do not exist: reboot"),
        ],
    )
    def test_mistakes(
        self, registry: Any, name: str, options: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(ValueError, match=message):
            clause(name, Level.CORE, "It is another one.", **options)

    @pytest.mark.anyio
    async def test_has_a_time_limit(self, registry: Any) -> None:
        @clause("ETG-X-003", Level.CORE, "It ends.", seconds=0.01)
        async def endless() -> None:
            await anyio.sleep_forever()

        with pytest.raises(AssertionError, match=r"it did not end within 0\.01 s"):
            await endless()


def test_every_hook_can_be_offered() -> None:
    for name in Hooks.NAMES:
        assert not Hooks().offers(name)
        mine = type("Mine", (Hooks,), {name: lambda self: None})
        assert mine().offers(name)
    methods = {name for name in vars(Hooks) if not name.startswith("_") and name.islower()}
    assert methods == {*Hooks.NAMES, "offers"}

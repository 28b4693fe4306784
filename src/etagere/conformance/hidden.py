"""Clauses that a class inherits and hides: none may be lost without anybody's noticing."""

from __future__ import annotations

from collections.abc import Iterator

from etagere.conformance.clauses import Clause, clause_of


def hidden_clauses(suite: type) -> Iterator[tuple[Clause, str]]:
    """Yield each inherited clause that is not tested any more, and the class that hides it."""
    for base in suite.__mro__:
        for name, test in vars(base).items():
            clause = clause_of(test)
            if clause is not None and clause_of(getattr(suite, name)) != clause:
                yield clause, owner_of(suite, name)


def owner_of(suite: type, name: str) -> str:
    """Return the class in which a class finds an attribute."""
    return next(base.__name__ for base in suite.__mro__ if name in vars(base))

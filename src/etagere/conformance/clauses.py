"""Clauses: the sentences of the contract, each with the test that holds a store to it."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import wraps
from typing import Any, Final, TypeVar, cast

import anyio
from msgspec import Struct

from etagere.backend import Capabilities
from etagere.conformance.hooks import Hooks
from etagere.conformance.needs import Need

Test = TypeVar("Test", bound=Callable[..., Any])

SPEC_VERSION: Final = "1.0"
"""The version of the clauses. A minor one adds clauses; a removed or stricter one makes a major."""

SECONDS: Final = 60.0
MARK: Final = "__clause__"
ID: Final = re.compile(r"ETG-[A-Z]+-[0-9]{3}")


class Level(StrEnum):
    """What a store may conform to, in the order in which one usually builds it."""

    CORE = "core"
    """Values and keys: bytes in, the same bytes out."""
    CONDITIONAL = "conditional"
    """ETags and preconditions, for one writer and for many."""
    EXPIRING = "expiring"
    """Records that expire."""
    BULK = "bulk"
    """Many keys in one call, with a result for each."""
    TRANSACTIONAL = "transactional"
    """All or nothing."""
    LISTING = "listing"
    """Keys by prefix, in order."""
    STRONG = "strong"
    """Reads that see every strong write, and writes that last."""
    REPLICATED = "replicated"
    """Replicas that lag, stop and come back."""


class Clause(Struct, frozen=True, kw_only=True):
    """One sentence of the contract, and what a store must claim for it to apply."""

    id: str
    """Stable: it never stands for another sentence."""
    level: Level
    sentence: str
    """What the contract says, in its words."""
    needs: tuple[Need, ...] = ()
    hooks: tuple[str, ...] = ()
    """Names of methods of `Hooks` that its test calls."""
    proxied: bool = False
    """Whether its test puts a proxy in front of the server."""
    probed: bool = False
    """Whether its test looks through a probe."""
    crashing: bool = False
    """Whether its test has another process open the store, and kills it."""
    seconds: float = SECONDS
    """The time within which its test must end."""
    soaks: bool = False
    """Whether its test asks `lab.rounds` how long to go on."""

    @property
    def refuses(self) -> bool:
        """Whether it says what a store must do that does *not* claim something."""
        return not all(need.wanted for need in self.needs)

    def why_not(self, capabilities: Capabilities, hooks: Hooks | None) -> str:
        """Return why this clause says nothing about a store; empty if it does."""
        for need in self.needs:
            if reason := need.why_not(capabilities):
                return reason
        missing = [name for name in self.hooks if hooks is None or not hooks.offers(name)]
        return f"it needs the hook {' and '.join(missing)}" if missing else ""


REGISTRY: Final[dict[str, Clause]] = {}
"""Every clause that is loaded, by its id."""


def clause(
    name: str,
    level: Level,
    sentence: str,
    *,
    needs: Need | Iterable[Need] = (),
    hooks: str | Iterable[str] = (),
    proxied: bool = False,
    probed: bool = False,
    crashing: bool = False,
    seconds: float = SECONDS,
    soaks: bool = False,
) -> Callable[[Test], Test]:
    """Make an async method of a suite class the test of a clause.

    It is called with `lab`, and with `path` or parameters of its own where it names them.
    """
    made = Clause(
        id=name,
        level=level,
        sentence=sentence,
        needs=(needs,) if isinstance(needs, Need) else tuple(needs),
        hooks=(hooks,) if isinstance(hooks, str) else tuple(hooks),
        proxied=proxied,
        probed=probed,
        crashing=crashing,
        seconds=seconds,
        soaks=soaks,
    )
    _register(made)

    def decorate(test: Test) -> Test:
        ended = _within(seconds, test) if inspect.iscoroutinefunction(test) else test
        setattr(ended, MARK, made)
        return cast("Test", ended)

    return decorate


def clause_of(test: object) -> Clause | None:
    """Return the clause that a function tests, if it does."""
    return getattr(test, MARK, None)


def _register(made: Clause) -> None:
    if not ID.fullmatch(made.id):
        raise ValueError(f"{made.id!r} is not the id of a clause, such as ETG-CAS-003")
    if made.id in REGISTRY and made != REGISTRY[made.id]:
        raise ValueError(f"two clauses are called {made.id}")
    if unknown := [name for name in made.hooks if name not in Hooks.NAMES]:
        raise ValueError(f"{made.id} needs hooks that do not exist: {', '.join(unknown)}")
    REGISTRY[made.id] = made


def _within(seconds: float, test: Any) -> Any:
    @wraps(test)
    async def ended(*args: Any, **kwargs: Any) -> None:
        with anyio.move_on_after(seconds) as scope:
            await test(*args, **kwargs)
        assert not scope.cancelled_caught, f"it did not end within {seconds:g} s"

    return ended

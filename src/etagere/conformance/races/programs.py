"""Programs: what several clients do, step by step, each at its own pace.

A program is plain data, so that Hypothesis can make one, shrink it and print it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from enum import StrEnum
from typing import Final, TypeAlias

from hypothesis import strategies as st
from msgspec import Struct

from etagere.backend import Capabilities, Feature, TransactionScope

KEYS: Final[Sequence[str]] = ("a", "b")


class Do(StrEnum):
    """What one step does to one key."""

    GET = "get"
    SET = "set"
    CREATE = "create"
    """Set, if the key is absent."""
    SWAP = "swap"
    """Set, if nobody wrote since this client last saw the key."""
    DELETE = "delete"
    DELETE_SEEN = "delete seen"
    """Delete, if nobody wrote since this client last saw the key."""
    EXPIRE = "expire"
    """Set, with the shortest time to live."""
    KEEP = "keep"
    """Set, with the time to live that the key has."""
    TOUCH = "touch"
    """Change when the key expires."""


BLIND: Final = (Do.SET, Do.DELETE)
CONDITIONAL: Final = (Do.CREATE, Do.SWAP, Do.DELETE_SEEN)
EXPIRING: Final = (Do.EXPIRE, Do.KEEP)


class Step(Struct, frozen=True):
    """One call of one client."""

    do: Do
    key: str


Together: TypeAlias = tuple[Step, ...]
"""A transaction."""
Client: TypeAlias = tuple[Step | Together, ...]
Program: TypeAlias = tuple[Client, ...]


def programs(
    capabilities: Capabilities, clients: int = 4, steps: int = 5
) -> st.SearchStrategy[Program]:
    """Return a strategy for programs of what a store claims."""
    keys = st.sampled_from(KEYS)
    step: st.SearchStrategy[Step | Together] = st.builds(
        Step, st.sampled_from(offered(capabilities)), keys
    )
    if has_transactions(capabilities):
        write = st.builds(Step, st.sampled_from(writes(capabilities)), keys)
        step = step | st.lists(write, min_size=1, max_size=3).map(tuple)
    client = st.lists(step, min_size=1, max_size=steps).map(tuple)
    return st.lists(client, min_size=2, max_size=clients).map(tuple)


def random_program(
    capabilities: Capabilities, choice: random.Random, clients: int = 5, steps: int = 12
) -> Program:
    """Return a program of what a store claims, larger than those that are to be shrunk."""
    return tuple(
        tuple(_random_step(capabilities, choice) for _ in range(steps)) for _ in range(clients)
    )


def offered(capabilities: Capabilities) -> tuple[Do, ...]:
    """Return what single calls on a store can do."""
    features = capabilities.features()
    expiring = EXPIRING if Feature.TTL in features else ()
    touching = (Do.TOUCH,) if Feature.TOUCH in features else ()
    return (Do.GET, *writes(capabilities), *expiring, *touching)


def writes(capabilities: Capabilities) -> tuple[Do, ...]:
    """Return what may also be done in a transaction."""
    return (*BLIND, *(CONDITIONAL if capabilities.conditional else ()))


def has_transactions(capabilities: Capabilities) -> bool:
    """Tell whether a program may have transactions."""
    return capabilities.transactions is not TransactionScope.NONE


def _random_step(capabilities: Capabilities, choice: random.Random) -> Step | Together:
    if has_transactions(capabilities) and choice.random() < 0.1:
        return tuple(
            Step(choice.choice(writes(capabilities)), choice.choice(KEYS))
            for _ in range(choice.randint(1, 3))
        )
    return Step(choice.choice(offered(capabilities)), choice.choice(KEYS))

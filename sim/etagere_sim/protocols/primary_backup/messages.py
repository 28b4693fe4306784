"""What clients, the primary and its backups say to one another."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from msgspec import Struct

from etagere.operations import Mutation, Outcome, Record
from etagere_sim.world.messages import Message

Term: TypeAlias = tuple[int, str]
"""A number and the name of who is primary in it: no two primaries have a term in common, and to
vote is to enter a term."""
NEVER: Term = (0, "")
Offset: TypeAlias = tuple[Term, int]
"""How far a log goes: the term of its last entry, and how many there are."""


class Entry(Struct, frozen=True, gc=False):
    """One place in the log: what an operation changed, and what its caller is told.

    The records are what came of the operation, so that a backup needs neither a clock nor the
    contract. An operation that changed nothing has its place too: what it saw must be kept.
    """

    term: Term
    call: str
    """What the operation is known by, however often it is sent; "": it is of the primary itself."""
    changes: tuple[tuple[str, Record | None], ...]
    outcome: Outcome
    waits: bool
    """Whether its caller asked for backups to have it first."""


class Append(Message, frozen=True, gc=False):
    """Go on with the log behind an entry that should be there. Nothing to add: a sign of life."""

    is_write: ClassVar[bool] = True
    term: Term
    behind: int
    """The number of that entry, from 1; 0: the log begins here."""
    behind_term: Term
    entries: tuple[Entry, ...]
    commit: int
    """Up to where enough backups have the log."""
    round: int


class Appended(Message, frozen=True, gc=False):
    """Tell the primary how far the log now is its own; or, if not `fits`, where to go on from."""

    is_write: ClassVar[bool] = True
    term: Term
    fits: bool
    upto: int
    round: int


class Deposed(Message, frozen=True, gc=False):
    """Tell a primary that its term is over."""

    term: Term
    """The one that came after it."""


class Canvass(Message, frozen=True, gc=False):
    """Ask for a vote."""

    term: Term
    offset: Offset


class Vote(Message, frozen=True, gc=False):
    """Give it or refuse it."""

    granted: bool
    term: Term
    """The voter's own."""


class Change(Message, frozen=True, gc=False):
    """Ask the primary for something that may change records."""

    is_write: ClassVar[bool] = True
    call: str
    """What it is known by: the same however often the coordinator sends it."""
    operation: Mutation
    strong: bool


class Fetch(Message, frozen=True, gc=False):
    """Ask for a record."""

    call: str
    key: str
    strong: bool
    anywhere: bool
    """Whether a backup may answer."""


class Scan(Message, frozen=True, gc=False):
    """Ask for the keys that start with a prefix and sort after another."""

    call: str
    prefix: str
    after: str
    limit: int | None
    strong: bool
    anywhere: bool


Question: TypeAlias = Fetch | Scan
Request: TypeAlias = Change | Question


class Answer(Message, frozen=True, gc=False):
    """Tell a client what came of a call."""

    call: str
    outcome: Outcome | tuple[str, ...]


class Elsewhere(Message, frozen=True, gc=False):
    """Tell a client that this is not the primary, and who is; "": nobody knows."""

    call: str
    primary: str

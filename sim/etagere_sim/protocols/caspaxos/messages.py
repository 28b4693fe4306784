"""What proposers and acceptors say to one another."""

from __future__ import annotations

from typing import ClassVar, TypeAlias

from msgspec import Struct

from etagere.operations import Record
from etagere_sim.world.messages import Message

Ballot: TypeAlias = tuple[int, str]
"""A number and the proposer's name, so that no two proposers have one ballot in common."""

ZERO: Ballot = (0, "")
REMEMBERED = 16
"""Of how many proposers a cell remembers the last change."""


class Configuration(Struct, frozen=True):
    """Who has to be asked, and how many of them make a quorum."""

    era: int
    """Counts configurations: an acceptor refuses who goes by an older one than it knows."""
    preparers: tuple[str, ...]
    prepare_quorum: int
    accepters: tuple[str, ...]
    accept_quorum: int


class Cell(Struct, frozen=True, gc=False):
    """What an acceptor accepted for a key."""

    ballot: Ballot
    record: Record | None
    """None: absent. A deleted key has a cell too (a tombstone), until it is collected."""
    changes: tuple[Ballot, ...]
    """The ballot of each proposer's last change, oldest first. A proposer that never heard what
    became of its own finds it here even when others came after it."""
    forgotten: Ballot = ZERO
    """Changes under ballots up to this one may have been in place and are no longer in the list."""

    def changed(self, ballot: Ballot, record: Record | None) -> Cell:
        """Return the cell after a change."""
        proposer = ballot[1]
        changes = (*[change for change in self.changes if change[1] != proposer], ballot)
        forgotten = self.forgotten
        if len(changes) > REMEMBERED:
            forgotten, changes = max(forgotten, changes[0]), changes[1:]
        return Cell(ballot, record, changes, forgotten)

    def confirmed(self, ballot: Ballot) -> Cell:
        """Return the same under a higher ballot: the identity as a change."""
        return Cell(ballot, self.record, self.changes, self.forgotten)


EMPTY = Cell(ZERO, None, ())


# --- the two rounds -----------------------------------------------------------------------------


class Prepare(Message, frozen=True, gc=False):
    """Ask for a promise to accept nothing under a lower ballot."""

    key: str
    ballot: Ballot
    configuration: Configuration


class Promise(Message, frozen=True, gc=False):
    """Give the promise, and tell what was accepted last."""

    cell: Cell


class Accept(Message, frozen=True, gc=False):
    """Ask to accept a cell, and for a promise for the next ballot along with it."""

    is_write: ClassVar[bool] = True
    key: str
    cell: Cell
    next_ballot: Ballot
    configuration: Configuration
    or_promise: bool = False
    """Whether to promise the next ballot even if the cell is refused."""


class Accepted(Message, frozen=True, gc=False):
    """The cell is accepted."""

    is_write: ClassVar[bool] = True
    ballot: Ballot


class Refused(Message, frozen=True, gc=False):
    """Another proposer has a promise for this ballot."""

    promised: Ballot


class Outdated(Message, frozen=True, gc=False):
    """There is a newer configuration."""

    configuration: Configuration


class Look(Message, frozen=True, gc=False):
    """Ask what an acceptor accepted last, without asking for a promise."""

    key: str
    configuration: Configuration


class Seen(Message, frozen=True, gc=False):
    """Tell it; None: that is lost."""

    cell: Cell | None


# --- eventual reads -----------------------------------------------------------------------------


class Learn(Message, frozen=True, gc=False):
    """Tell that a cell is chosen: enough accepted it, and nothing undoes it."""

    is_write: ClassVar[bool] = True
    key: str
    cell: Cell


class Fetch(Message, frozen=True, gc=False):
    """Ask one replica for what it learned."""

    key: str


class Fetched(Message, frozen=True, gc=False):
    """Tell it."""

    record: Record | None


# --- housekeeping -------------------------------------------------------------------------------


class Peek(Message, frozen=True, gc=False):
    """Ask what an acceptor has, without asking for a promise."""

    key: str
    configuration: Configuration


class Peeked(Message, frozen=True, gc=False):
    """Tell under which ballots it accepted and learned last; None: that is lost."""

    accepted: Ballot | None
    learned: Ballot


class Forget(Message, frozen=True, gc=False):
    """Ask to remove a tombstone that all acceptors have."""

    is_write: ClassVar[bool] = True
    key: str
    ballot: Ballot
    configuration: Configuration


class Install(Message, frozen=True, gc=False):
    """Ask to go by a configuration, and to refuse who goes by an older one."""

    is_write: ClassVar[bool] = True
    configuration: Configuration


class Installed(Message, frozen=True, gc=False):
    """Done."""

    is_write: ClassVar[bool] = True
    era: int


class ListKeys(Message, frozen=True, gc=False):
    """Ask for the names of all keys."""


class Keys(Message, frozen=True, gc=False):
    """Tell them."""

    keys: tuple[str, ...]

"""What clients say to the one server."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct

from etagere.operations import Mutation, Outcome
from etagere_sim.world.messages import Message


class Get(Message, frozen=True, gc=False):
    """Ask for the record under a key."""

    key: str


class Scan(Message, frozen=True, gc=False):
    """Ask for the keys that start with a prefix and sort after another."""

    prefix: str
    after: str
    limit: int | None


class Change(Message, frozen=True, gc=False):
    """Ask for a change. Sent again, it is the same request, and takes effect once."""

    is_write: ClassVar[bool] = True
    client: str
    number: int
    oldest: int
    """The lowest number of a request that this client still waits for: the server may forget the
    outcomes of all before."""
    mutation: Mutation


class Found(Message, frozen=True, gc=False):
    """What is there."""

    outcome: Outcome


class Listed(Message, frozen=True, gc=False):
    """The keys that are there."""

    keys: tuple[str, ...]


class Done(Message, frozen=True, gc=False):
    """What became of a change."""

    is_write: ClassVar[bool] = True
    outcome: Outcome


class Ledger(Struct, frozen=True, gc=False):
    """What the server remembers of one client's requests."""

    oldest: int = 0
    answers: tuple[tuple[int, Done], ...] = ()
    """By number."""

    def answer_to(self, number: int) -> Done | None:
        """Return what a request was answered; None, if it was not, or that is forgotten."""
        return next((answer for known, answer in self.answers if known == number), None)

    def with_answer(self, request: Change, answer: Done) -> Ledger:
        """Return the ledger with one more answer, and without those that nobody waits for."""
        oldest = max(self.oldest, request.oldest)
        kept = tuple(entry for entry in self.answers if entry[0] >= oldest)
        return Ledger(oldest, (*kept, (request.number, answer)))

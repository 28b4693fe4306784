"""What happened in a world, for who looks at it afterwards.

A trace is written only where one is asked for: `World(seed, latency, trace=Trace())`. Its events
are values. Two runs are the same if the digests of their traces are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from enum import StrEnum
from hashlib import blake2b
from typing import Any

import msgspec
from msgspec import Struct


class What(StrEnum):
    """What can happen."""

    SENT = "sent"
    ARRIVED = "arrived"
    """A message that came twice arrives twice."""
    UNHEARD = "unheard"
    """It came to a host with no process on it."""
    LOST = "lost"
    CUT = "cut"
    DIED = "died"
    STARTED = "started"
    PAUSED = "paused"
    WENT_ON = "went on"
    ASKED = "asked"
    """A question was put to several hosts; said is how many answers are enough, 0: a rule tells."""
    SETTLED = "settled"
    """Its asker waits no longer; said is a `Settled`."""
    BEGAN = "began"
    """A task, or a call of a client."""
    ENDED = "ended"
    FAULT = "fault"
    MARKED = "marked"
    CALM = "calm"


class End(StrEnum):
    """Why an asker waits no longer."""

    ENOUGH = "enough answers"
    ALL = "all have answered"
    """And yet there are not enough."""
    TIME = "time was over"


class Settled(Struct, frozen=True):
    """How an asker came to wait no longer."""

    why: End
    answered: tuple[str, ...]
    """Who had answered by then, in the order in which it was heard."""


class Event(Struct, frozen=True):
    """One thing that happened."""

    number: int
    """From 1, in the order in which things happened: times may be equal."""
    at: float
    """Milliseconds."""
    what: What
    host: str = ""
    """Where: of a message, on its way or not, who sent it. Of the world as a whole: none."""
    target: str = ""
    """Whom a message is for."""
    message: int = 0
    """Of a message: the number of its `SENT`. Of what ended: the number of its `BEGAN`."""
    question: int = 0
    """Of a message: which question of its host it puts, or answers (negative); 0: neither."""
    said: Any = None
    """The message, the fault, the operation or the outcome: an immutable value, or a text."""
    cause: int = 0
    """In the course of what it happened: the number of the `BEGAN` of a task or the `ARRIVED` of a
    message that was at work then; 0: of neither."""

    @property
    def kind(self) -> str:
        """The name of the type of what was said."""
        return type(self.said).__name__

    @property
    def text(self) -> str:
        """What was said, for people."""
        return self.said if isinstance(self.said, str) else repr(self.said)


class Passage(Struct, frozen=True):
    """One message on its way: an arrow of a picture."""

    number: int
    source: str
    target: str
    said: Any
    question: int
    sent: float
    """Milliseconds."""
    arrived: float | None
    """None: it never did, or not before the trace ends."""
    fate: What
    """`SENT`: it was still on its way."""


class Trace:
    """The events of one run, in their order."""

    def __init__(self) -> None:
        self.events: list[Event] = []
        self.cause = 0
        """What is at work now, as in `Event`."""

    def add(
        self,
        at: float,
        what: What,
        host: str = "",
        target: str = "",
        *,
        message: int = 0,
        question: int = 0,
        said: Any = None,
    ) -> int:
        """Add an event; return its number."""
        number = len(self.events) + 1
        self.events.append(
            Event(number, at, what, host, target, message, question, said, self.cause)
        )
        return number

    def during(self, cause: int, do: Callable[[Any], object], what: Any) -> None:
        """Do something, and let what happens in its course know of its cause."""
        outer, self.cause = self.cause, cause
        try:
            do(what)
        finally:
            self.cause = outer

    def passages(self) -> Iterator[Passage]:
        """Yield each way of each message, in the order of their ends; of a copy, one more."""
        on_their_way: dict[int, Event] = {}
        arrived: set[int] = set()
        for event in self.events:
            if event.what is What.SENT:
                on_their_way[event.number] = event
            elif event.message in on_their_way and event.what in ENDS:
                arrived.add(event.message)
                yield _passage(on_their_way[event.message], event)
        for number, event in on_their_way.items():
            if number not in arrived:
                yield _passage(event, event)

    def digest(self) -> str:
        """Return what differs if anything does: of an event, its time, or what was said."""
        events = msgspec.json.encode(self.events, enc_hook=_plain)
        return blake2b(events, digest_size=16).hexdigest()


def _plain(value: object) -> str:
    # Never the text of any object: it may hold the object's address.
    name = type(value).__name__
    return f"{name}: {value}" if isinstance(value, BaseException) else name


ENDS = frozenset({What.ARRIVED, What.UNHEARD, What.LOST, What.CUT})


def _passage(sent: Event, end: Event) -> Passage:
    came = end.what in (What.ARRIVED, What.UNHEARD)
    return Passage(
        sent.number,
        sent.host,
        sent.target,
        sent.said,
        sent.question,
        sent.at,
        end.at if came else None,
        end.what,
    )

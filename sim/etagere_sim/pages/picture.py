"""What a space-time page draws, without saying how. All times are milliseconds.

Things refer to one another by their places in the lists of the `Picture`; -1 refers to nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from msgspec import Struct

NOTHING = -1


class Lane(Struct, frozen=True):
    """A host."""

    name: str
    is_replica: bool


class Operation(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a client asked for, from the moment it did to the moment it was told."""

    lane: int
    start: float
    end: float | None
    """None: it was never told anything."""
    key: str
    asked: str
    """In a few words: "set c1.3"."""
    answered: str
    """The condition and the answer, in a few words."""
    sentence: str
    status: str
    version: str | None
    """The ETag that it wrote or saw."""
    letter: str = ""
    """Of a witness of a finding."""


class Question(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One question that a host put to others, until it waited no longer."""

    lane: int
    at: float
    kind: str
    text: str
    targets: Sequence[int]
    enough: int
    """How many answers are; 0: a rule tells."""
    settled: float | None
    """None: its asker died."""
    why: str
    answered: Sequence[int]
    """Whose answers came before that, in their order."""
    operation: int


class Message(Struct, frozen=True, array_like=True):
    """One message on its way."""

    source: int
    target: int
    sent: float
    arrived: float | None
    fate: str
    """"arrived", "unheard", "lost", "cut" or "sent": still on its way."""
    kind: str
    text: int
    """What it says, among the texts."""
    question: int
    is_answer: bool
    operation: int
    trouble: str
    """What befell it, in words."""
    is_copy: bool
    """Whether it came before."""


class Stretch(Struct, frozen=True, kw_only=True):
    """Something that went wrong for a time, or at one moment."""

    kind: str
    label: str
    at: float
    until: float
    lanes: Sequence[int]
    """Whom it struck; of a cut, the smaller side."""
    ways: Sequence[tuple[int, int]]
    """Between whom nothing or nothing in time gets through, from the first to the second."""


class Life(Struct, frozen=True):
    """A time in which the process of a host was not running."""

    lane: int
    at: float
    until: float
    what: str
    """"down" or "paused"."""


class State(Struct, frozen=True):
    """What a replica holds from a moment on."""

    at: float
    held: Mapping[str, tuple[str, str] | None] | None
    """Value and ETag by key; None: its disk is corrupt."""
    disk: Sequence[tuple[str, int]]
    """All that is on its disk, by name, among the texts."""


class Mark(Struct, frozen=True, array_like=True):
    """A branch of the protocol that was reached."""

    lane: int
    at: float
    text: str


class Finding(Struct, frozen=True):
    """What is wrong, and which operations show it."""

    anomaly: str
    key: str
    message: str
    witnesses: Sequence[int]


class Picture(Struct, frozen=True, kw_only=True):
    """One run."""

    end: float
    calm: float
    """When all chaos was over."""
    lanes: Sequence[Lane]
    keys: Sequence[str]
    versions: Sequence[str]
    """All ETags; those that clients were told are first, in the order of their operations."""
    operations: Sequence[Operation]
    questions: Sequence[Question]
    messages: Sequence[Message]
    stretches: Sequence[Stretch]
    lives: Sequence[Life]
    states: Mapping[int, Sequence[State]]
    """By lane."""
    marks: Sequence[Mark]
    findings: Sequence[Finding]
    texts: Sequence[str]

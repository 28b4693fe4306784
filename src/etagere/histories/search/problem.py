"""One key's steps as a search wants them: small numbers instead of states and steps."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from copy import copy
from itertools import chain, repeat
from typing import Generic, Protocol, TypeAlias, TypeVar, final

from msgspec import Struct
from msgspec.structs import replace

from etagere.histories.history import NEVER, Status
from etagere.histories.models.narrowed import narrowed
from etagere.histories.steps import Model, Step

S = TypeVar("S", bound=Hashable)

REFUSED = -1
"""In place of a state: the step cannot come here."""


class Transitions(Protocol):
    """What each kind of step makes of each state, all of them numbers. The initial state is 0."""

    rows: list[dict[int, int]]
    """By state, then by kind: the state after. What is missing, `find` finds and adds."""

    def find(self, state: int, kind: int) -> int:
        """Return the state after a step of this kind, or `REFUSED`; remember it in `rows`."""
        ...


class Table(Generic[S]):
    """The transitions of a model, each worked out when it is first asked for."""

    def __init__(self, model: Model[S]) -> None:
        self.rows: list[dict[int, int]] = [{}]
        self._model = model
        self._states: list[S] = [model.initial]
        self._numbers: dict[S, int] = {model.initial: 0}
        self._samples: list[Step] = []
        self._kinds: dict[Hashable, int] = {}

    def kind(self, step: Step) -> int:
        """Return the number of a step's kind: what it shares with all that are interchangeable."""
        kind = self._kinds.setdefault(self._model.essence(step), len(self._samples))
        if kind == len(self._samples):
            self._samples.append(step)
        return kind

    def find(self, state: int, kind: int) -> int:
        """Return the state after a step of this kind, or `REFUSED`; remember it in `rows`."""
        after = self._model.step(self._states[state], self._samples[kind])
        number = REFUSED if after is None else self._number(after)
        self.rows[state][kind] = number
        return number

    def _number(self, state: S) -> int:
        number = self._numbers.setdefault(state, len(self._states))
        if number == len(self._states):
            self._states.append(state)
            self.rows.append({})
        return number


@final
class Crashed(Struct, frozen=True):
    """Interchangeable steps whose effect is unknown. Only how many were used matters.

    The counts of all kinds share one integer. Above each count is a guard bit, so that one
    subtraction compares all of them.
    """

    kind: int
    steps: list[Step]
    """By start: of those that are used, the earliest come first."""
    starts: list[int]
    """With `NEVER` behind the last, so that there is no next one."""
    shift: int
    mask: int
    unit: int


Change: TypeAlias = tuple[int, int, Crashed]
"""A move of a crashed step, the state after it, and its kind."""


@final
class Problem:
    """The steps of one key, numbered in the order of their starts."""

    def __init__(self, steps: Iterable[Step], model: Model[S]) -> None:
        relevant = [step for step in steps if step.status is not Status.FAIL]
        model = narrowed(model, relevant)
        table = Table(model)
        required = [step for step in relevant if step.status is not Status.INFO]
        required.sort(key=_start)
        self.transitions: Transitions = table
        self.steps = required
        self.starts = [step.start for step in required]
        self.finishes = [step.finish for step in required]
        self.kinds = [table.kind(step) for step in required]
        self.reads = [model.is_read(step) for step in required]
        unknown = (step for step in relevant if step.status is Status.INFO)
        # A read that nobody saw the answer of explains nothing and changes nothing.
        writes = [step for step in unknown if not model.is_read(step)]
        self.crashed, self.guards = _pack(_by_kind(sorted(writes, key=_start), table))
        self._changes: dict[int, list[Change]] = {}

    def steps_of(self, moves: Iterable[int]) -> list[Step]:
        """Return the steps behind the moves of a search: i is step i, ~i one of crashed kind i."""
        left = [chain(kind.steps, repeat(kind.steps[-1])) for kind in self.crashed]
        return [self.steps[move] if move >= 0 else next(left[~move]) for move in moves]

    def changes(self, state: int) -> list[Change]:
        """Return how crashed steps change a state."""
        if state not in self._changes:
            row, find = self.transitions.rows[state], self.transitions.find
            found = self._changes[state] = []
            for index, crashed in enumerate(self.crashed):
                kind = crashed.kind
                after = row[kind] if kind in row else find(state, kind)
                if after not in (state, REFUSED):
                    found.append((~index, after, crashed))
        return self._changes[state]

    def relaxed(self) -> Problem:
        """Return the problem in which each crashed step may be used any number of times."""
        easier = copy(self)
        easier.crashed = [replace(each, unit=0) for each in self.crashed]
        easier.guards = 0
        # What was worked out so far is about the kinds that are counted.
        easier._changes = {}  # noqa: SLF001
        return easier


def _start(step: Step) -> int:
    return step.start


def _by_kind(steps: Sequence[Step], table: Table[S]) -> dict[int, list[Step]]:
    kinds: dict[int, list[Step]] = {}
    for step in steps:
        kinds.setdefault(table.kind(step), []).append(step)
    return kinds


def _pack(kinds: dict[int, list[Step]]) -> tuple[list[Crashed], int]:
    crashed: list[Crashed] = []
    shift = guards = 0
    for kind, steps in kinds.items():
        width = len(steps).bit_length()
        starts = [*map(_start, steps), NEVER + 1]
        crashed.append(Crashed(kind, steps, starts, shift, (1 << width) - 1, 1 << shift))
        guards |= 1 << (shift + width)
        shift += width + 1
    return crashed, guards

"""A model made smaller for the steps at hand: what none of them can tell apart is one state."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any, Generic, Protocol, TypeVar, runtime_checkable

from etagere.histories.steps import Model, Step

S = TypeVar("S", bound=Hashable)


@runtime_checkable
class Narrowing(Protocol):
    """A model that can be made smaller."""

    def narrowed(self, steps: Iterable[Step]) -> Model[Any]:
        """Return a model that has an order for exactly the same histories of these steps."""
        ...


def narrowed(model: Model[Any], steps: Sequence[Step]) -> Model[Any]:
    """Return the smallest model there is of these steps."""
    return model.narrowed(steps) if isinstance(model, Narrowing) else model


class Narrowed(Generic[S]):
    """A model in which the states that no answer tells of are all the first of them.

    Among thousands of texts that concurrent appends could make, only a few are ever read; without
    this, each of the others would be searched on its own.
    """

    def __init__(self, model: Model[S], is_told: Callable[[S], bool]) -> None:
        self.name = model.name
        self.is_read = model.is_read
        self.essence = model.essence
        self._model = model
        self._is_told = is_told
        self._untold: S | None = None
        self.initial: S = self._narrow(model.initial)

    def step(self, state: S, step: Step) -> S | None:
        """Return the state after a step, None where the answer cannot be."""
        after = self._model.step(state, step)
        return None if after is None else self._narrow(after)

    def _narrow(self, state: S) -> S:
        if self._is_told(state):
            return state
        if self._untold is None:
            self._untold = state
        return self._untold

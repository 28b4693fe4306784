"""Many objects of one model as a single one."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Generic, TypeAlias, TypeVar

from etagere.histories.steps import Model, Step

S = TypeVar("S", bound=Hashable)
States: TypeAlias = tuple[S, ...]


class Product(Generic[S]):
    """An object for each key, for histories that are to be checked without taking keys apart."""

    def __init__(self, model: Model[S], keys: Iterable[str]) -> None:
        self.name = model.name
        self._model = model
        self._places = {key: place for place, key in enumerate(dict.fromkeys(keys))}
        self.initial: States[S] = (model.initial,) * len(self._places)

    def step(self, state: States[S], step: Step) -> States[S] | None:
        """Return the states after a step, None where that of its key does not explain it."""
        place = self._places[step.key]
        after = self._model.step(state[place], step)
        return None if after is None else (*state[:place], after, *state[place + 1 :])

    def is_read(self, step: Step) -> bool:
        """Tell whether a step only observes."""
        return self._model.is_read(step)

    def essence(self, step: Step) -> Hashable:
        """Return the key, and what matters of the step to the object there."""
        return step.key, self._model.essence(step)

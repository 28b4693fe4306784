"""Many objects of one model as a single one."""

from __future__ import annotations

from copy import copy
from collections.abc import Hashable, Iterable, Sequence
from typing import Generic, TypeAlias, TypeVar

from etagere.histories.models.narrowed import narrowed
from etagere.histories.steps import Model, Step

S = TypeVar("S", bound=Hashable)
States: TypeAlias = tuple[S, ...]


class Product(Generic[S]):
    """An object for each key, for histories that are to be checked without taking keys apart."""

    def __init__(self, model: Model[S], keys: Iterable[str]) -> None:
        self.name = model.name
        self._places = {key: place for place, key in enumerate(dict.fromkeys(keys))}
        self._use([model] * len(self._places))

    def _use(self, models: list[Model[S]]) -> None:
        self._models = models
        self.initial: States[S] = tuple(model.initial for model in models)

    def step(self, state: States[S], step: Step) -> States[S] | None:
        """Return the states after a step, None where that of its key does not explain it."""
        place = self._places[step.key]
        after = self._models[place].step(state[place], step)
        return None if after is None else (*state[:place], after, *state[place + 1 :])

    def is_read(self, step: Step) -> bool:
        """Tell whether a step only observes."""
        return self._models[self._places[step.key]].is_read(step)

    def essence(self, step: Step) -> Hashable:
        """Return the key, and what matters of the step to the object there."""
        return step.key, self._models[self._places[step.key]].essence(step)

    def narrowed(self, steps: Sequence[Step]) -> Product[S]:
        """Return the models of the keys, each as small as it can be for its own steps."""
        keys: dict[str, list[Step]] = {key: [] for key in self._places}
        for step in steps:
            keys[step.key].append(step)
        smaller = copy(self)
        smaller._use(list(map(narrowed, self._models, keys.values())))
        return smaller

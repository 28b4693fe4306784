"""Many objects of one model as a single one."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Generic, TypeAlias, TypeVar

from etagere.histories.models.narrowed import narrowed
from etagere.histories.steps import Model, Step

S = TypeVar("S", bound=Hashable)
States: TypeAlias = tuple[S, ...]


class Product(Generic[S]):
    """An object for each key, for histories that are to be checked without taking keys apart.

    It is one of `model`, but for the keys that have one in `own`.
    """

    def __init__(
        self, model: Model[S], keys: Iterable[str], own: Mapping[str, Model[S]] | None = None
    ) -> None:
        self.name = model.name
        self._model = model
        self._models = dict.fromkeys(keys, model) | dict(own or {})
        self._places = {key: place for place, key in enumerate(self._models)}
        self.initial: States[S] = tuple(each.initial for each in self._models.values())

    def step(self, state: States[S], step: Step) -> States[S] | None:
        """Return the states after a step, None where that of its key does not explain it."""
        place = self._places[step.key]
        after = self._models[step.key].step(state[place], step)
        return None if after is None else (*state[:place], after, *state[place + 1 :])

    def is_read(self, step: Step) -> bool:
        """Tell whether a step only observes."""
        return self._models[step.key].is_read(step)

    def essence(self, step: Step) -> Hashable:
        """Return the key, and what matters of the step to the object there."""
        return step.key, self._models[step.key].essence(step)

    def narrowed(self, steps: Sequence[Step]) -> Product[S]:
        """Return the models of the keys, each as small as it can be for its own steps."""
        keys: dict[str, list[Step]] = {key: [] for key in self._models}
        for step in steps:
            keys[step.key].append(step)
        own = {key: narrowed(self._models[key], some) for key, some in keys.items()}
        return Product(self._model, keys, own)

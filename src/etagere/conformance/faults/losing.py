"""A layer that loses answers: what it was asked is done, and the caller does not hear of it."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

from etagere.backend import Backend
from etagere.conformance.lab import Lab
from etagere.errors import Interrupted
from etagere.layers.base import Layer
from etagere.operations import Consistency, Operation, Outcome
from etagere.store import Store


class LostAnswers(Layer):
    """Lets the backend inside do each batch, and loses those answers that it is asked to lose."""

    def __init__(self, inner: Backend) -> None:
        super().__init__(inner)
        self.lost = 0
        """Answers so far that nobody heard."""
        self._is_to_lose: Callable[[], bool] = lambda: False

    def lose_next(self) -> None:
        """Lose the next answer."""
        before = self.lost
        self._is_to_lose = lambda: self.lost == before

    def lose_if(self, decide: Callable[[], bool]) -> None:
        """Lose each answer from now on of which this says so."""
        self._is_to_lose = decide

    async def execute(
        self, operations: Sequence[Operation], consistency: Consistency
    ) -> Sequence[Outcome]:
        """Let the backend inside do a batch; raise `Interrupted` where the answer is lost."""
        outcomes = await super().execute(operations, consistency)
        if self._is_to_lose():
            self.lost += 1
            raise Interrupted("the answer was lost on the way, as the test wants it")
        return outcomes


@asynccontextmanager
async def losing(lab: Lab) -> AsyncGenerator[tuple[Store, LostAnswers]]:
    """Open a store whose backend's answers can be lost."""
    layers: list[LostAnswers] = []

    def wrap(backend: Backend) -> Backend:
        layers.append(LostAnswers(backend))
        return layers[-1]

    async with lab.open(layers=[wrap], name="losing") as store:
        yield store, layers[0]

"""Histories over any sequential model: steps, and what a model is."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, Protocol, TypeVar, final

from msgspec import Struct

from etagere.histories.history import NEVER, Status

S = TypeVar("S", bound=Hashable)


@final
class Step(Struct, frozen=True, gc=False, kw_only=True):
    """One operation of one client on an object of some model, with what it was told."""

    function: str
    """In the model's words: "read", "write", "cas", "append"..."""
    argument: Hashable = None
    result: Hashable = None
    """What was answered; it means something only where `status` is ok (or mismatch)."""
    start: int
    finish: int = NEVER
    """Of an info, it bounds nothing: when the client gave up, if it said so."""
    status: Status = Status.INFO
    client: str = ""
    key: str = ""


class Model(Protocol, Generic[S]):
    """A sequential object: from a state and a step to the next state, or to a refusal."""

    name: str

    @property
    def initial(self) -> S:
        """The state before anything happened."""
        ...

    def step(self, state: S, step: Step) -> S | None:
        """Return the state after `step`; None where `state` does not explain its answer.

        A step whose status is info explains itself in every state: it is given its effect.
        A state is never None.
        """
        ...

    def is_read(self, step: Step) -> bool:
        """Tell whether a step only observes: no state that explains it is changed by it.

        What a state leaves open, an etag that nobody was told, an observation may still settle.
        """
        ...

    def essence(self, step: Step) -> Hashable:
        """Return what of a step matters here; steps with equal essence are interchangeable."""
        ...

"""Objects that hold one plain value: registers and texts."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Hashable, Iterable
from typing import ClassVar, TypeAlias, TypeGuard, cast

from etagere.errors import InvalidArgument
from etagere.histories.history import Status
from etagere.histories.models.narrowed import Narrowed
from etagere.histories.steps import Step

Box: TypeAlias = tuple[Hashable]
"""What a register holds, in a box: a state is never None, and a value may be."""


class Register:
    """A register: "write" puts its argument in, "read" returns what is there."""

    name: str = "register"
    functions: ClassVar[tuple[str, ...]] = ("read", "write")

    def __init__(self, initial: Hashable = None) -> None:
        self.initial: Box = (initial,)

    def step(self, state: Box, step: Step) -> Box | None:
        """Return the value after a step, None where the answer cannot be."""
        if step.function == "read":
            return state if step.status is Status.INFO or state == (step.result,) else None
        return (step.argument,)

    def is_read(self, step: Step) -> bool:
        """Tell whether a step only observes."""
        return step.function == "read"

    def essence(self, step: Step) -> Hashable:
        """Return the step without its times and its client."""
        return _essence(step, self)

    def narrowed(self, steps: Iterable[Step]) -> Narrowed[Box]:
        """Return the model in which all values that these steps do not tell of are one."""
        told = frozenset(map(_told, steps))
        return Narrowed(self, told.__contains__)


class CasRegister(Register):
    """A register with "cas", whose argument is (from, to): it writes `to` where `from` is there.

    A cas that is a mismatch has seen another value than `from`.
    """

    name: str = "cas-register"
    functions: ClassVar[tuple[str, ...]] = (*Register.functions, "cas")

    def step(self, state: Box, step: Step) -> Box | None:
        """Return the value after a step, None where the answer cannot be."""
        if step.function != "cas":
            return super().step(state, step)
        before, after = cast("tuple[Hashable, Hashable]", step.argument)
        if step.status is Status.MISMATCH:
            return None if state == (before,) else state
        if state == (before,):
            return (after,)
        return state if step.status is Status.INFO else None

    def is_read(self, step: Step) -> bool:
        """Tell whether a step only observes."""
        return step.status is Status.MISMATCH or super().is_read(step)


class Append:
    """A text: "put" replaces it, "append" adds to its end, "get" returns it."""

    name: str = "append"
    functions: ClassVar[tuple[str, ...]] = ("get", "put", "append")

    def __init__(self, initial: str = "") -> None:
        self.initial = initial

    def step(self, state: str, step: Step) -> str | None:
        """Return the text after a step, None where the answer cannot be."""
        if step.function == "get":
            return state if step.status is Status.INFO or state == step.result else None
        return str(step.argument) if step.function == "put" else state + str(step.argument)

    def is_read(self, step: Step) -> bool:
        """Tell whether a step only observes."""
        return step.function == "get"

    def essence(self, step: Step) -> Hashable:
        """Return the step without its times and its client."""
        return _essence(step, self)

    def narrowed(self, steps: Iterable[Step]) -> Narrowed[str]:
        """Return the model in which all texts that no get returns the continuation of are one."""
        gets = (step for step in steps if step.function == "get" and step.status is Status.OK)
        results = sorted({str(get.result) for get in gets})

        def is_told(text: str) -> bool:
            place = bisect_left(results, text)
            return place < len(results) and results[place].startswith(text)

        return Narrowed(self, is_told)


def _told(step: Step) -> Box:
    """Return the value that a step asked for, or was answered."""
    argument = step.argument
    return argument[:1] if step.function == "cas" and _is_tuple(argument) else (step.result,)


def _is_tuple(value: object) -> TypeGuard[Box]:
    return isinstance(value, tuple)


def _essence(step: Step, model: Register | Append) -> Hashable:
    if step.function not in model.functions:
        raise InvalidArgument(
            f"the model {model.name!r} has no function {step.function!r},"
            f" only {', '.join(model.functions)}; choose another model"
        )
    # Of an answer that did not come, nothing matters.
    result = None if step.status is Status.INFO else step.result
    return step.function, step.argument, result, step.status

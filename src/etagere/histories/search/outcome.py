"""What the strategies share: what they return, and their memory of where they have been."""

from __future__ import annotations

from collections.abc import Generator, Hashable
from typing import TypeAlias, final

from msgspec import Struct

from etagere.histories.steps import Step

STRIDE = 256
"""After so many configurations a search lets others have a turn."""


@final
class Found(Struct, frozen=True):
    """The end of a search: an order of all steps, or the longest of some."""

    complete: bool
    order: list[Step]
    frontier: list[Step]
    """Where not complete: the steps none of which can come next."""
    possible: bool = True
    """False where the order of some has a crashed step twice, or before it began."""


Search: TypeAlias = Generator[int, None, Found | None]
"""A search that can be resumed. Each time it pauses, it tells how many configurations and states it
holds in memory. It may end without an answer."""


class Visited:
    """The configurations that were entered: which steps are done, and the state after them.

    One that used fewer crashed steps stands for those that used more: whatever comes next for them
    can come next for it.
    """

    def __init__(self, guards: int) -> None:
        self.count = 0
        self._guards = guards
        self._first: dict[Hashable, int] = {}
        self._others: dict[Hashable, list[int]] = {}

    def enter(self, configuration: Hashable, used: int) -> bool:
        """Remember a configuration; tell whether nothing that was entered stands for it."""
        guards = self._guards
        first = self._first.get(configuration)
        if first is None:
            self._first[configuration] = used
        elif ((used | guards) - first) & guards == guards:
            return False
        else:
            others = self._others.setdefault(configuration, [])
            guarded = used | guards
            for other in others:
                if (guarded - other) & guards == guards:
                    return False
            others.append(used)
        self.count += 1
        return True

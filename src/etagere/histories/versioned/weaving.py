"""An order of the versions, and an observation's place in it, built in one pass through time.

Every version begins as late as it can, and every observation is given to the first version that
explains it. Where one cannot wait any longer, and what is there does not suit it, another write is
put before it. That finds an order wherever time leaves little choice; it may miss one, so a failure
proves nothing.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from operator import attrgetter

from etagere.histories.versioned.clusters import Clusters
from etagere.histories.versioned.orders import Order
from etagere.histories.versioned.pace import strides
from etagere.histories.versioned.supply import Supply
from etagere.histories.versioned.versions import Observation, Version
from etagere.histories.versioned.words import NEEDS_ABSENT, NEEDS_ANYTHING, Needs


class Weaver:
    """The pass through time; `run` continues it."""

    def __init__(self, clusters: Clusters) -> None:
        self.order = Order(clusters.beginning, clusters.observations)
        events: list[Version | Observation] = [*clusters.versions[1:], *clusters.observations]
        events.sort(key=attrgetter("deadline"))
        self.events = events
        """What has to be placed, by deadline."""
        self.position = 0
        """The event that is to be placed next."""
        self._supply = Supply(clusters)

    def run(self, ends: float) -> bool:
        """Place everything; stop at `position`, and return False, where something does not fit."""
        events, versions, open_ = self.events, self.order.versions, self.order.open
        for stride in strides(range(self.position, len(events)), ends):
            for self.position in stride:
                event = events[self.position]
                if event.placed:
                    continue
                if type(event) is Observation:
                    if not self._place_observation(event, event.deadline):
                        return False
                elif event.previous is versions[-1] or (
                    event.previous is None and self._make_way(event)
                ):
                    open_(event, event.deadline)
                else:
                    return False
        return True

    def left_after(self, length: int, end: int) -> list[Version | Observation]:
        """Return what is not among the first versions of the order, or is not placed, by `end`.

        What has to be placed later than that is left out.
        """
        versions = self.order.versions
        taken = versions[length:]
        left: list[Version | Observation] = [each for each in taken if not each.is_optional]
        for version in (*taken, versions[length - 1]):
            left += version.guests or ()
        later = bisect_right(self.events, end, lo=self.position, key=attrgetter("deadline"))
        left += [each for each in self.events[self.position : later] if not each.placed]
        return left

    def splice(self, length: int, solution: Sequence[Version | Observation], now: int) -> None:
        """Replace what follows the first versions of the order by what a search has found."""
        self._supply.restock(self.order.replace(length, solution, now))

    # --- moves ------------------------------------------------------------------------------------

    def _leave(self, now: int) -> bool:
        """Go to the end of the chain; tell whether something else can follow it."""
        order = self.order
        while (after := order.current.next) is not None:
            if after.earliest > now:
                return False
            order.open(after, now)
        return order.current.closes <= now

    def _make_way(self, head: Version) -> bool:
        """Prepare for the head of a chain, which must begin now."""
        versions, now = self.order.versions, head.deadline
        current = versions[-1]
        if (current.next is not None or current.closes > now) and not self._leave(now):
            return False
        if head.chain_closes > now and not self._place_trapped(head, now):
            return False
        if head.needs is not NEEDS_ANYTHING:
            return self._provide(head.needs, now)
        if versions[-1].is_absent and not head.is_absent:
            self._place_creation(now)
        return True

    def _place_trapped(self, head: Version, now: int) -> bool:
        """Place what cannot wait until the chain of `head` is over."""
        events, closes = self.events, head.chain_closes
        trapped: list[Version] = []
        for index in range(self.position + 1, len(events)):
            event = events[index]
            if event.deadline >= closes:
                break
            if event.placed:
                continue
            if type(event) is Version:
                if event.previous is None:
                    trapped.append(event)
            elif (
                event.start <= now
                and head.next is None
                and not event.holds_at(head)
                and not self._place_observation(event, now)
            ):
                return False
        return not trapped or self._place_heads(trapped, now)

    def _place_heads(self, heads: list[Version], now: int) -> bool:
        heads = [head for head in heads if not head.placed]
        if any(head.chain_closes > now for head in heads):
            return False
        while heads:
            head = min(heads, key=self._reluctance)
            if not self._provide(head.needs, now):
                return False
            # What was provided may be one of them.
            if not head.placed:
                self._open_all(list(head.chain()), now)
            heads = [each for each in heads if not each.placed]
        return True

    def _reluctance(self, head: Version) -> int:
        if head.needs is NEEDS_ANYTHING:
            return 1
        return 0 if self.order.current.admits(head.needs) else 2

    def _place_creation(self, now: int) -> None:
        """Nothing is there, and something comes that would do without: let a creation use it."""
        for head in self._supply.ready(now):
            if head.needs is NEEDS_ABSENT and head.next is None:
                self.order.open(head, now)
                return

    def _provide(self, needs: Needs, now: int) -> bool:
        current = self.order.current
        if current.admits(needs):
            return True
        return self._open_all(
            self._supply.find(lambda version: version.admits(needs), current, now), now
        )

    def _open_all(self, versions: list[Version], now: int) -> bool:
        for version in versions:
            self.order.open(version, now)
        return bool(versions)

    def _place_observation(self, observation: Observation, now: int) -> bool:
        order = self.order
        order.admit(now)
        after = order.current.next
        while not observation.placed and after is not None and after.earliest <= now:
            order.open(after, now)
            after = after.next
        if not observation.placed and self._leave(now):
            found = self._supply.find(observation.holds_at, order.current, now)
            self._open_all(found, now)
        return observation.placed

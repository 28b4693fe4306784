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

from etagere.histories.history import NEVER, Call
from etagere.histories.versioned.clusters import Clusters
from etagere.histories.versioned.pace import STRIDE, look_at_the_time
from etagere.histories.versioned.supply import Supply, vanished
from etagere.histories.versioned.versions import BEGINNING, Observation, Version, begins
from etagere.histories.versioned.words import EVENTUAL, NEEDS_ABSENT, NEEDS_ANYTHING, TOUCH, Needs


class Weaver:
    """The order so far; `run` continues it."""

    def __init__(self, clusters: Clusters) -> None:
        self.sequence = [clusters.beginning]
        """The versions in their order."""
        events: list[Version | Observation] = [*clusters.versions[1:], *clusters.observations]
        events.sort(key=attrgetter("deadline"))
        self.events = events
        """What has to be placed, by deadline."""
        self.position = 0
        """The first event that was not looked at yet."""
        self._supply = Supply(clusters)
        self._waiting = sorted(
            clusters.observations, key=lambda each: each.call.start, reverse=True
        )
        self._pending: list[Observation] = []
        self._first_absent: Version | None = None
        if clusters.beginning.is_absent:
            self._first_absent = clusters.beginning

    @property
    def current(self) -> Version:
        """The version that is there now."""
        return self.sequence[-1]

    def run(self, ends: float) -> bool:
        """Place everything; stop at `position`, and return False, where something does not fit."""
        sequence, events = self.sequence, self.events
        while self.position < len(events):
            if self.position % STRIDE == STRIDE - 1:
                look_at_the_time(ends)
            event = events[self.position]
            if event.placed:
                pass
            elif type(event) is Observation:
                if not self._place_observation(event, event.deadline):
                    return False
            elif event.previous is sequence[-1] or (
                event.previous is None and (_follows(event, sequence[-1]) or self._make_way(event))
            ):
                self.open(event, event.deadline)
            else:
                return False
            self.position += 1
        return True

    def open(self, version: Version, now: int) -> None:
        """Let a version begin."""
        waiting = self._waiting
        if waiting and waiting[-1].call.start <= now:
            self._admit(now)
        version.placed = True
        self.sequence.append(version)
        if version.is_absent and self._first_absent is None:
            self._first_absent = version
        if self._pending:
            self._pending = [each for each in self._pending if not self.offer(each)]

    def offer(self, observation: Observation) -> bool:
        """Give an observation to what is there now, if that explains it."""
        version = self.current
        if not observation.holds_at(version):
            # An eventual read may be of any time before it ended.
            eventual = observation.call.consistency is EVENTUAL
            if not eventual or not self._first_absent or observation.needs is not NEEDS_ABSENT:
                return False
            version = self._first_absent
        if version.guests is None:
            version.guests = [observation]
        else:
            version.guests.append(observation)
        observation.placed = True
        if observation.call.ttl is not None and observation.call.kind is TOUCH:
            version.mortal = min(version.mortal, observation.start)
        return True

    def _go_back(self, length: int) -> list[Observation]:
        """Take back what follows the first versions; return the observations that were there."""
        taken = self.sequence[length:]
        del self.sequence[length:]
        freed: list[Observation] = []
        for version in (*taken, self.current):
            version.placed = version is self.current
            for observation in version.guests or ():
                observation.placed = False
                freed.append(observation)
            version.guests = None
        if self._first_absent in taken:
            self._first_absent = None
        self._supply.restock(taken)
        return freed

    def left_after(self, length: int, end: int) -> list[Version | Observation]:
        """Return what is not among the first versions of the sequence, or is not placed, by `end`.

        What has to be placed later than that is left out.
        """
        taken = self.sequence[length:]
        left: list[Version | Observation] = [each for each in taken if not each.is_optional]
        for version in (*taken, self.sequence[length - 1]):
            left += version.guests or ()
        later = bisect_right(self.events, end, lo=self.position, key=attrgetter("deadline"))
        left += [each for each in self.events[self.position : later] if not each.placed]
        return left

    def splice(self, length: int, solution: Sequence[Version | Observation], now: int) -> None:
        """Replace what follows the first versions of the sequence by what a search has found."""
        pending = self._pending + self._go_back(length)
        self._pending = []
        for part in solution:
            if isinstance(part, Observation):
                self._vanish_unless(part.holds_at(self.current))
                self.offer(part)
            elif not part.placed:
                self._vanish_unless(self.current.admits(part.needs))
                self.open(part, BEGINNING)
        self._pending = [each for each in pending if not each.placed]
        self._admit(now)

    def order(self) -> list[Call]:
        """Return the calls in their order."""
        order: list[Call] = []
        for version in self.sequence:
            if version.write is not None:
                order.append(version.write)
            if version.guests is not None:
                calls = [guest.call for guest in version.guests]
                calls += version.reads or ()
                order += sorted(calls, key=begins)
            elif version.reads is not None:
                order += sorted(version.reads, key=begins) if version.is_mixed else version.reads
        return order

    def _vanish_unless(self, explained: bool) -> None:
        if not explained and self.current.mortal != NEVER:
            self.open(vanished(BEGINNING), BEGINNING)

    # --- moves ------------------------------------------------------------------------------------

    def _admit(self, now: int) -> None:
        waiting = self._waiting
        while waiting and waiting[-1].call.start <= now:
            observation = waiting.pop()
            if not observation.placed and not self.offer(observation):
                self._pending.append(observation)

    def _leave(self, now: int) -> bool:
        """Go to the end of the chain; tell whether something else can follow it."""
        while (after := self.current.next) is not None:
            if after.earliest > now:
                return False
            self.open(after, now)
        return self.current.closes <= now

    def _make_way(self, head: Version) -> bool:
        """Prepare for the head of a chain, which must begin now."""
        now = head.deadline
        if not self._leave(now):
            return False
        if head.chain_closes > now and not self._place_trapped(head, now):
            return False
        if self.current.is_absent and head.needs is NEEDS_ANYTHING and not head.is_absent:
            self._place_creation(now)
        return self._provide(head.needs, now)

    def _place_trapped(self, head: Version, now: int) -> bool:
        """Place what cannot wait until the chain of `head` is over."""
        trapped: list[Version] = []
        for index in range(self.position + 1, len(self.events)):
            event = self.events[index]
            if event.deadline >= head.chain_closes:
                break
            if event.placed:
                continue
            if isinstance(event, Version):
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
        return 0 if self.current.admits(head.needs) else 2

    def _place_creation(self, now: int) -> None:
        """Nothing is there, and something comes that would do without: let a creation use it."""
        for head in self._supply.ready(now):
            if head.needs is NEEDS_ABSENT and head.next is None:
                self.open(head, now)
                return

    def _provide(self, needs: Needs, now: int) -> bool:
        if self.current.admits(needs):
            return True
        return self._open_all(
            self._supply.find(lambda version: version.admits(needs), self.current, now), now
        )

    def _open_all(self, versions: list[Version], now: int) -> bool:
        for version in versions:
            self.open(version, now)
        return bool(versions)

    def _place_observation(self, observation: Observation, now: int) -> bool:
        self._admit(now)
        after = self.current.next
        while not observation.placed and after is not None and after.earliest <= now:
            self.open(after, now)
            after = after.next
        if not observation.placed and self._leave(now):
            found = self._supply.find(observation.holds_at, self.current, now)
            self._open_all(found, now)
        return observation.placed


def _follows(head: Version, current: Version) -> bool:
    """Tell whether a chain can simply follow, and be over at once: so it is with most."""
    return (
        current.closes <= head.deadline
        and head.chain_closes <= head.deadline
        and current.next is None
        and head.needs is NEEDS_ANYTHING
        and not current.is_absent
    )

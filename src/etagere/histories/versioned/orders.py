"""The order of one key's versions as it grows, and the observations: placed, or waiting."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from operator import attrgetter

from etagere.histories.history import NEVER, Call
from etagere.histories.versioned.versions import BEGINNING, Observation, Version, begins, vanished
from etagere.histories.versioned.words import EVENTUAL, NEEDS_ABSENT, TOUCH


class Order:
    """The order so far. Each observation goes to the first version that explains it."""

    def __init__(self, beginning: Version, observations: Iterable[Observation]) -> None:
        self.versions = [beginning]
        self._first_absent = beginning if beginning.is_absent else None
        self._waiting = sorted(observations, key=attrgetter("call.start"), reverse=True)
        """Those whose calls have not begun yet, the next one last."""
        self._pending: list[Observation] = []
        """Those that nothing has explained yet."""

    @property
    def current(self) -> Version:
        """The version that is there now."""
        return self.versions[-1]

    def open(self, version: Version, now: int) -> None:
        """Let a version begin."""
        waiting = self._waiting
        if waiting and waiting[-1].call.start <= now:
            self.admit(now)
        version.placed = True
        self.versions.append(version)
        if version.is_absent and self._first_absent is None:
            self._first_absent = version
        if self._pending:
            self._pending = [each for each in self._pending if not self.offer(each)]

    def admit(self, now: int) -> None:
        """Offer what is there now to the observations whose calls have begun."""
        waiting = self._waiting
        while waiting and waiting[-1].call.start <= now:
            observation = waiting.pop()
            if not observation.placed and not self.offer(observation):
                self._pending.append(observation)

    def offer(self, observation: Observation) -> bool:
        """Give an observation to what is there now, if that explains it."""
        version = self.versions[-1]
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

    def replace(
        self, length: int, solution: Sequence[Version | Observation], now: int
    ) -> list[Version]:
        """Put what a search has found behind the first versions; return those that were there."""
        taken = self.versions[length:]
        del self.versions[length:]
        pending, self._pending = self._pending + self._free(taken), []
        for part in solution:
            if isinstance(part, Observation):
                self._vanish_unless(part.holds_at(self.current))
                self.offer(part)
            elif not part.placed:
                self._vanish_unless(self.current.admits(part.needs))
                self.open(part, BEGINNING)
        self._pending = [each for each in pending if not each.placed]
        self.admit(now)
        return taken

    def _free(self, taken: list[Version]) -> list[Observation]:
        """Return the observations that versions had which are taken back, and the current one."""
        freed: list[Observation] = []
        for version in (*taken, self.current):
            version.placed = version is self.current
            for observation in version.guests or ():
                observation.placed = False
                freed.append(observation)
            version.guests = None
        if self._first_absent in taken:
            self._first_absent = None
        return freed

    def _vanish_unless(self, explained: bool) -> None:
        if not explained and self.current.mortal != NEVER:
            self.open(vanished(BEGINNING), BEGINNING)

    def calls(self) -> list[Call]:
        """Return the calls in their order."""
        calls: list[Call] = []
        for version in self.versions:
            if version.write is not None:
                calls.append(version.write)
            if version.guests is not None:
                found = [guest.call for guest in version.guests]
                found += version.reads or ()
                calls += sorted(found, key=begins) if len(found) > 1 else found
            elif version.reads is not None:
                calls += sorted(version.reads, key=begins) if version.is_mixed else version.reads
        return calls

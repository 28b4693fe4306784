"""A stretch of a key's history, cut out so that a complete search can decide it.

A window begins at a version of the order so far and ends at a moment. Two of them are searched:

* a *strict* one. What the order had before the cut stays there; everything else that must begin
  before the end is in the window. An order of it continues the order so far, so a yes can be used.
* a *relaxed* one. What may lie on either side of a boundary is optional (writes) or left out (what
  only observes), so it has an order if the whole history has one: a no is final.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import takewhile
from typing import TypeAlias

from msgspec.structs import replace

from etagere.histories.history import NEVER, Call, Kind
from etagere.histories.models import step_of
from etagere.histories.steps import Step
from etagere.histories.versioned.surroundings import Surroundings, unanswered
from etagere.histories.versioned.versions import BEGINNING, Observation, Version, begins
from etagere.histories.versioned.words import GET, OK, SET

Part: TypeAlias = "Version | Observation | None"
"""What a call of a window stands for; None: it only pins or repeats what is known."""
BEFORE_THE_WINDOW = -3


class Window:
    """The calls of a window, and what each stands for."""

    def __init__(self, near: Surroundings, cut: Version, end: int) -> None:
        self.cut = cut
        self.end = end
        self.parts: list[tuple[Call, Part]] = []
        self._near = near
        self._etags: set[str | None] = {cut.etag}
        self._strict = 0

    @property
    def calls(self) -> list[Call]:
        """Its calls."""
        return [call for call, _ in self.parts]

    def steps(self) -> list[Step]:
        """Return its calls for the search, in the order of their starts."""
        return sorted((step_of(call) for call, _ in self.parts), key=lambda step: step.start)

    def solution(self, order: Iterable[Step]) -> list[Version | Observation]:
        """Return what the steps of an order stand for."""
        parts = {id(call): part for call, part in self.parts}
        found = (parts[id(step.argument)] for step in order)
        return [part for part in found if part is not None]

    def originals(self, order: Iterable[Step]) -> list[Call]:
        """Return the calls of the history that the steps of an order stand for."""
        parts = {id(call): (call, part) for call, part in self.parts}
        found = (_original(*parts[id(step.argument)]) for step in order)
        return [call for call in found if call is not None]

    def begin(self) -> None:
        """Put the version of the cut there."""
        cut = self.cut
        if not cut.is_absent:
            ttl = None if cut.mortal == NEVER else 1
            self._add(_pinned(cut, SET, BEFORE_THE_WINDOW, BEFORE_THE_WINDOW + 1, ttl), None)

    def must(self, call: Call, part: Part) -> None:
        """Take in a call that certainly lies within the window."""
        self._strict += 1
        if isinstance(part, Version):
            self._etags.add(part.etag)
            call = _told(call, part)
        self._add(call, part)

    def may(self, version: Version) -> None:
        """Take in a write that may lie within the window."""
        assert version.write is not None  # noqa: S101
        self._etags.add(version.etag)
        self._add(unanswered(_told(version.write, version)), version)

    def pin(self, version: Version) -> None:
        """Demand that a version is there when the window ends."""
        self._add(_pinned(version, GET, self.end + 1, NEVER, None), None)

    def end_with_optional(self, is_free: Callable[[Version], bool]) -> None:
        """Take in the writes that nobody saw and that are free, as many as can be of use."""
        near = self._near
        for touch in near.clusters.touches:
            if touch.start <= self.end and self._is_possible(touch.call):
                self._add(touch.call, touch)
        self._etags |= near.optional_etags
        self.parts += near.optional(self._etags, self.end, self._strict + 1, is_free)

    def _is_possible(self, call: Call) -> bool:
        etag = call.expected
        return not etag or etag in self._etags or etag not in self._near.clusters.names.by_etag

    def _add(self, call: Call, part: Part) -> None:
        self.parts.append((call, part))


def strict_window(
    near: Surroundings,
    cut: Version,
    end: int,
    left: list[Version | Observation],
    taken: Iterable[Version],
) -> Window:
    """Cut out a window, of what is left to be placed after `cut`, if `taken` is taken back."""
    window = Window(near, cut, end)
    window.begin()
    inside = [part for part in left if part.deadline <= end]
    kept = {id(part) for part in inside}
    _add_reads(window, cut, kept)
    for part in inside:
        if isinstance(part, Observation):
            window.must(part.call, part)
        else:
            assert part.write is not None  # noqa: S101
            window.must(part.write, part)
            _add_reads(window, part, kept)
    freed = set(map(id, taken))
    window.end_with_optional(lambda version: not version.placed or id(version) in freed)
    return window


def _add_reads(window: Window, version: Version, kept: set[int]) -> None:
    for call in version.reads or ():
        if begins(call) <= window.end:
            window.must(call, None)
    goes_on = version.next is not None and id(version.next) not in kept
    if goes_on or version.last > window.end:
        window.pin(version)


def relaxed_window(near: Surroundings, cut: Version, end: int) -> Window:
    """Cut out a window, of all that happened."""
    window = Window(near, cut, end)
    window.begin()
    after = cut.deadline if cut.previous or cut.write else BEGINNING - 1
    ahead = _ahead(cut, end)
    behind = _behind(cut)
    for version in near.versions(cut.earliest, end):
        for call in version.reads or ():
            if begins(call) > after and call.finish <= end:
                window.must(call, None)
        if version.write is None or version.deadline < cut.earliest or id(version) in behind:
            continue
        within = version.start > after or id(version) in ahead
        if within and version.write.finish <= end and version.write.status is OK:
            window.must(version.write, version)
        else:
            window.may(version)
    for observation in near.observations(after, end):
        window.must(observation.call, observation)
    # Whatever the order so far makes of them, they may as well belong here.
    window.end_with_optional(lambda _: True)
    return window


def _behind(cut: Version) -> set[int]:
    """Return the version of the cut, and those before it in its chain that can have begun late."""
    found: set[int] = set()
    before: Version | None = cut
    while before is not None and before.deadline >= cut.earliest:
        found.add(id(before))
        before = before.previous
    return found


def _ahead(cut: Version, end: int) -> set[int]:
    """Return the versions after the cut in its chain that can begin by the end."""
    return {id(each) for each in takewhile(lambda each: each.earliest <= end, cut.chain())}


def _original(call: Call, part: Part) -> Call | None:
    if isinstance(part, Observation):
        return part.call
    if isinstance(part, Version):
        return part.write
    return call if call.start >= 0 and call.finish != NEVER else None


def _told(call: Call, version: Version) -> Call:
    if call.etag is None and version.etag is not None and not version.is_guess:
        return replace(call, etag=version.etag)
    return call


def _pinned(version: Version, kind: Kind, start: int, finish: int, ttl: int | None) -> Call:
    return Call(
        kind=kind,
        start=start,
        finish=finish,
        status=OK,
        key="" if version.write is None else version.write.key,
        value=version.value,
        etag=None if version.is_guess else version.etag,
        found=not version.is_absent,
        ttl=ttl,
    )

"""The check of a certificate, which knows nothing of how the order was found."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence

from etagere.contract import holds
from etagere.histories.history import Call
from etagere.histories.versioned.versions import BEGINNING
from etagere.histories.versioned.words import DELETE, EVENTUAL, FAIL, GET, MISMATCH, OK, SET
from etagere.operations import ABSENT, ANYTHING


def verify(calls: Sequence[Call], order: Sequence[Call], initial: str | None = None) -> str | None:
    """Return what is wrong with an order of one key's calls as a certificate; None: nothing.

    `calls` and `order` are as in `KeyVerdict`: transactions taken apart by `calls_by_key`. An order
    is a certificate if it has every call that was answered, each once, besides any that were not;
    if no call comes after one that began when it was over; and if a key that goes through it, by
    the rules of `etagere.contract`, answers as it was answered. That takes linear time.
    """
    problem = _membership(calls, order, id)
    if problem:
        # What was taken apart twice is equal, not identical.
        problem = _membership(calls, order, _itself)
    return problem or _real_time(order) or _replay(order, initial)


def _membership(
    calls: Sequence[Call], order: Sequence[Call], identity: Callable[[Call], Hashable]
) -> str | None:
    placed = set(map(identity, order))
    if len(placed) < len(order):
        return "a call is in the order twice"
    left_out = [call for call in calls if identity(call) not in placed]
    if len(calls) - len(left_out) < len(placed):
        return "the order has calls that are not in the history"
    for call in left_out:
        if call.status is OK or call.status is MISMATCH:
            return f"{_name(call)} was answered, and is not in the order"
    return None


def _itself(call: Call) -> Call:
    return call


def _real_time(order: Sequence[Call]) -> str | None:
    latest = BEGINNING
    for call in order:
        start = call.start
        if start > latest:
            # An eventual read may come as early as its version, and says nothing of what follows.
            if call.kind is not GET or call.consistency is not EVENTUAL:
                latest = start
        elif call.finish < latest:
            return f"{_name(call)} comes after a call that began later than it ended"
    return None


def _replay(order: Sequence[Call], initial: str | None) -> str | None:
    key = _Key(initial, order)
    for place, call in enumerate(order):
        if call.kind is GET:
            # The first comparisons decide nearly every read.
            if call.etag == key.etag and call.value == key.value is not None and call.status is OK:
                continue
            explained = key.explains_get(call)
        elif call.status is MISMATCH:
            explained = key.explains_mismatch(call)
        else:
            explained = key.write(call, place)
        if not explained or call.status is FAIL:
            return f"{_name(call)} is not explained where the key has {key}"
    return None


class _Key:
    """What is under the key; no etag: nothing. A value may be unknown, an etag is made up then."""

    def __init__(self, value: str | None, order: Sequence[Call]) -> None:
        self.value = value
        self.etag: str | None = None
        self._is_mortal = False
        self._order = order
        self._used: set[str] = set()
        if value is not None:
            self.etag = self._etag_shown_from(0)
            self._used.add(self.etag)

    def __str__(self) -> str:
        return "nothing" if self.etag is None else f"value {self.value!r} at ETag {self.etag!r}"

    def write(self, call: Call, place: int) -> bool:
        """Give the set, delete or touch at a place its effect, if it would be answered like this.

        An etag that was another's is refused.
        """
        asks_for_nothing = call.expected is ANYTHING and call.found is None
        if not asks_for_nothing and not self._explains_write(call):
            return False
        if call.kind is SET:
            etag = call.etag or self._etag_shown_from(place + 1)
            if etag in self._used:
                return False
            self._used.add(etag)
            self.etag, self.value = etag, call.value
            if call.ttl != 0:
                self._is_mortal = call.ttl is not None
        elif call.kind is DELETE:
            self._remove()
        else:
            self._touch(call)
        return True

    def _remove(self) -> None:
        self.etag = self.value = None
        self._is_mortal = False

    def _touch(self, call: Call) -> None:
        # Without an answer that there was a record, the time to live is as it was or new.
        if self.etag is not None:
            known = call.status is OK and (call.found or call.expected)
            self._is_mortal = call.ttl is not None or (self._is_mortal and not known)

    def explains_get(self, call: Call) -> bool:
        """Tell whether a get would be answered like this."""
        if call.found is False:
            return self._is_gone()
        if self.etag is None:
            return not call.found and call.etag is None and call.value is None
        if self.value is None:
            self.value = call.value
        return call.etag in (None, self.etag) and call.value in (None, self.value)

    def explains_mismatch(self, call: Call) -> bool:
        """Tell whether a mismatch would be answered like this."""
        must_be_gone = call.actual == ABSENT or holds(call.expected, self.etag)
        if must_be_gone and not self._is_gone():
            return False
        told = call.actual in (None, ABSENT if self.etag is None else self.etag)
        return told and not holds(call.expected, self.etag)

    def _explains_write(self, call: Call) -> bool:
        must_be_gone = call.found is False or call.expected == ABSENT
        if must_be_gone and not self._is_gone():
            return False
        told = not call.found or self.etag is not None
        return told and holds(call.expected, self.etag)

    def _is_gone(self) -> bool:
        """Tell whether nothing is there; what has a time to live vanishes when it has to."""
        if self._is_mortal:
            self._remove()
        return self.etag is None

    def _etag_shown_from(self, place: int) -> str:
        """Return the etag of a write that was told none, as those that found it say."""
        for index in range(place, len(self._order)):
            call = self._order[index]
            etag = _found_etag(call)
            if etag:
                return etag
            if call.kind in (SET, DELETE) and call.status is not MISMATCH:
                break
        return f"\0{len(self._used)}"


def _found_etag(call: Call) -> str | None:
    """Return the etag that a call shows to have been there."""
    if call.status is MISMATCH:
        return call.actual
    return call.etag if call.kind is GET else call.expected


def _name(call: Call) -> str:
    return f"the {call.kind} of {call.client or 'somebody'} in [{call.start}, {call.finish}]"

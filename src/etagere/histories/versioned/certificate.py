"""The check of a certificate, which knows nothing of how the order was found."""

from __future__ import annotations

from collections.abc import Sequence

from etagere.contract import holds
from etagere.histories.history import Call, Kind, Status
from etagere.histories.versioned.versions import BEGINNING, begins
from etagere.operations import ABSENT


def verify(calls: Sequence[Call], order: Sequence[Call], initial: str | None = None) -> str | None:
    """Return what is wrong with an order of one key's calls as a certificate; None: nothing.

    `calls` and `order` are as in `KeyVerdict`: transactions taken apart by `calls_by_key`. An order
    is a certificate if it has every call that was answered, each once, besides any that were not;
    if no call comes after one that began when it was over; and if a key that goes through it, by
    the rules of `etagere.contract`, answers as it was answered. That takes linear time.
    """
    return _membership(calls, order) or _real_time(order) or _replay(order, initial)


def _membership(calls: Sequence[Call], order: Sequence[Call]) -> str | None:
    placed = set(map(id, order))
    if len(placed) < len(order):
        return "a call is in the order twice"
    required = {id(call) for call in calls if call.status in (Status.OK, Status.MISMATCH)}
    if not required <= placed:
        return f"{len(required - placed)} calls that were answered are not in the order"
    possible = required | {id(call) for call in calls if call.status is Status.INFO}
    if not placed <= possible:
        return "the order has calls that are not in the history, or that failed"
    return None


def _real_time(order: Sequence[Call]) -> str | None:
    latest = BEGINNING
    for call in order:
        if call.finish < latest:
            return f"{_name(call)} comes after a call that began later than it ended"
        # An eventual read may come as early as its version.
        if call.start > latest:
            latest = max(latest, begins(call))
    return None


def _replay(order: Sequence[Call], initial: str | None) -> str | None:
    etags = _etags(order, initial)
    key = _Key(initial, etags.get(0))
    for call in order:
        kind = call.kind
        if kind is Kind.GET:
            # The first comparisons decide nearly every read.
            same = call.value == key.value is not None and call.etag == key.etag
            if not same and not key.explains_get(call):
                return f"{_name(call)} is not explained: the key has {key}"
        elif call.status is Status.MISMATCH:
            if not key.explains_mismatch(call):
                return f"{_name(call)} is not explained: the key has {key}"
        elif not key.explains_write(call):
            return f"{_name(call)} could not take effect: the key has {key}"
        elif kind is Kind.SET:
            problem = key.put(call, etags.get(id(call)) if call.etag is None else call.etag)
            if problem:
                return problem
        elif kind is Kind.DELETE:
            key.remove()
        else:
            key.touch(call)
    return None


class _Key:
    """What is under the key; no etag: nothing. A value may be unknown, an etag is made up then."""

    def __init__(self, value: str | None, etag: str | None) -> None:
        self.value = value
        self.etag: str | None = None
        self._is_mortal = False
        self._made_up = 0
        self._used: set[str] = set()
        if value is not None:
            self.etag = self._fresh() if etag is None else etag
            self._used.add(self.etag)

    def __str__(self) -> str:
        return "nothing" if self.etag is None else f"value {self.value!r} at ETag {self.etag!r}"

    def put(self, call: Call, etag: str | None) -> str | None:
        """Write; return a problem with the etag, if there is one."""
        if etag is None:
            etag = self._fresh()
        if etag in self._used:
            return f"{_name(call)} has ETag {etag!r}, which is another's"
        self._used.add(etag)
        self.etag, self.value = etag, call.value
        if call.ttl != 0:
            self._is_mortal = call.ttl is not None
        return None

    def remove(self) -> None:
        """Delete."""
        self.etag = self.value = None
        self._is_mortal = False

    def touch(self, call: Call) -> None:
        """Change the time to live, which without an answer is as it was or new."""
        if self.etag is not None:
            known = call.status is Status.OK and (call.found or call.expected)
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

    def explains_write(self, call: Call) -> bool:
        """Tell whether a set, a delete or a touch would succeed, and be answered like this."""
        must_be_gone = call.found is False or call.expected == ABSENT
        if must_be_gone and not self._is_gone():
            return False
        told = not call.found or self.etag is not None
        return told and holds(call.expected, self.etag)

    def _is_gone(self) -> bool:
        """Tell whether nothing is there; what has a time to live vanishes when it has to."""
        if self._is_mortal:
            self.remove()
        return self.etag is None

    def _fresh(self) -> str:
        self._made_up += 1
        return f"\0{self._made_up}"


def _etags(order: Sequence[Call], initial: str | None) -> dict[int, str]:
    """Return the etags of the writes that were told none, by id, as those that found them say.

    The initial record is number 0.
    """
    etags: dict[int, str] = {}
    writer = None if initial is None else 0
    if writer is None and not any(call.kind is Kind.SET and call.etag is None for call in order):
        return etags
    for call in order:
        etag = _found_etag(call)
        if writer is not None and etag:
            etags.setdefault(writer, etag)
        if call.status is Status.MISMATCH:
            continue
        if call.kind is Kind.SET:
            writer = id(call) if call.etag is None else None
        elif call.kind is Kind.DELETE:
            writer = None
    return etags


def _found_etag(call: Call) -> str | None:
    """Return the etag that a call shows to have been there."""
    if call.status is Status.MISMATCH:
        return call.actual
    return call.etag if call.kind is Kind.GET else call.expected


def _name(call: Call) -> str:
    return f"the {call.kind} of {call.client or 'somebody'} in [{call.start}, {call.finish}]"

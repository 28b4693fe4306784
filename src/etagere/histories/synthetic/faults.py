"""Faults to plant in histories."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from msgspec.structs import replace

from etagere.histories.history import NEVER, Call, History, Kind, Status, in_order


def plant(history: History, fault: str, seed: int = 0) -> History:
    """Return the history with one fault, by its name in `FAULTS`, at a random place.

    A history that has no place for it is returned as it is.
    """
    random = Random(seed)  # noqa: S311
    calls = list(history.calls)
    applies, change = FAULTS[fault]
    places = [index for index, call in enumerate(calls) if applies(call)]
    if places:
        place = random.choice(places)
        calls[place] = change(calls[place], calls, random)
    return replace(history, calls=in_order(calls))


def _is_get(call: Call) -> bool:
    return call.kind is Kind.GET and call.status is Status.OK


def _is_answered_set(call: Call) -> bool:
    return call.kind is Kind.SET and call.status in (Status.OK, Status.MISMATCH)


def _is_mismatch(call: Call) -> bool:
    return call.status is Status.MISMATCH and call.kind is not Kind.TRANSACTION


def _is_conditional(call: Call) -> bool:
    return call.kind in (Kind.SET, Kind.DELETE) and bool(call.expected)


def _is_answered(call: Call) -> bool:
    return call.finish != NEVER


def _other_version(call: Call, calls: list[Call], random: Random) -> Call:
    """Let it read another version of the key, or nothing."""
    others = [each for each in calls if each.key == call.key and each.kind is Kind.SET]
    if not others:
        return _nothing(call, calls, random)
    other = random.choice(others)
    return replace(call, value=other.value, etag=other.etag, found=True)


def _nothing(call: Call, _calls: list[Call], _random: Random) -> Call:
    return replace(call, value=None, etag=None, found=False)


def _nobodys(call: Call, _calls: list[Call], _random: Random) -> Call:
    return replace(call, value="nobody's", etag="nobody's", found=True)


def _flipped(call: Call, _calls: list[Call], random: Random) -> Call:
    if call.status is Status.OK:
        return replace(call, status=Status.MISMATCH, etag=None, expected=call.expected or "")
    etag = random.choice([None, f"flipped {call.start}"])
    return replace(call, status=Status.OK, actual=None, etag=etag)


def _other_actual(call: Call, calls: list[Call], random: Random) -> Call:
    etags = [each.etag for each in calls if each.key == call.key and each.etag]
    return replace(call, actual=random.choice(["", *etags]))


def _other_expected(call: Call, calls: list[Call], random: Random) -> Call:
    etags = [each.expected for each in calls if each.key == call.key and each.expected]
    return replace(call, expected=random.choice(etags))


def _refused(call: Call, calls: list[Call], random: Random) -> Call:
    """Turn a read into a conditional write that was refused for no reason."""
    expected = random.choice(["", call.etag, call.etag])
    return Call(
        kind=Kind.DELETE,
        start=call.start,
        finish=call.finish,
        status=Status.MISMATCH,
        client=call.client,
        key=call.key,
        expected=expected or "",
    )


def _shortened(call: Call, _calls: list[Call], random: Random) -> Call:
    """Let it last for a moment only."""
    moment = random.randrange(call.start, call.finish)
    return replace(call, start=moment, finish=moment + 1)


Change = Callable[[Call, list[Call], Random], Call]
FAULTS: dict[str, tuple[Callable[[Call], bool], Change]] = {
    "stale_read": (_is_get, _other_version),
    "absent_read": (_is_get, _nothing),
    "phantom_read": (_is_get, _nobodys),
    "flipped_result": (_is_answered_set, _flipped),
    "false_mismatch": (_is_get, _refused),
    "false_actual": (_is_mismatch, _other_actual),
    "lost_update": (_is_conditional, _other_expected),
    "short_call": (_is_answered, _shortened),
}
"""What can be planted: the calls that it suits, and what it makes of one."""

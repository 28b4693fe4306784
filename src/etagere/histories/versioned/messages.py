"""Findings about versioned keys, in words."""

from __future__ import annotations

from etagere.histories.history import Call
from etagere.histories.verdicts import Anomaly, Finding
from etagere.histories.versioned.versions import Version
from etagere.histories.versioned.words import DELETE, GET, MISMATCH, SET, TOUCH


def lost_update(version: Version, call: Call) -> Finding:
    """Tell that two writes consumed one etag."""
    first = version.write
    assert first is not None  # noqa: S101
    message = (
        f"{_clients(first, call)} consumed the ETag {call.expected!r}: {_what(first)},"
        f" and {_what(call)}"
    )
    return _finding(Anomaly.LOST_UPDATE, call.key, message, (first, call))


def aborted_read(write: Call, call: Call) -> Finding:
    """Tell that somebody saw what was refused."""
    answer = "a mismatch" if write.status is MISMATCH else "a failure"
    message = f"{_what(call)}, but that write was answered with {answer}: {_what(write)}"
    return _finding(Anomaly.ABORTED_READ, call.key, message, (write, call))


def phantom_read(call: Call) -> Finding:
    """Tell that somebody saw what nobody had written."""
    message = f"{_what(call)}, which nobody had begun to write"
    return _finding(Anomaly.PHANTOM_READ, call.key, message, (call,))


def vanished(call: Call) -> Finding:
    """Tell that what was there from the start, and never deleted, was not there."""
    message = f"{_what(call)}, but the key was there from the start and nobody had deleted it"
    return _finding(Anomaly.PHANTOM_READ, call.key, message, (call,))


def future_read(write: Call, call: Call) -> Finding:
    """Tell that a read ended before the write of its value began."""
    message = f"{_what(call)}, before {_what(write)}"
    return _finding(Anomaly.FUTURE_READ, call.key, message, (write, call))


def etag_reuse(version: Version, call: Call | None) -> Finding:
    """Tell that one etag stood for two values."""
    assert call is not None  # noqa: S101
    first = version.write
    values = f"{version.value!r} and {call.value!r}"
    etag = version.etag
    message = f"The ETag {etag!r} stood for two values, {values}: {_what(call)}"
    if first is not None:
        message += f", and {_what(first)}"
    witnesses = (call,) if first is None else (first, call)
    return _finding(Anomaly.ETAG_REUSE, call.key, message, witnesses)


def etag_value_mismatch(version: Version, call: Call) -> Finding:
    """Tell that one value was seen under two etags."""
    seen = next((read for read in version.calls() if read.etag == version.etag), version.write)
    message = f"{_what(call)}, but that value has ETag {version.etag!r}"
    if seen is not None:
        message += f": {_what(seen)}"
    witnesses = (call,) if seen is None else (seen, call)
    return _finding(Anomaly.ETAG_VALUE_MISMATCH, call.key, message, witnesses)


def contradiction(call: Call) -> Finding:
    """Tell that no store can give an answer, whatever it holds."""
    return _finding(
        Anomaly.NO_ORDER, call.key, f"{_what(call)}, which no state of the key explains", (call,)
    )


def chain_inversion(early: Call, late: Call) -> Finding:
    """Tell that a version was written after its successor had been seen."""
    message = f"{_what(early)}, a later version than the one that {_what(late)}"
    return _finding(Anomaly.CHAIN_INVERSION, late.key, message, (early, late))


def circle(version: Version) -> Finding:
    """Tell that conditional writes each consumed the version of the one before, in a circle."""
    calls = tuple(write for each in around(version) if (write := each.write) is not None)
    message = f"{len(calls):,} conditional writes consumed each other's versions in a circle"
    return _finding(Anomaly.CHAIN_INVERSION, calls[0].key, message, calls)


def around(version: Version) -> list[Version]:
    """Return the versions of a chain that bites its own tail."""
    found = [version]
    while (after := found[-1].next) is not None and after is not version:
        found.append(after)
    return found


def stale_read(newer: Call, late: Call) -> Finding:
    """Tell that a read began after something newer had been observed."""
    message = f"{_what(late)}, although a newer version had been there before: {_what(newer)}"
    return _finding(Anomaly.STALE_READ, late.key, message, (newer, late))


def resurrection(early: Call | None, gone: Call, late: Call) -> Finding:
    """Tell that something was there again after it had been gone."""
    message = f"{_what(late)} again, after {_what(gone)}"
    if early is not None:
        message += f"; first {_what(early)}"
    witnesses = (gone, late) if early is None else (early, gone, late)
    return _finding(Anomaly.RESURRECTION, late.key, message, witnesses)


def overlap(first: tuple[Call | None, Call], second: tuple[Call, Call]) -> Finding:
    """Tell that two versions each had to come before the other."""
    (a, later_a), (b, later_b) = first, second
    message = (
        "Two versions each had to come before the other:"
        f" {'one was there at the start' if a is None else _what(a)} and {_what(later_a)},"
        f" while {_what(b)} and {_what(later_b)}"
    )
    witnesses = tuple(call for call in (a, b, later_a, later_b) if call is not None)
    return _finding(Anomaly.ZONE_OVERLAP, later_a.key, message, tuple(dict.fromkeys(witnesses)))


def nested(early: Call | None, middle: tuple[Call, ...], late: Call) -> Finding:
    """Tell that another version had to come in the middle of one."""
    inside = " and ".join(_what(call) for call in middle)
    message = f"{inside}, in the middle of the time of another version: {_what(late)}"
    if early is not None:
        message += f", and earlier {_what(early)}"
    witnesses = (*middle, late) if early is None else (early, *middle, late)
    return _finding(Anomaly.ZONE_NESTED, late.key, message, witnesses)


# --- parts of sentences -----------------------------------------------------------------------


def _finding(anomaly: Anomaly, key: str, message: str, witnesses: tuple[Call, ...]) -> Finding:
    if message.startswith("somebody"):
        message = "S" + message[1:]
    return Finding(anomaly, key, f"{message}.", witnesses)


_VERBS = {GET: "read", SET: "wrote", DELETE: "deleted", TOUCH: "touched"}


def _clients(first: Call, second: Call) -> str:
    if first.client == second.client:
        return f"Two writes of {first.client or 'somebody'} both"
    return f"{first.client or 'somebody'} and {second.client or 'somebody'} both"


def _what(call: Call) -> str:
    """Return who did what, and which call that was: "c1 read value 'x' at ETag 'e7' (call 12)"."""
    who = call.client or "somebody"
    return f"{who} {_deed(call)} (call {call.start})"


def _deed(call: Call) -> str:
    if call.status is MISMATCH and call.actual is not None:
        return f"found {_etag(call.actual)} instead of {_etag(call.expected)}"
    if call.status is MISMATCH:
        return f"found something else than {_etag(call.expected)}"
    verb = _VERBS[call.kind]
    if call.found is False:
        return f"{verb} and found nothing"
    if call.kind is DELETE or (call.value is None and call.etag is None):
        return f"{verb} {_etag(call.expected)}" if call.expected else f"{verb} the key"
    value = "" if call.value is None else f" value {call.value!r}"
    etag = "" if call.etag is None else f" at ETag {call.etag!r}"
    return f"{verb}{value}{etag}"


def _etag(etag: str | None) -> str:
    return f"ETag {etag!r}" if etag else "nothing"
